import Events
import LMDB
import Ledger
import Merkle
import Projections

/// All records, read once: the tree over them, and what each partition got.
struct RecordReading: Sendable {
    let survey: FolderSurvey
    private let sizes: [UInt64]
    /// The right edge, a segment for a leaf; nil behind a record that is missing.
    private var segments: Frontier? = Frontier()
    /// The last segment's own edge, if that is not complete.
    private var rest: Frontier?
    private var roots: [UInt64: TreeHash] = [0: .empty]
    private(set) var shares: [PartitionID: PartitionShare] = [:]
    private(set) var rules: [Event] = []
    /// The first position whose record is not there or cannot be read.
    private(set) var unread: Position?
    /// The first of them whose file is gone, or cannot be read: so nobody knows what rule or receipt it was.
    private(set) var lost: Position?
    private var recorded = Instant.distantPast
    /// The time between the events, of each silence no more than `SegmentAudit.silenceMillisecondsMax`.
    private(set) var activeMilliseconds: Int64 = 0
    /// What the state must be. Nil where that cannot be worked out.
    private var draft: StateDraft?
    /// Blocks of 256 leaves, and larger ones, whose records do not make the hash that the tree's table has.
    private var suspicious: [ClosedRange<Position>] = []

    /// - Parameter sizes: of the trees whose roots are asked for later, ascending.
    init(_ survey: FolderSurvey, sizes: [UInt64]) {
        self.survey = survey
        self.sizes = sizes
    }

    /// The time from the first event that no signature vouches for to the last one; nil if there is none, or none that can be read.
    func unsignedMilliseconds(in report: AuditReport) -> Int64? {
        guard let signed = report.signed?.through, signed < end, let first = survey.recorded(at: signed.next) else { return nil }
        return recorded.milliseconds - first.milliseconds
    }

    private var end: Position { survey.end }

    /// Whether every record up to the end was there.
    var isWhole: Bool { segments != nil }

    mutating func read(_ report: inout AuditReport, _ tell: (AuditVerify.Progress) -> Void) {
        let (survey, sizes, end, folded) = (survey, sizes, end, survey.folded ?? .none)
        if survey.folded != nil { beginState(&report) }
        unread = survey.map.gaps(through: end).first?.lowerBound
        lost = survey.lacksFiles ? unread : nil
        // Only those with something in them: a damaged key may claim to be of any position.
        let numbers = survey.map.segments(of: SegmentAudit.leaves, through: end)
        for start in stride(from: 0, to: numbers.count, by: Cores.wave) {
            tell(.records(done: UInt64(start) * SegmentAudit.leaves, of: UInt64(numbers.count) * SegmentAudit.leaves))
            let audits = Cores.map(min(Cores.wave, numbers.count - start)) { index in
                let first = numbers[start + index] * SegmentAudit.leaves
                let last = min(end.rawValue, first + SegmentAudit.leaves)
                return SegmentAudit(Position(first + 1)...Position(last), of: survey.map, in: survey.files, sizes: sizes, stateEnd: folded)
            }
            for audit in audits { take(audit, &report) }
        }
        if let segments, let whole = Frontier(size: TreeSize(through: end), peaks: segments.peaks + (rest?.peaks ?? [])) {
            report.root = whole.root.withUnsafeBytes { [UInt8]($0) }
        }
        if !compareState(&report) { compareRules(&report) }
        lookForStrangers(&report)
    }

    /// Rows of the state beside those that there must be: nobody asks for them, until they are in somebody's way.
    private func lookForStrangers(_ report: inout AuditReport) {
        guard let state = survey.state, let folded = survey.folded else { return }
        let (environment, isLive) = (state.environment, survey.files.isLive)
        do {
            for name in try environment.unopenedTables() {
                report.note(
                    .damaged, in: environment.path, "its table \(name) is none of an archive's; 'annalsd rebuild' makes the file anew")
            }
            let (isTree, filtered) = try environment.read { reader in
                let isTree = try TreeTable(in: environment).isOf(TreeSize(through: folded), growing: isLive, reader)
                let hasFilters = environment.hasTable(named: PartitionFilters.tableName)
                return (isTree, hasFilters ? try PartitionFilters(in: environment).partitions(reader) : [])
            }
            if !isTree {
                report.note(
                    .damaged, in: environment.path,
                    "its table of the audit tree has other rows than it must; 'annalsd rebuild' makes it anew")
            }
            if !isLive, filtered?.allSatisfy({ survey.files.shelf.contains(PartitionID($0)) }) != true {
                report.note(
                    .damaged, in: environment.path, "its table of filters has rows of no partition; 'annalsd rebuild' makes it anew")
            }
        } catch { report.note(.damaged, in: environment.path, "cannot be read: \(error); 'annalsd rebuild' makes it anew") }
    }

    private mutating func take(_ segment: SegmentAudit, _ report: inout AuditReport) {
        report.join(segment.report)
        report.join(segment.illegal)
        if let missed = segment.unread { unread = min(unread ?? missed, missed) }
        if let missed = segment.lost { lost = min(lost ?? missed, missed) }
        if let first = segment.firstRecorded, first < recorded {
            report.note(
                .damaged, segment.positions, in: survey.files.path, "these events begin at an earlier time than those before them end")
        }
        if let first = segment.firstRecorded, first > recorded, recorded != .distantPast {
            activeMilliseconds += min(first.milliseconds - recorded.milliseconds, SegmentAudit.silenceMillisecondsMax)
        }
        activeMilliseconds += segment.activeMilliseconds
        recorded = max(recorded, segment.lastRecorded)
        learn(segment, &report)
        rules += segment.rules
        for (id, share) in segment.shares { shares[id, default: PartitionShare()].add(share) }
        compare(segment.nodes, &report)
        guard var edge = segments else { return }
        guard edge.size.leaves * SegmentAudit.leaves == segment.positions.lowerBound.rawValue - 1 else { return segments = nil }
        for (size, inner) in segment.edges {
            roots[size] = Frontier(size: TreeSize(size), peaks: edge.peaks + inner.peaks)?.root
        }
        segments = nil
        guard let own = segment.frontier else { return }
        if own.size.leaves == SegmentAudit.leaves { edge.append(own.root) } else { rest = own }
        segments = edge
    }

    /// Against the table of the tree: where it differs is where somebody was.
    private mutating func compare(_ nodes: [(node: TreeNode, hash: TreeHash)], _ report: inout AuditReport) {
        guard let state = survey.state else { return }
        let table = TreeTable(in: state.environment)
        do {
            try state.environment.read { reader in
                // What is journaled, or in the partitions alone since a crash, the tree comes to with the next fold.
                let folded = try state.progress(reader)?.position ?? .none
                for (node, hash) in nodes {
                    let first = node.index << UInt64(node.level)
                    let leaves = Position(first + 1)...Position(first + (1 << UInt64(node.level)))
                    guard leaves.upperBound <= folded, try table.hash(of: node, reader) != hash else { continue }
                    suspicious.append(leaves)
                }
            }
        } catch {
            report.note(.damaged, in: state.environment.path, "its table of the audit tree cannot be read: \(error)")
        }
    }

    private mutating func beginState(_ report: inout AuditReport) {
        do { draft = try StateDraft() } catch { report.stateUncompared = "\(error)" }
    }

    private mutating func learn(_ segment: SegmentAudit, _ report: inout AuditReport) {
        guard let draft else { return }
        do {
            if segment.frontier != nil, segment.report.verdict == .sound { return try draft.learn(segment.forState) }
            report.stateUncompared = StateDraft.Obstacle.lacksRecords.description
        } catch { report.stateUncompared = "\(error)" }
        self.draft = nil
    }

    /// The state's tables, against what they must be. False where that cannot be told.
    private mutating func compareState(_ report: inout AuditReport) -> Bool {
        guard let draft, let state = survey.state else { return false }
        self.draft = nil
        do {
            guard segments != nil else { throw StateDraft.Obstacle.lacksRecords }
            try survey.checkRemovals()
            try draft.learn(survey.files.tombstones.all, survey.files.fingerprints)
            for name in try draft.tables(differingFrom: state, of: survey) {
                report.note(
                    .damaged, in: state.environment.path, "its table \(name) is not that of the records; 'annalsd rebuild' makes it anew")
            }
            return true
        } catch {
            report.stateUncompared = "\(error)"
            return false
        }
    }

    /// The state's own copies of rules, against the log.
    private func compareRules(_ report: inout AuditReport) {
        guard let state = survey.state else { return }
        do {
            let (stored, folded) = try state.environment.read { reader in
                (try state.ruleEvents(reader), try state.progress(reader)?.position ?? .none)
            }
            if stored.filter({ $0.position <= end }) == rules.filter({ $0.position <= folded }) { return }
            report.note(
                .damaged, in: state.environment.path,
                "its tables of policies, holds and purges are not what the log says; 'annalsd rebuild' makes them anew")
        } catch { report.note(.damaged, in: state.environment.path, "its tables of rules cannot be read: \(error)") }
    }
}

/// The tree over the records, against what was signed.
extension RecordReading {
    private static let blockLeaves: UInt64 = 256

    private var blocks: [ClosedRange<Position>] {
        suspicious.filter { $0.upperBound.rawValue - $0.lowerBound.rawValue < Self.blockLeaves }
    }

    func compare(with checkpoints: CheckpointAudit, _ report: inout AuditReport) {
        var agreed: UInt64 = 0
        var disagreeing: (head: TreeHead, place: String)?
        // Where two roots were signed for one size, and the records have one of them, that is all that is to be told.
        let agreeing = Set(checkpoints.heads.map(\.head).filter { roots[$0.size.leaves] == $0.root }.map(\.size))
        for (head, place, signer) in checkpoints.heads {
            guard let root = roots[head.size.leaves] else { continue }
            report.checkpointsCompared += 1
            if root == head.root {
                agreed = max(agreed, head.size.leaves)
                if let signer, disagreeing == nil { report.signed = (head.size.end, signer) }
            } else if head.size.leaves == 0 {
                report.note(.tampered, in: place, "a checkpoint of size 0 has another root than the empty log")
            } else if disagreeing == nil, !agreeing.contains(head.size) {
                // All later ones disagree as well, and say no more.
                disagreeing = (head, place)
            }
        }
        if let (head, place) = disagreeing { return tell(head, place, after: agreed, &report) }
        for block in blocks {
            report.note(
                .damaged, block, in: survey.files.path + "/state.mdb",
                "the audit tree's stored hash is not that of these records; if they agree with what was signed, "
                    + "'annalsd rebuild' makes the table anew")
        }
        if blocks.isEmpty, let range = suspicious.first {
            report.note(
                .damaged, range, in: survey.files.path + "/state.mdb",
                "a stored hash of the audit tree over these is wrong; 'annalsd rebuild' makes the table anew")
        }
    }

    private func tell(_ head: TreeHead, _ place: String, after agreed: UInt64, _ report: inout AuditReport) {
        let all = Position(min(agreed, head.size.leaves - 1) + 1)...head.size.end
        let sentence = "the records are not those that the checkpoint of size \(head.size) was signed for"
        let found = blocks.filter { $0.overlaps(all) }
        if found.isEmpty { report.note(.tampered, all, in: place, sentence + ": some of these were changed, exchanged or removed") }
        for block in found { report.note(.tampered, block.clamped(to: all), in: place, sentence + ": some of these were changed") }
    }
}

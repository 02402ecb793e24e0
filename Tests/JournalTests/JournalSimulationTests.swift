import Foundation
import Journal
import TestSupport
import Testing

/// A journal beside a list of payloads, through random appends, releases, clean
/// stops and crashes. A crash is what the disk could have made of it: of the record
/// being written any sectors and not others, and of everything else all of it.
@Suite("Journal simulation")
struct JournalSimulationTests {
    @Test("whatever happens, what was answered is there, in order, and nothing else", arguments: 0..<16)
    func againstModel(run: Int) throws {
        var random = SeededRandom(for: "JournalSimulationTests run \(run)")
        for _ in 0..<run { _ = random.next() }
        var simulation = Simulation(random: random, background: run.isMultiple(of: 2) ? Background() : nil)
        for _ in 0..<10 { try simulation.live() }
    }
}

/// The model, and one folder after another.
private struct Simulation {
    var random: SeededRandom
    /// Where segments get their names.
    let background: Background?
    /// Every payload that must be there, by its number less one.
    private var answered: [[UInt8]] = []
    private var released = 0
    private var files: [String: [UInt8]]?

    init(random: SeededRandom, background: Background?) {
        self.random = random
        self.background = background
    }

    /// From an opening to a stop or a crash, in a folder of its own.
    mutating func live() throws {
        let folder = try TemporaryFolder()
        if let files { try folder.replace(with: files) }
        var options = JournalOptions.small(pages: .random(in: 2...16, using: &random), segments: .random(in: 2...4, using: &random))
        options.background = background?.forJournal
        var journal = try Journal(opening: folder.journal, options: options)
        defer { background?.settle() }
        try check(journal)
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            if random.chance(of: 1, in: 6) {
                // What is ordered now may wait until the next append needs it.
                if random.chance(of: 1, in: 2) { background?.hold() }
                try release(&journal)
                if random.chance(of: 1, in: 2) { background?.settle() }
            } else if random.chance(of: 1, in: 30) {
                return try crash(&journal, in: folder)
            } else {
                background?.letGo()
                answered.append(draft(journal))
                try journal.append(answered[answered.count - 1])
            }
            if random.chance(of: 1, in: 10) { try check(journal) }
        }
        try check(journal)
        background?.settle()
        try spoil(folder)
        files = try folder.files()
    }

    private mutating func draft(_ journal: borrowing Journal) -> [UInt8] {
        let limit = random.chance(of: 1, in: 8) ? journal.payloadBytesMax : min(journal.payloadBytesMax, 6000)
        return payload(.random(in: 0...limit, using: &random), Int.random(in: 0...1000, using: &random))
    }

    private mutating func release(_ journal: inout Journal) throws {
        guard released < answered.count else { return }
        released = Int.random(in: released + 1...answered.count, using: &random)
        try journal.release(through: try #require(SequenceNumber(UInt64(released))))
    }

    private func check(_ journal: borrowing Journal) throws {
        #expect(journal.nextSequence.rawValue == UInt64(answered.count + 1))
        let first = journal.records.map { Int($0.lowerBound.rawValue) } ?? 1
        #expect(first <= released + 1)
        #expect(try journal.payloads() == Array(answered[(first - 1)...]))
    }

    /// The machine stops in the middle of an append.
    private mutating func crash(_ journal: inout Journal, in folder: TemporaryFolder) throws {
        // What is ordered in the folder is done and not taken yet, or not even begun: then it is held up, unless the append cannot do without.
        background?.settle()
        if random.chance(of: 1, in: 2) {
            background?.hold()
            try release(&journal)
        }
        let before = try folder.files()
        let draft = draft(journal)
        try journal.append(draft)
        if let background, !background.isHolding { background.settle() }
        var after = try folder.files()
        let file = try #require(try Journal.scan(folder.journal).files.last { $0.records != nil })
        let name = String(file.path.suffix(19))
        let bytes = (48 + draft.count + 4095) / 4096 * 4096
        let start = file.end - bytes
        let whole = try #require(after[name])
        // A segment that this append has made was all zeros before.
        let old = before[name] ?? Array(repeating: 0, count: whole.count)
        var torn = whole
        let survivors = Int.random(in: 0...4, using: &random)
        for sector in stride(from: start, to: file.end, by: 512) where !random.chance(of: survivors, in: 4) {
            torn.replaceSubrange(sector..<sector + 512, with: old[sector..<sector + 512])
        }
        after[name] = torn
        if random.chance(of: 1, in: 2) { after[segmentName(99_999) + ".new"] = random.bytes(5000) }
        files = after
        // Padding that is missing is no loss.
        if torn[start..<start + 48 + draft.count] == whole[start..<start + 48 + draft.count] { answered.append(draft) }
    }

    /// On a copy, one bit of any record but the last turns around: that must be seen.
    private mutating func spoil(_ folder: TemporaryFolder) throws {
        let scan = try Journal.scan(folder.journal)
        guard let records = scan.records, records.lowerBound < records.upperBound else { return }
        let number = UInt64.random(in: records.lowerBound.rawValue..<records.upperBound.rawValue, using: &random)
        let file = try #require(scan.files.first { $0.records.map { $0.upperBound.rawValue >= number } ?? false })
        var offset = 4096
        for earlier in try #require(file.records).lowerBound.rawValue..<number {
            offset += (48 + answered[Int(earlier) - 1].count + 4095) / 4096 * 4096
        }
        offset += Int.random(in: 0..<48 + answered[Int(number) - 1].count, using: &random)
        let name = String(file.path.suffix(19))
        let byte = try #require(try folder.files()[name])[offset]
        try folder.patch(name, at: offset, [byte ^ UInt8(1 << Int.random(in: 0..<8, using: &random))])
        guard case .damaged? = try failure(of: { _ = try Journal.scan(folder.journal) }) else {
            Issue.record("a bit of byte \(offset) of \(name), record \(number), turned around and nobody saw it")
            return
        }
        try folder.patch(name, at: offset, [byte])
    }
}

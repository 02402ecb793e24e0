@testable import Archive
@testable import Merkle

/// Files of checkpoints, some of them whole, and whatever behind them.
enum CheckpointFiles {
    static func run(_ input: Input) {
        var input = input
        let notes = (0..<input.number(0...3)).map { size in note(size + 1) }
        let before = notes.flatMap { $0.bytes + Array("\n".utf8) } + input.remainder()
        FuzzedFile.write(before, to: path)
        let file = CheckpointFile(path: path)
        let found = attempt { try file.notes() }
        _ = attempt { try file.all(of: Notes.origin) }
        _ = attempt { try file.newest() }
        for size in 0...4 { check(attempt { try file.note(of: TreeSize(UInt64(size)), by: Notes.origin) } ?? nil) }
        if let found { promise(found.starts(with: notes), "checkpoints that are whole are not read") }
        append(to: file, before, found)
    }

    private static func append(to file: CheckpointFile, _ before: [UInt8], _ found: [SignedNote]?) {
        let isFree = attempt { try file.check(for: Notes.origin) } != nil
        promise(FuzzedFile.read(path) == before, "a file was changed by looking at it")
        let new = note(9)
        let isAppended = attempt { try file.append(new, of: Notes.origin) } != nil
        promise(isFree == isAppended, "a file may be written and is not, or the other way round")
        let after = FuzzedFile.read(path)
        guard isAppended else { return promise(after == before, "a file was changed that may not be written") }
        promise(attempt { try file.note(of: TreeSize(9), by: Notes.origin) } == new, "what was appended is not there")
        promise(after.starts(with: before.prefix(max(0, after.count - new.bytes.count - 2))), "what was there has changed")
        guard let found, let all = attempt({ try file.notes() }) else { return }
        promise(all.starts(with: found) && all.last == new && all.count - found.count <= 2, "\(found) became \(all)")
    }

    private static func check(_ note: SignedNote?) {
        guard let note else { return }
        promise(attempt { try SignedNote(parsing: note.bytes) } == note, "a checkpoint is read otherwise")
    }

    private static func note(_ size: Int) -> SignedNote {
        Checkpoint(origin: Notes.origin, head: TreeHead(size: TreeSize(UInt64(size)), root: .empty)).signed(by: Notes.signer)
    }

    private static let path = FuzzedFile.place("checkpoints")
}

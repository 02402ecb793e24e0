import Synchronization

/// One change of the names in the journal's folder, made at once or in the background.
final class FolderErrand: Sendable {
    enum Change: Hashable, Sendable {
        case create(Generation)
        case recycle(Generation, as: Generation)
        case remove(Generation)
    }

    let change: Change
    private let outcome = Mutex<Result<Void, JournalFailure>?>(nil)

    init(_ change: Change, in folder: JournalFolder, _ options: JournalOptions) {
        self.change = change
        if let background = options.background {
            background.add { self.run(folder, options) }
        } else {
            run(folder, options)
        }
    }

    /// What came of it; nil while it is under way.
    var result: Result<Void, JournalFailure>? { outcome.withLock { $0 } }

    private func run(_ folder: JournalFolder, _ options: JournalOptions) {
        let result = Result { () throws(JournalFailure) in
            switch change {
            case .create(let generation): try folder.create(generation, options)
            case .recycle(let old, let generation): try folder.recycle(old, as: generation)
            case .remove(let generation): try folder.remove(generation)
            }
        }
        outcome.withLock { $0 = result }
    }
}

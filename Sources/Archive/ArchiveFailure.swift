package import Events
package import Journal
package import LMDB
package import Ledger
package import Projections
package import Vault

/// The world's doing: the disk, the folder, the machine.
package enum ArchiveFailure: Error, Sendable {
    /// The data folder cannot be used; the sentence says why and what to do.
    case folder(path: String, reason: String)
    case journal(JournalFailure)
    case ledger(LedgerFailure)
    case store(LMDBError)
    case projection(ProjectionFailure)
    case vault(VaultFailure)
    /// Bytes read from disk are no event.
    case damaged(place: String, TrailFault)

    /// What a floor below said, in this floor's words: for blocks in which several of them may fail.
    init(_ error: any Error) {
        switch error {
        case let failure as ArchiveFailure: self = failure
        case let failure as JournalFailure: self = .journal(failure)
        case let failure as LedgerFailure: self = .ledger(failure)
        case let failure as LMDBError: self = .store(failure)
        case let failure as ProjectionFailure: self = .projection(failure)
        case let failure as VaultFailure: self = .vault(failure)
        case let fault as TrailFault: self = .damaged(place: "an event of the log", fault)
        default: preconditionFailure("the floors below throw nothing else because their throws are typed: \(error)")
        }
    }
}

extension ArchiveFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .folder(let path, let reason): "\(path): \(reason)"
        case .journal(let failure): "\(failure)"
        case .ledger(let failure): "\(failure)"
        case .store(let failure): "\(failure)"
        case .projection(let failure): "\(failure)"
        case .vault(let failure): "\(failure)"
        case .damaged(let place, let fault): "\(place) is damaged: \(fault). Restore it from a backup."
        }
    }
}

extension ArchiveFailure {
    /// Whether a write found no room, and left what was there as it was: a full journal, or a keyring that was to be written anew.
    var isForWantOfRoom: Bool {
        switch self {
        case .journal(.full): true
        case .vault(.full): true
        default: false
        }
    }
}

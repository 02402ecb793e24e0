package import LMDB

/// What can go wrong between the log and its files.
package enum LedgerFailure: Error, Sendable {
    case store(LMDBError)
    case folder(path: String, reason: String)
    /// The disk has less room than is needed; nothing was written.
    case full(path: String, reason: String)
    /// A table holds what no version of Annals wrote there.
    case damaged(path: String, table: String, reason: String)
}

extension LedgerFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): "\(error)"
        case .folder(let path, let reason), .full(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let table, let reason):
            "\(path), table \(table): \(reason). Stop the daemon and restore this file from a backup."
        }
    }
}

/// Runs what LMDB may refuse, and says so in the ledger's words.
func onStore<Result: ~Copyable>(_ work: () throws(LMDBError) -> Result) throws(LedgerFailure) -> Result {
    do { return try work() } catch { throw .store(error) }
}

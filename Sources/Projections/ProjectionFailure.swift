package import LMDB

/// What can go wrong between a projection and its file. All of it can be mended: projections are rebuilt from the log.
package enum ProjectionFailure: Error, Sendable {
    case store(LMDBError)
    case damaged(path: String, table: String)
}

extension ProjectionFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): "\(error)"
        case .damaged(let path, let table):
            "\(path), table \(table): a row makes no sense, or another version of this program wrote it. With no daemon on it, run 'annalsd rebuild' on the data folder; the log itself is not concerned."
        }
    }
}

func onStore<Result: ~Copyable>(_ work: () throws(LMDBError) -> Result) throws(ProjectionFailure) -> Result {
    do { return try work() } catch { throw .store(error) }
}

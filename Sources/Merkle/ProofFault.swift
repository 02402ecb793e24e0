/// Why a proof proves nothing.
package enum ProofFault: Error, Equatable, Sendable {
    /// The leaf is beyond the tree.
    case outsideTree
    /// The later tree is smaller than the earlier one.
    case sizesReversed
    /// It has more or fewer hashes than such a proof has.
    case wrongLength
    /// Its hashes do not lead to the roots that it is about.
    case wrongRoot

    /// A sentence.
    package var explanation: String {
        switch self {
        case .outsideTree: "the leaf is beyond the end of the tree"
        case .sizesReversed: "the later tree is smaller than the earlier one"
        case .wrongLength: "the proof has more or fewer hashes than it needs"
        case .wrongRoot: "the proof does not lead to the root"
        }
    }
}

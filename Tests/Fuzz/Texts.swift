import Archive
import Events

@testable import Ledger
@testable import Merkle
@testable import Vault

/// What people and clients write as text.
///
/// Promise: what can be read is printed in one spelling, which is read as the same.
enum Texts {
    static func run(_ input: Input) {
        var input = input
        let kind = input.byte() % 10
        let bytes = input.remainder()
        let text = String(decoding: bytes, as: UTF8.self)
        switch kind {
        case 0: check(text, Instant.init(text:)) { $0.description }
        case 1: check(text, Period.init(text:)) { $0.description }
        case 2: check(text, RetentionChange.Rule.init(text:)) { $0.description }
        case 3: check(text, Cursor.init(text:)) { $0.description }
        case 4: check(text, TilePlace.init(path:)) { $0.path }
        case 5: check(text, { text in attempt { try VerifierKey(parsing: text) } }) { $0.text }
        case 6: check(text, EscrowPublicKey.init(text:)) { $0.description }
        case 7: check(text, TreeHash.init(hex:)) { $0.hex }
        case 8: check(text, { (text: String) in TreeHash(base64: text) }) { $0.base64 }
        default: checkNames(bytes, text)
        }
    }

    private static func check<Value: Equatable>(_ text: String, _ read: (String) -> Value?, _ print: (Value) -> String) {
        guard let value = read(text) else { return }
        let printed = print(value)
        promise(read(printed) == value, "\(text) is printed as \(printed), which is \(String(describing: read(printed)))")
    }

    private static func checkNames(_ bytes: [UInt8], _ text: String) {
        if let name = attempt({ try TenantID(bytes) }) {
            promise(name.utf8 == bytes && Array(name.text.utf8) == bytes, "the name \(bytes) is \(name.utf8)")
        }
        if let type = bytes.withUnsafeBytes(ContentType.init(checking:)) {
            promise(Array(type.text.utf8) == bytes, "the type \(bytes) is \(type)")
        }
        for length in PartitionLength.allCases {
            guard let partition = length.partition(named: text) else { continue }
            promise(length.name(of: partition) == text, "the partition \(text) is called \(length.name(of: partition))")
            promise(length.partition(of: length.start(of: partition)) == partition, "\(text) does not begin in itself")
            promise(length.start(of: partition) < length.end(of: partition), "\(text) ends before it begins")
        }
    }
}

import CSodium
import Events
import Glibc

@testable import Vault

/// Keyrings: heads, boxes of keys that somebody sealed who has the root key, and whole files with damage.
///
/// Promises: heads and boxes have one spelling. Keys that come out of a damaged keyring are those that were written, in their order, and
/// none is missing but such as were added behind the file's first boxes.
enum Keyrings {
    static func run(_ input: Input) {
        var input = input
        switch input.byte() % 4 {
        case 0: header(input.remainder())
        case 1: sealed(input)
        default: damaged(input)
        }
    }

    static let root = certain { try RootKey { bytes in bytes.initializeMemory(as: UInt8.self, repeating: 0x41) } }
    private static let path = FuzzedFile.place("keyring")

    private static func header(_ bytes: [UInt8]) {
        guard let header = attempt({ try KeyringHeader(decoding: bytes, path: "") }) else { return }
        promise(bytes.starts(with: header.encoded), "\(header) is written otherwise: \(header.encoded)")
    }

    // MARK: Hostile boxes

    private static func sealed(_ input: Input) {
        var input = input
        let boxes = (0..<input.number(1...3)).map { _ in input.piece() }
        let header = KeyringHeader(boxes: input.number(1...3), nextKey: KeyID(9), root: root.id, instance: "fuzz")
        FuzzedFile.write(header.encoded + box(boxes, head: header.encoded) + input.remainder(), to: path)
        guard let entries = read() else { return }
        // What follows the boxes was sealed by nobody.
        let image = certain { try whole(entries.map(\.entry), keys: entries.map(\.key), boxes: 1) }
        FuzzedFile.write(image.bytes, to: path)
        promise(read() == entries, "keys are read otherwise when they are written again: \(entries)")
        let content = entries.flatMap { bytes(of: $0) }
        promise(boxes.joined().starts(with: content), "\(boxes) hold other keys than \(entries)")
    }

    static func box(_ contents: [[UInt8]], head: [UInt8], under root: RootKey = root) -> [UInt8] {
        contents.enumerated().flatMap { number, content in
            var sealed = [UInt8](repeating: 0, count: content.count + 16)
            let context = head + KeyringHeader.bytes(UInt64(number))
            let nonce = [UInt8](repeating: UInt8(number), count: 24)
            root.withBytes { root in
                _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                    &sealed, nil, content, UInt64(content.count), context, UInt64(context.count), nil, nonce, root.start!)
            }
            let length = UInt32(nonce.count + sealed.count)
            return KeyringHeader.bytes(length) + KeyringHeader.bytes(length ^ 0x414B_5242) + nonce + sealed
        }
    }

    struct FoundKey: Equatable {
        var entry: KeyringBox.Entry
        var key: [UInt8]

        static func == (one: Self, other: Self) -> Bool {
            one.entry.id == other.entry.id && one.entry.owner == other.entry.owner && one.key == other.key
        }
    }

    private static func bytes(of found: FoundKey) -> [UInt8] {
        let owner = found.entry.owner
        let (tenant, conversation) = (owner.tenant.utf8, owner.conversation?.utf8 ?? [])
        return KeyringHeader.bytes(found.entry.id.rawValue) + KeyringHeader.bytes(owner.partition) + found.key
            + [UInt8(tenant.count)] + tenant + [UInt8(conversation.count)] + conversation
    }

    private static func read() -> [FoundKey]? {
        var found: [FoundKey] = []
        let isRead: Void? = attempt {
            guard var keyring = try Keyring(opening: path) else { return promise(false, "the keyring is not there") }
            try keyring.read(under: root) { entry, key in found.append(FoundKey(entry: entry, key: [UInt8](key))) }
            _ = try keyring.hasTornEnd()
        }
        return isRead.map { found }
    }

    private static func whole(_ entries: [KeyringBox.Entry], keys: [[UInt8]], boxes: Int) throws -> Keyring.Image {
        var rest = keys[...]
        return try Keyring.Image(of: entries, nextKey: KeyID(9), under: root, instance: "fuzz") { _, room in
            room.copyBytes(from: rest.popFirst() ?? [])
        }
    }

    // MARK: Damage

    private static func damaged(_ input: Input) {
        var input = input
        let (first, more) = (input.number(0...4), input.number(0...3))
        certain { try make(first, more) }
        let all = read() ?? []
        promise(all.count == first + more, "\(all.count) of \(first + more) keys are read")
        var bytes = FuzzedFile.read(path)
        while !input.isEmpty {
            let (place, mask) = (Int(input.word16()), input.byte())
            if place < bytes.count { bytes[place] ^= mask }
            if mask == 0 { bytes = place % 3 == 0 ? bytes + input.piece() : [UInt8](bytes.prefix(place)) }
        }
        FuzzedFile.write(bytes, to: path)
        guard let left = read() else { return }
        promise(all.starts(with: left), "\(left) are not the keys that were written")
        promise(left.count >= first, "keys are missing and nothing is said: \(left.count) of \(first)")
    }

    private static func make(_ first: Int, _ more: Int) throws {
        unlink(path)
        func entry(_ number: Int) throws -> KeyringBox.Entry {
            let owner = KeyOwner(partition: 3, tenant: try TenantID("t\(number)"), conversation: nil)
            return KeyringBox.Entry(id: KeyID(UInt64(number)), owner: owner)
        }
        let copy: Keyring.KeyCopy = { id, room in room.initializeMemory(as: UInt8.self, repeating: UInt8(id.rawValue)) }
        let image = try Keyring.Image(of: (1..<first + 1).map(entry), nextKey: KeyID(9), under: root, instance: "fuzz", copy: copy)
        var keyring = try Keyring.write(path, image)
        for number in first + 1..<first + more + 1 { try keyring.append([entry(number)], under: root, copy: copy) }
    }
}

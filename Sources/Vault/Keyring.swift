import Glibc

/// The keyring file: a header and boxes of keys. The first boxes hold all keys there were when it was written; keys that came later
/// are in boxes behind them, each synced before the next one is begun.
///
/// A box's associated data is the header and the box's number, so that boxes cannot be moved, swapped or taken from another keyring.
struct Keyring: ~Copyable, Sendable {
    let header: KeyringHeader
    private var file: VaultFile
    private let head: [UInt8]
    /// How many boxes there are, and where they end.
    private var boxes = 0
    private var end: Int

    private init(_ header: KeyringHeader, in file: consuming VaultFile) {
        self.header = header
        self.file = file
        head = header.encoded
        end = head.count
    }

    /// Changes when the file is renamed; only failures read it.
    var path: String {
        get { file.path }
        set { file.path = newValue }
    }

    private static func context(ofBox number: Int, _ head: [UInt8]) -> [UInt8] { head + KeyringHeader.bytes(UInt64(number)) }

    // MARK: Writing

    /// Puts the key of an id where it belongs.
    typealias KeyCopy = (KeyID, UnsafeMutableRawBufferPointer) -> Void

    /// The bytes of a whole keyring. They are sealed, so they may lie in any memory.
    struct Image {
        let header: KeyringHeader
        let keys: Int
        fileprivate(set) var bytes: [UInt8]

        init(
            of entries: [KeyringBox.Entry], nextKey: KeyID, under root: RootKey, instance: String, copy: KeyCopy
        ) throws(VaultFailure) {
            let parts = KeyringBox.distributed(entries)
            keys = entries.count
            header = KeyringHeader(boxes: parts.count, nextKey: nextKey, root: root.id, instance: instance)
            let head = header.encoded
            bytes = head
            var box = try KeyringBox()
            for (number, part) in parts.enumerated() {
                let count = unsafe box.seal(part, under: root, context: Keyring.context(ofBox: number, head), copy: copy)
                try unsafe box.withBytes(count) { (sealed) throws(VaultFailure) in unsafe bytes.append(contentsOf: sealed) }
            }
        }
    }

    /// Writes a whole keyring, durably but for its name in the folder.
    static func write(_ path: String, _ image: Image) throws(VaultFailure) -> Keyring {
        var keyring = try Keyring(image.header, in: VaultFile(opening: path, O_RDWR | O_CREAT | O_EXCL))
        try keyring.file.write(image.bytes[...], at: 0)
        try keyring.file.syncWhole()
        keyring.boxes = image.header.boxes
        keyring.end = image.bytes.count
        return keyring
    }

    /// Appends boxes with more keys, durably. After a failure the file's end is unknown, and nothing more may be appended, unless it is
    /// `.full`: then the keyring is what it was.
    mutating func append(_ entries: [KeyringBox.Entry], under root: RootKey, copy: KeyCopy) throws(VaultFailure) {
        var box = try KeyringBox()
        for (number, part) in KeyringBox.distributed(entries).enumerated() {
            let count = unsafe box.seal(part, under: root, context: Self.context(ofBox: boxes, head), copy: copy)
            do throws(VaultFailure) {
                try unsafe box.withBytes(count) { (sealed) throws(VaultFailure) in
                    try unsafe file.write(UnsafeRawBufferPointer(sealed), at: end)
                }
            } catch {
                guard number == 0, error.isWantOfRoom else { throw error }
                try file.truncate(to: end)
                throw .full(path: path)
            }
            // Each of them: only the last box of a keyring may be torn.
            try file.sync()
            boxes += 1
            end += count
        }
    }

    // MARK: Reading

    /// Reads the header of a keyring. Nil if there is no file. Nothing is changed.
    ///
    /// - Parameter isOnlyRead: nothing is going to be sealed under its keys, and it may lie where nobody can write.
    init?(opening path: String, isOnlyRead: Bool = false) throws(VaultFailure) {
        guard let file = try VaultFile(ifThere: path, isOnlyRead ? O_RDONLY : O_RDWR) else { return nil }
        // Bodies are going to be sealed under the keys that are read here.
        if !isOnlyRead { try file.settle() }
        let bytes = try file.bytes(at: 0, countMax: KeyringHeader.byteCountMax)
        self.init(try KeyringHeader(decoding: bytes, path: path), in: file)
    }

    /// Lends every key to `body`, and stands then behind the last whole box. Nothing is changed.
    mutating func read(
        under root: RootKey, _ body: (KeyringBox.Entry, UnsafeRawBufferPointer) throws(VaultFailure) -> Void
    ) throws(VaultFailure) {
        let byteCount = try Int(file.status().st_size)
        var box = try KeyringBox()
        while end < byteCount, let length = try nextLength(byteCount) {
            try unsafe box.withBytes(KeyringBox.headBytes + length) { (bytes) throws(VaultFailure) in
                _ = try unsafe file.read(into: bytes, at: end)
            }
            guard box.open(length: length, under: root, context: Self.context(ofBox: boxes, head)) else {
                let isLast = try isBlank(from: end + KeyringBox.headBytes + length, to: byteCount)
                if isLast, boxes >= header.boxes { return }
                throw damage("a box of keys is not what was written there")
            }
            guard try unsafe box.forEach(body) else { throw damage("a box of keys holds something else") }
            boxes += 1
            end += KeyringBox.headBytes + length
        }
        if boxes < header.boxes { throw damage("it ends there, before all of the keys it was written with") }
    }

    /// The length of the next box; nil if that is the last one and torn.
    private func nextLength(_ byteCount: Int) throws(VaultFailure) -> Int? {
        let head = try file.bytes(at: end, countMax: KeyringBox.headBytes)
        if let length = KeyringBox.length(inHead: head) {
            return end + KeyringBox.headBytes + length <= byteCount ? length : nil
        }
        // Bytes that are no box are what a crash left of the last one, unless a box follows.
        let rest = try file.bytes(at: end, countMax: byteCount - end)
        for offset in rest.indices where KeyringBox.length(inHead: rest[offset...]) != nil {
            throw damage("there is no box of keys, although one follows at byte \(end + offset)")
        }
        return nil
    }

    /// Whether nothing but zeros is there: a file system may have made the file longer before a crash, and its content not.
    private func isBlank(from start: Int, to end: Int) throws(VaultFailure) -> Bool {
        try file.bytes(at: start, countMax: end - start).allSatisfy { $0 == 0 }
    }

    /// Whether there is something behind the last whole box.
    func hasTornEnd() throws(VaultFailure) -> Bool { try Int(file.status().st_size) > end }

    /// Removes it, durably: the next box is written there.
    func removeTornEnd() throws(VaultFailure) {
        try file.truncate(to: end)
        try file.syncWhole()
    }

    private func damage(_ reason: String) -> VaultFailure { .damaged(path: file.path, offset: end, reason: reason) }
}

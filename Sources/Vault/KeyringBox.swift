import CSodium
import Events

/// One box of a keyring, being filled or read, in locked memory:
/// length u32 BE | length XOR a constant u32 BE | nonce 24 | XChaCha20-Poly1305 of entries | tag 16.
///
/// The length counts from the nonce on, and stands there twice so that a box can be told from other bytes without a key.
/// An entry: key id u64 BE | partition i32 BE | key 32 | length u8 and tenant | length u8 and conversation (0: none).
@safe struct KeyringBox: ~Copyable {
    private let memory: LockedMemory
    /// Where the next entry goes, or where the entries end.
    private var end = Self.start

    static let headBytes = 8
    private static let lengthMask: UInt32 = 0x414B_5242
    private static let nonceBytes = 24
    private static let tagBytes = 16
    private static let start = headBytes + nonceBytes
    private static let entriesBytesMax = 1 << 16
    /// What lengths there are.
    private static let lengths = nonceBytes + tagBytes...nonceBytes + tagBytes + entriesBytesMax

    init() throws(VaultFailure) {
        memory = try LockedMemory(byteCount: Self.start + Self.entriesBytesMax + Self.tagBytes)
    }

    /// What a key is written as, but for the key itself.
    struct Entry {
        var id: KeyID
        var owner: KeyOwner

        var byteCount: Int { Self.fixedBytes + owner.tenant.utf8.count + (owner.conversation?.utf8.count ?? 0) }

        static let fixedBytes = 46
        static let keyOffset = 12
    }

    // MARK: Writing

    /// Distributes entries over boxes: at least one, none of them too full.
    static func distributed(_ entries: [Entry]) -> [ArraySlice<Entry>] {
        var boxes: [ArraySlice<Entry>] = []
        var (first, bytes) = (0, 0)
        for (index, entry) in entries.enumerated() {
            if bytes + entry.byteCount > entriesBytesMax {
                boxes.append(entries[first..<index])
                (first, bytes) = (index, 0)
            }
            bytes += entry.byteCount
        }
        return boxes + [entries[first...]]
    }

    /// Fills the box with entries, whose keys `copy` puts where they belong, and seals it. Returns how many bytes it has.
    mutating func seal(_ entries: ArraySlice<Entry>, under root: RootKey, context: [UInt8], copy: Keyring.KeyCopy) -> Int {
        end = Self.start
        for entry in entries { unsafe add(entry) { unsafe copy(entry.id, $0) } }
        return seal(under: root, context: context)
    }

    private mutating func add(_ entry: Entry, copy: (UnsafeMutableRawBufferPointer) -> Void) {
        let room = unsafe memory.bytes.part(end..<end + entry.byteCount)
        unsafe room.storeBytes(of: entry.id.rawValue.bigEndian, as: UInt64.self)
        unsafe room.storeBytes(of: entry.owner.partition.bigEndian, toByteOffset: 8, as: Int32.self)
        unsafe copy(room.part(Entry.keyOffset..<Entry.keyOffset + KeyShelf.keyBytes))
        var offset = Entry.keyOffset + KeyShelf.keyBytes
        for name in [entry.owner.tenant.utf8, entry.owner.conversation?.utf8 ?? []] {
            unsafe room[offset] = UInt8(name.count)
            unsafe room.part((offset + 1)...).copyBytes(from: name)
            offset += 1 + name.count
        }
        end += entry.byteCount
    }

    private mutating func seal(under root: RootKey, context: [UInt8]) -> Int {
        let (bytes, count) = unsafe (memory.bytes, end - Self.start)
        let length = UInt32(Self.nonceBytes + count + Self.tagBytes)
        unsafe bytes.storeBytes(of: length.bigEndian, as: UInt32.self)
        unsafe bytes.storeBytes(of: (length ^ Self.lengthMask).bigEndian, toByteOffset: 4, as: UInt32.self)
        let (nonce, box) = unsafe (bytes.part(Self.headBytes..<Self.start), bytes.part(Self.start...))
        unsafe Sodium.fillRandomly(nonce)
        _ = unsafe root.withBytes { root in
            unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                box.start!, nil, box.start, UInt64(count), context, UInt64(context.count), nil, nonce.start!, root.start!)
        }
        Sodium.wipeStack()
        return Self.headBytes + Int(length)
    }

    /// Lends the first bytes: a sealed box, to be written, or the room into which one is read.
    borrowing func withBytes<Result>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(VaultFailure) -> Result
    ) throws(VaultFailure) -> Result {
        try unsafe body(memory.bytes.part(..<count))
    }

    // MARK: Reading

    /// The length that the head of a box tells; nil if it is none.
    static func length(inHead bytes: some Collection<UInt8>) -> Int? {
        guard bytes.count >= headBytes else { return nil }
        let words = bytes.prefix(headBytes).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let (length, check) = (UInt32(words >> 32), UInt32(truncatingIfNeeded: words))
        return check == length ^ lengthMask && lengths.contains(Int(length)) ? Int(length) : nil
    }

    /// Opens in place a box that was read in. Returns whether it is one that was sealed so.
    mutating func open(length: Int, under root: RootKey, context: [UInt8]) -> Bool {
        let (nonce, box) = unsafe (
            memory.bytes.part(Self.headBytes..<Self.start), memory.bytes.part(Self.start..<Self.headBytes + length)
        )
        let code = unsafe root.withBytes { root in
            unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                box.start, nil, nil, box.start!, UInt64(box.count), context, UInt64(context.count), nonce.start!, root.start!)
        }
        Sodium.wipeStack()
        end = code == 0 ? Self.headBytes + length - Self.tagBytes : Self.start
        return code == 0
    }

    /// Lends every entry with its key. Returns false at bytes that are no entry.
    borrowing func forEach(_ body: (Entry, _ key: UnsafeRawBufferPointer) throws(VaultFailure) -> Void) throws(VaultFailure) -> Bool {
        var rest = unsafe UnsafeRawBufferPointer(memory.bytes.part(Self.start..<end))
        while unsafe !rest.isEmpty {
            guard let (entry, byteCount) = unsafe Self.entry(in: rest) else { return false }
            let key = unsafe UnsafeRawBufferPointer(rebasing: rest[Entry.keyOffset..<Entry.keyOffset + KeyShelf.keyBytes])
            try unsafe body(entry, key)
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[byteCount...])
        }
        return true
    }

    private static func entry(in bytes: UnsafeRawBufferPointer) -> (Entry, byteCount: Int)? {
        guard bytes.count >= Entry.fixedBytes else { return nil }
        let id = unsafe KeyID(UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        let partition = unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        let tenantStart = Entry.keyOffset + KeyShelf.keyBytes + 1
        let tenantEnd = unsafe tenantStart + Int(bytes[tenantStart - 1])
        guard bytes.count > tenantEnd else { return nil }
        let end = unsafe tenantEnd + 1 + Int(bytes[tenantEnd])
        guard bytes.count >= end, id.rawValue > 0, id.rawValue <= KeyID.most else { return nil }
        do throws(NameFault) {
            let tenant = try unsafe TenantID(checking: UnsafeRawBufferPointer(rebasing: bytes[tenantStart..<tenantEnd]))
            let name = unsafe UnsafeRawBufferPointer(rebasing: bytes[(tenantEnd + 1)..<end])
            let conversation = unsafe name.isEmpty ? nil : try unsafe ConversationID(checking: name)
            return (Entry(id: id, owner: KeyOwner(partition: partition, tenant: tenant, conversation: conversation)), end)
        } catch {
            return nil
        }
    }
}

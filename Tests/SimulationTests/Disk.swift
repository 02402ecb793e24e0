import SimulatedDisk

/// A folder whose disk forgets, tears, fails and fills up as a test says. Everything that is done to its files comes through it.
final class Disk {
    /// Kinds of calls.
    struct Calls: OptionSet {
        let rawValue: UInt32
        static let open = Self(rawValue: UInt32(SIMDISK_OPEN))
        static let read = Self(rawValue: UInt32(SIMDISK_READ))
        static let write = Self(rawValue: UInt32(SIMDISK_WRITE))
        static let sync = Self(rawValue: UInt32(SIMDISK_SYNC))
        static let resize = Self(rawValue: UInt32(SIMDISK_RESIZE))
        static let rename = Self(rawValue: UInt32(SIMDISK_RENAME))
        static let unlink = Self(rawValue: UInt32(SIMDISK_UNLINK))
        static let make = Self(rawValue: UInt32(SIMDISK_MAKE))
        static let statvfs = Self(rawValue: UInt32(SIMDISK_STATVFS))
        static let all = Self(rawValue: UInt32(SIMDISK_ALL))
    }

    /// What a crash leaves of what was not synced.
    enum Survival: Int32, CaseIterable { case nothing, everything, prefix, any }

    private let raw: OpaquePointer
    private var isEnded = false

    /// - Parameters:
    ///   - folder: must be there, and nothing in it open.
    ///   - graveyard: another one, where removed files wait for the sync that makes it certain.
    init(_ folder: String, graveyard: String) { raw = simdisk_create(folder, graveyard) }

    /// From here on the folder is one like any other. The last thing that is done with it.
    func end() {
        if !isEnded { simdisk_destroy(raw) }
        isEnded = true
    }

    deinit { end() }

    /// Calls that changed something.
    var calls: UInt64 { simdisk_calls(raw) }
    var digest: UInt64 { simdisk_digest(raw) }
    func count(of kind: Calls) -> UInt64 { simdisk_count(raw, kind.rawValue) }

    /// The machine stops at the call behind so many others.
    func die(after calls: Int) { simdisk_die_at(raw, self.calls + UInt64(calls) + 1) }
    func spare() { simdisk_die_at(raw, 0) }
    var isDead: Bool { simdisk_is_dead(raw) }

    func fail(_ kinds: Calls, after calls: Int, error: Int32, forever: Bool) {
        simdisk_fail(raw, kinds.rawValue, UInt64(calls), error, forever)
    }
    func mend() { simdisk_fail(raw, 0, 0, 0, false) }
    var failed: UInt64 { simdisk_failed(raw) }

    /// Bytes that are left; nil: no bound.
    var space: Int64? {
        get {
            let space = simdisk_space(raw)
            return space < 0 ? nil : space
        }
        set { simdisk_set_space(raw, newValue ?? -1) }
    }

    /// Nothing may be open.
    @discardableResult
    func crash(_ survival: Survival, seed: UInt64) -> simdisk_loss { simdisk_crash(raw, survival.rawValue, seed) }

    /// The process was killed, and the machine goes on.
    func revive() { simdisk_revive(raw) }

    /// It says that it has synced files with this in their paths, and has not.
    func lie(about part: String?) { simdisk_ignore_syncs(raw, part) }

    static func contains(_ bytes: [UInt8], _ path: String) -> Bool { simdisk_contains(path, bytes, bytes.count) }

    /// The last calls, a line each.
    var trace: String {
        var text = [CChar](repeating: 0, count: 1 << 14)
        _ = simdisk_trace(raw, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

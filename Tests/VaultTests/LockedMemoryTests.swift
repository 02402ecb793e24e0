import Events
import Foundation
import Synchronization
import Testing

@testable import Vault

@Suite("LockedMemory")
struct LockedMemoryTests {
    @Test("is left out of core dumps, wiped in child processes, and locked if it says so")
    func flags() throws {
        let memory = try LockedMemory(byteCount: 4096)
        let address = UInt(bitPattern: memory.bytes.baseAddress)
        let mapping = try #require(try Mapping.all().first { $0.range.contains(address) })
        #expect(mapping.flags.contains("dd") && mapping.flags.contains("wf"))
        #expect(mapping.flags.contains("lo") == memory.isLocked)
        #expect(memory.bytes.allSatisfy { $0 == 0 })
    }

    @Test("keys are nowhere in what a core dump would hold, and dead ones nowhere at all")
    func nowhereElse() throws {
        let home = try VaultHome()
        var vault = try home.open()
        let ids = try (0..<2).map { try vault.make(for: owner(Int32($0))) }
        try vault.save()
        for id in ids { #expect(vault.opened(vault.sealed([1, 2, 3], under: id)).0 == .plain) }
        vault = try home.open()
        for id in ids { #expect(vault.opened(vault.sealed([1, 2, 3], under: id)).0 == .plain) }

        // Kept in memory of the same kind while it is looked for, so that nobody finds what is sought itself.
        let sought = try LockedMemory(byteCount: 96)
        for (index, id) in ids.enumerated() {
            #expect(vault.withRawKey(id) { sought.bytes.part(32 * index..<32 * index + 32).copyMemory(from: $0) } != nil)
        }
        vault.desk.withLock { desk in desk.root.withBytes { sought.bytes.part(64..<96).copyMemory(from: $0) } }
        let own = UInt(bitPattern: sought.bytes.baseAddress)
        #expect(try places(of: sought, 0..<32).contains { $0.flags.contains("dd") && !$0.range.contains(own) })
        // One that does lie elsewhere is found.
        let leak = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { leak.deallocate() }
        leak.part(100..<132).copyMemory(from: UnsafeRawBufferPointer(sought.bytes.part(32..<64)))
        #expect(try places(of: sought, 32..<64).contains { !$0.flags.contains("dd") })
        Sodium.wipe(leak)
        try vault.shred([ids[0]]) { _ in }
        for start in [0, 32, 64] {
            let found = try places(of: sought, start..<start + 32).filter { !$0.range.contains(own) }
            #expect(found.allSatisfy { $0.flags.contains("dd") }, "key \(start / 32)")
            if start != 32 { #expect(found.isEmpty, "key \(start / 32) is dead") }
        }
    }

    @Test("a system that locks no memory is told of, and the vault goes on")
    func refused() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            #expect(setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0)
            let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            // Who has the privilege may lock all the same.
            let isLocked = mlock(try #require(page), 4096) == 0
            let vault = try VaultHome().open()
            let id = try vault.make(for: owner())
            #expect(vault.isMemoryLocked == isLocked)
            #expect(vault.opened(vault.sealed([1], under: id)) == (.plain, [1]))
        }
    }

    /// The mappings of this process in which a part of `memory` is found.
    private func places(of memory: borrowing LockedMemory, _ part: Range<Int>) throws -> [Mapping] {
        let file = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        // Of the same kind too: what is read here is a copy of everything.
        let window = try LockedMemory(byteCount: 1 << 20)
        let own = UInt(bitPattern: window.bytes.baseAddress)
        let sought = UnsafeRawBufferPointer(memory.bytes.part(part))
        return try Mapping.all().filter { mapping in
            guard mapping.isReadable, !mapping.range.contains(own) else { return false }
            var offset = mapping.range.lowerBound
            while offset < mapping.range.upperBound {
                let count = pread(
                    file, window.bytes.baseAddress, min(window.byteCount, Int(mapping.range.upperBound - offset)), Int(offset))
                if count <= 0 { break }
                if isFound(sought, in: window.bytes.part(..<count)) { return true }
                // Keys may lie across the edge of a window.
                offset += UInt(count > sought.count ? count - (offset + UInt(count) < mapping.range.upperBound ? sought.count : 0) : count)
            }
            return false
        }
    }

    private func isFound(_ sought: UnsafeRawBufferPointer, in bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress, bytes.count >= sought.count else { return false }
        var offset = 0
        while offset <= bytes.count - sought.count,
            let found = memchr(start + offset, Int32(sought[0]), bytes.count - sought.count - offset + 1)
        {
            if memcmp(found, sought.baseAddress!, sought.count) == 0 { return true }
            offset = UnsafeRawPointer(found) - UnsafeRawPointer(start) + 1
        }
        return false
    }
}

/// A mapping of this process, as proc(5) tells it.
private struct Mapping {
    var range: Range<UInt>
    var isReadable: Bool
    var flags: Set<Substring> = []

    /// A file of proc(5) has no length, and is read to its end.
    private static func wholeText(of path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &part, part.count)
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }

    static func all() throws -> [Mapping] {
        var mappings: [Mapping] = []
        for line in try wholeText(of: "/proc/self/smaps").split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("VmFlags:") {
                mappings[mappings.count - 1].flags = Set(words.dropFirst())
            } else if let dash = words[0].firstIndex(of: "-"), let start = UInt(words[0][..<dash], radix: 16),
                let end = UInt(words[0][words[0].index(after: dash)...], radix: 16)
            {
                mappings.append(Mapping(range: start..<end, isReadable: words[1].hasPrefix("r") && !line.hasSuffix("[vvar]")))
            }
        }
        return mappings
    }
}

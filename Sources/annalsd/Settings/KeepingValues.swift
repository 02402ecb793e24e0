import Archive
import Events
import Glibc
import Reception
import Vault

/// The settings about what is kept, what is destroyed, and with which keys.
extension Settings {
    func keys(_ options: inout ArchiveOptions) throws(SettingFailure) {
        options.rootKey = try rootKey(dataFolder: options.path)
        options.escrow = try escrow(dataFolder: options.path)
    }

    func keeping(_ options: inout ArchiveOptions) {
        options.coolOffMilliseconds = Int64(number(.coolOffHours)) * 3_600_000
        options.purge.isAutomatic = text(.purgeAutomatic) == "yes"
        options.purge.dailyMinute = Setting.Kind.minuteOfDay(text(.purgeTime)) ?? options.purge.dailyMinute
        options.purge.lagMilliseconds = Int64(number(.purgeLagHours)) * 3_600_000
        options.purge.trailPeriod = Setting.Kind.trailPeriod(text(.trailPeriod)) ?? options.purge.trailPeriod
        options.purge.clockToleranceMilliseconds = Int64(number(.clockToleranceSeconds)) * 1000
        options.purge.tickMilliseconds = number(.upkeepSeconds) * 1000
        options.purge.readerGrowthBytesMax = number(.readerGrowthBytes)
        options.purge.compactionGainPercent = number(.compactionGain)
        options.purge.compactionBytesPerSecond = number(.compactionBytesPerSecond)
        options.steadyClock = SteadyClock.read
    }

    func audit(_ options: inout AuditOptions, dataFolder: String) throws(SettingFailure) {
        if !text(.checkpointFile).isEmpty { try Self.check(place: text(.checkpointFile), of: "checkpoint-file", besides: dataFolder) }
        options.checkpointMilliseconds = Int64(number(.checkpointSeconds)) * 1000
        options.outsideFile = text(.checkpointFile).isEmpty ? nil : text(.checkpointFile)
        options.growsTree = getenv("ANNALS_BENCHMARK_NO_TREE") == nil
        options.signingKey = text(.signingKeyFile).isEmpty ? nil : text(.signingKeyFile)
    }

    func rootKey(dataFolder: String) throws(SettingFailure) -> any RootKeySource {
        let file = text(.rootKeyFile).isEmpty ? dataFolder + "/vault/root.key" : text(.rootKeyFile)
        let command = text(.rootKeyCommand).split(separator: " ").map(String.init)
        let credential = text(.rootKeyCredential)
        if !command.isEmpty {
            guard credential.isEmpty, text(.rootKeyFile).isEmpty else {
                throw SettingFailure(sentence: "root-key-command excludes root-key-file and root-key-credential; give one of them")
            }
            return RootKeyCommand(command)
        }
        if credential.isEmpty { return RootKeyFile(file) }
        guard let folder = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }) else {
            throw SettingFailure(
                sentence: "root-key-credential needs a service that systemd gives credentials to (LoadCredential=); "
                    + "CREDENTIALS_DIRECTORY is not set")
        }
        return RootKeyCredential(directory: folder, name: credential, file: file)
    }
}

/// The clock that nobody can set.
enum SteadyClock {
    @Sendable static func read(_ wall: Instant) -> ClockReading {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return ClockReading(wall: wall, steadyMilliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000, boot: boot)
    }

    /// Another one after each start of the machine.
    private static let boot: String = {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "r") else { return ClockReading.unknownBoot }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count).prefix { $0 > 0x20 }, as: UTF8.self)
    }()
}

extension Setting.Kind {
    /// Minutes since midnight.
    static func minuteOfDay(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hours = Int(parts[0]), let minutes = Int(parts[1]),
            (0..<24).contains(hours), (0..<60).contains(minutes)
        else { return nil }
        return hours * 60 + minutes
    }

    static func trailPeriod(_ text: String) -> Period? {
        Period(text: text).flatMap { $0.isNeverShorter(than: PurgeOptions.trailPeriodLeast) ? $0 : nil }
    }

    static func preset(_ text: String) -> (period: Period, floor: Period?)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let period = Period(text: parts[0]) else { return nil }
        if parts[1] == "none" { return (period, nil) }
        return Period(text: parts[1]).map { (period, $0) }
    }
}

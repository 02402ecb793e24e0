import Archive
import Journal
import Ledger
import Logging
import Reception

/// The settings as the rooms below want them.
extension Settings {
    /// - Parameter hasKeys: false for what opens no body: then it matters not whether their keeper can be reached.
    func archiveOptions(hasKeys: Bool = true) throws(SettingFailure) -> ArchiveOptions {
        let segmentBytes = number(.journalSegmentBytes)
        guard segmentBytes.isMultiple(of: JournalOptions.pageBytes) else {
            throw SettingFailure(
                sentence: "the setting journal-segment-bytes must be a multiple of \(JournalOptions.pageBytes), but it is \(segmentBytes)")
        }
        var options = ArchiveOptions(path: text(.data))
        options.partitionLength = PartitionLength(rawValue: text(.partitionLength)) ?? .day
        options.origin = text(.origin).isEmpty ? nil : text(.origin)
        options.bodyBytesMax = number(.bodyBytesMax)
        options.batchBytesMax = number(.batchBytesMax)
        options.batchEventsMax = number(.batchEventsMax)
        options.foldBytes = number(.foldBytes)
        options.foldMilliseconds = number(.foldMilliseconds)
        options.tailBytesMax = number(.tailBytesMax)
        options.openPartitionsMax = number(.openPartitionsMax)
        options.mapBytes = number(.mapBytes)
        options.diskReserveBytes = number(.diskReserveBytes)
        options.idempotenceMilliseconds = Int64(number(.idempotenceHours)) * 3_600_000
        if hasKeys { try keys(&options) }
        keeping(&options)
        try audit(&options.audit, dataFolder: options.path)
        options.journal = JournalOptions(segmentBytes: segmentBytes, segments: number(.journalSegments))
        if let complaint = options.complaint { throw SettingFailure(sentence: "settings contradict each other: \(complaint)") }
        return options
    }

    func receptionOptions() -> ReceptionOptions {
        let rights = RightsOfUsers(importers: users(.importers), administrators: users(.administrators), auditors: users(.auditors))
        var options = ReceptionOptions(socketPath: text(.socket), rights: rights)
        options.socketMode = Setting.Kind.mode(text(.socketMode)) ?? options.socketMode
        options.socketGroup = text(.socketGroup).isEmpty ? nil : Setting.Kind.group(text(.socketGroup))
        options.connectionsMax = number(.connectionsMax)
        options.bodyBytesMax = number(.bodyBytesMax)
        options.appendsMax = number(.appendsMax)
        options.inputBytesMax = number(.inputBytesMax)
        options.inputBytesTotalMax = number(.inputBytesTotalMax)
        options.outputBytesTotalMax = number(.outputBytesTotalMax)
        options.stallMilliseconds = number(.stallMilliseconds)
        options.unreadSeconds = number(.unreadSeconds)
        options.drainSeconds = number(.drainSeconds)
        options.queryThreads = number(.queryThreads)
        options.presets = zip(RetentionPreset.all, Setting.presets).map { preset, setting in
            Setting.Kind.preset(text(setting)).map { RetentionPreset(name: preset.name, period: $0.period, floor: $0.floor) } ?? preset
        }
        return options
    }

    var logLevel: Logger.Level { Logger.Level(rawValue: text(.logLevel)) ?? .notice }

    private func users(_ setting: Setting) -> UserList {
        guard let users = Setting.Kind.users(text(setting)) else {
            preconditionFailure("the setting \(setting.name) is no list of users, because nobody checked it")
        }
        return users
    }
}

extension Setting.Kind {
    static func users(_ text: String) -> UserList? { UserList(text: text) }
}

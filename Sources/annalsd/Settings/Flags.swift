import ArgumentParser

/// The settings as flags. Texts all of them: they are checked together with those from elsewhere, by the same rules.
struct Flags: ParsableArguments {
    @Option(help: Setting.data.help) var data: String?
    @Option(help: Setting.socket.help) var socket: String?
    @Option(help: Setting.socketMode.help) var socketMode: String?
    @Option(help: Setting.socketGroup.help) var socketGroup: String?
    @Option(help: Setting.connectionsMax.help) var connectionsMax: String?
    @Option(help: Setting.importers.help) var importers: String?
    @Option(help: Setting.administrators.help) var administrators: String?
    @Option(help: Setting.auditors.help) var auditors: String?
    @Option(help: Setting.logLevel.help) var logLevel: String?
    @Option(help: Setting.partitionLength.help) var partitionLength: String?
    @Option(help: Setting.origin.help) var origin: String?
    @Option(help: Setting.bodyBytesMax.help) var bodyBytesMax: String?
    @Option(help: Setting.idempotenceHours.help) var idempotenceHours: String?
    @Option(help: Setting.rootKeyFile.help) var rootKeyFile: String?
    @Option(help: Setting.rootKeyCredential.help) var rootKeyCredential: String?
    @Option(help: Setting.rootKeyCommand.help) var rootKeyCommand: String?
    @Option(help: Setting.escrowFile.help) var escrowFile: String?
    @Option(help: Setting.escrowPublicKey.help) var escrowPublicKey: String?
    @Option(help: Setting.signingKeyFile.help) var signingKeyFile: String?
    @Option(help: Setting.checkpointSeconds.help) var checkpointSeconds: String?
    @Option(help: Setting.checkpointFile.help) var checkpointFile: String?
    @Option(help: Setting.coolOffHours.help) var coolOffHours: String?
    @Option(help: Setting.purgeAutomatic.help) var purgeAutomatic: String?
    @Option(help: Setting.purgeTime.help) var purgeTime: String?
    @Option(help: Setting.purgeLagHours.help) var purgeLagHours: String?
    @Option(help: Setting.trailPeriod.help) var trailPeriod: String?
    @Option(help: Setting.clockToleranceSeconds.help) var clockToleranceSeconds: String?
    @Option(help: Setting.upkeepSeconds.help) var upkeepSeconds: String?
    @Option(help: Setting.readerGrowthBytes.help) var readerGrowthBytes: String?
    @Option(name: .customLong("compaction-gain-percent"), help: Setting.compactionGain.help) var compactionGain: String?
    @Option(help: Setting.compactionBytesPerSecond.help) var compactionBytesPerSecond: String?
    @Option(help: Setting.presetDefault.help) var presetDefault: String?
    @Option(help: Setting.presetSixMonths.help) var presetSixMonths: String?
    @Option(help: Setting.presetFinance.help) var presetFinance: String?
    @Option(help: Setting.presetMedical.help) var presetMedical: String?
    @Option(help: Setting.presetEducation.help) var presetEducation: String?
    @Option(help: Setting.diskReserveBytes.help) var diskReserveBytes: String?
    @Option(name: .customLong("stall-ms"), help: Setting.stallMilliseconds.help) var stallMilliseconds: String?
    @Option(help: Setting.unreadSeconds.help) var unreadSeconds: String?
    @Option(help: Setting.drainSeconds.help) var drainSeconds: String?
    @Option(help: Setting.queryThreads.help) var queryThreads: String?
    @Option(help: Setting.appendsMax.help) var appendsMax: String?
    @Option(help: Setting.inputBytesMax.help) var inputBytesMax: String?
    @Option(help: Setting.inputBytesTotalMax.help) var inputBytesTotalMax: String?
    @Option(help: Setting.outputBytesTotalMax.help) var outputBytesTotalMax: String?
    @Option(help: Setting.batchBytesMax.help) var batchBytesMax: String?
    @Option(help: Setting.batchEventsMax.help) var batchEventsMax: String?
    @Option(help: Setting.foldBytes.help) var foldBytes: String?
    @Option(name: .customLong("fold-ms"), help: Setting.foldMilliseconds.help) var foldMilliseconds: String?
    @Option(help: Setting.tailBytesMax.help) var tailBytesMax: String?
    @Option(help: Setting.openPartitionsMax.help) var openPartitionsMax: String?
    @Option(help: Setting.mapBytes.help) var mapBytes: String?
    @Option(help: Setting.journalSegmentBytes.help) var journalSegmentBytes: String?
    @Option(help: Setting.journalSegments.help) var journalSegments: String?

    /// Those that were given, by the settings' names.
    var given: [String: String] {
        let all: [(Setting, String?)] = [
            (.data, data), (.socket, socket), (.socketMode, socketMode), (.socketGroup, socketGroup), (.connectionsMax, connectionsMax),
            (.importers, importers), (.administrators, administrators), (.auditors, auditors), (.logLevel, logLevel),
            (.partitionLength, partitionLength), (.origin, origin), (.bodyBytesMax, bodyBytesMax), (.idempotenceHours, idempotenceHours),
            (.diskReserveBytes, diskReserveBytes), (.rootKeyFile, rootKeyFile), (.rootKeyCredential, rootKeyCredential),
            (.rootKeyCommand, rootKeyCommand), (.escrowFile, escrowFile), (.escrowPublicKey, escrowPublicKey),
            (.signingKeyFile, signingKeyFile), (.checkpointSeconds, checkpointSeconds), (.checkpointFile, checkpointFile),
            (.coolOffHours, coolOffHours), (.purgeAutomatic, purgeAutomatic),
            (.purgeTime, purgeTime), (.purgeLagHours, purgeLagHours), (.trailPeriod, trailPeriod),
            (.clockToleranceSeconds, clockToleranceSeconds),
            (.upkeepSeconds, upkeepSeconds), (.readerGrowthBytes, readerGrowthBytes), (.compactionGain, compactionGain),
            (.compactionBytesPerSecond, compactionBytesPerSecond),
            (.presetDefault, presetDefault), (.presetSixMonths, presetSixMonths), (.presetFinance, presetFinance),
            (.presetMedical, presetMedical), (.presetEducation, presetEducation), (.stallMilliseconds, stallMilliseconds),
            (.unreadSeconds, unreadSeconds),
            (.drainSeconds, drainSeconds), (.queryThreads, queryThreads), (.appendsMax, appendsMax), (.inputBytesMax, inputBytesMax),
            (.inputBytesTotalMax, inputBytesTotalMax), (.outputBytesTotalMax, outputBytesTotalMax), (.batchBytesMax, batchBytesMax),
            (.batchEventsMax, batchEventsMax), (.foldBytes, foldBytes), (.foldMilliseconds, foldMilliseconds),
            (.tailBytesMax, tailBytesMax), (.openPartitionsMax, openPartitionsMax), (.mapBytes, mapBytes),
            (.journalSegmentBytes, journalSegmentBytes), (.journalSegments, journalSegments),
        ]
        precondition(all.map(\.0.name) == Setting.all.map(\.name), "a setting has no flag, because it was declared and not listed here")
        var given: [String: String] = [:]
        for case (let setting, let text?) in all { given[setting.name] = text }
        return given
    }
}

import Archive
import ArgumentParser
import Reception
import Testing

@testable import annalsd

@Suite("Settings")
struct SettingsTests {
    private let least = ["data": "/d", "socket": "/s"]

    @Test("a flag counts before the environment, that before the file, that before the default")
    func precedence() throws {
        let all = try Settings(
            flags: least.merging(["fold-ms": "1"]) { $1 }, environment: ["ANNALS_FOLD_MS": "2", "ANNALS_STALL_MS": "2"],
            file: ("/f", ["fold-ms": "3", "stall-ms": "3", "drain-seconds": "3"]))
        #expect(all.number(.foldMilliseconds) == 1)
        #expect(all.number(.stallMilliseconds) == 2)
        #expect(all.number(.drainSeconds) == 3)
        #expect(all.number(.unreadSeconds) == 60)
    }

    @Test("a bad value is told with its setting and where it comes from")
    func complaints() {
        func complaint(_ flags: [String: String], _ environment: [String: String] = [:], _ file: [String: String] = [:]) -> String {
            do {
                _ = try Settings(flags: flags, environment: environment, file: ("/f", file))
                return ""
            } catch {
                return error.sentence
            }
        }
        #expect(complaint([:]).hasPrefix("the setting data is missing; give --data, ANNALS_DATA, or 'data'"))
        #expect(
            complaint(least.merging(["connections-max": "0"]) { $1 })
                == "the setting connections-max must be a whole number from 1 to 1000000, but the flag --connections-max has '0'")
        #expect(complaint(least, ["ANNALS_SOCKET_MODE": "888"]).hasSuffix("but the environment variable ANNALS_SOCKET_MODE has '888'"))
        #expect(complaint(least, [:], ["importers": "root"]).hasSuffix("but the configuration file /f has 'root'"))
        #expect(complaint(least, [:], ["conections-max": "1"]).contains("has a setting 'conections-max', which does not exist"))
        #expect(complaint(["data": "", "socket": "/s"]).hasPrefix("the setting data must not be empty"))
    }

    @Test("every default passes its own check", arguments: Setting.all)
    func defaults(setting: Setting) {
        guard let fallback = setting.fallback, !fallback.isEmpty else { return }
        #expect(setting.kind.complaint(about: fallback) == nil)
    }

    @Test("the defaults are those of the rooms below")
    func sameDefaults() throws {
        let settings = try Settings(flags: least, environment: [:], file: nil)
        let archive = try settings.archiveOptions()
        #expect(archive.complaint == nil)
        #expect(archive.foldBytes == 32 << 20)
        #expect(settings.receptionOptions().socketMode == 0o660)
    }

    @Test("settings that contradict each other are refused")
    func contradiction() throws {
        let settings = try Settings(flags: least.merging(["tail-bytes-max": "8192"]) { $1 }, environment: [:], file: nil)
        #expect(throws: SettingFailure.self) { try settings.archiveOptions() }
    }

    @Test("every setting has its flag")
    func flags() throws {
        let words = Setting.all.flatMap { ["--\($0.name)", "x"] }
        #expect(try Flags.parse(words).given == Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.name, "x") }))
    }
}

import Glibc

/// Where a setting's value comes from: the first of these that has one.
enum Origin: Sendable, Equatable {
    case flag
    case environment
    case file(String)
    case fallback

    /// The source as the operator knows it.
    func description(of setting: Setting) -> String {
        switch self {
        case .flag: "the flag --\(setting.name)"
        case .environment: "the environment variable \(setting.environment)"
        case .file(let path): "the configuration file \(path)"
        case .fallback: "the default"
        }
    }
}

/// Every setting with its checked value.
struct Settings: Sendable {
    private var values: [String: (text: String, origin: Origin)] = [:]

    /// - Parameters:
    ///   - flags: by the settings' names, as given on the command line.
    ///   - file: likewise, from the configuration file.
    ///   - unneeded: settings that count nothing here, and may be missing.
    init(
        flags: [String: String], environment: [String: String], file: (path: String, values: [String: String])?,
        without unneeded: [String] = []
    ) throws(SettingFailure) {
        if let file, let unknown = file.values.keys.sorted().first(where: { name in !Setting.all.contains { $0.name == name } }) {
            throw SettingFailure(
                sentence: "the configuration file \(file.path) has a setting '\(unknown)', which does not exist; annalsd --help lists all")
        }
        for setting in Setting.all {
            let found: (String, Origin)
            if let text = flags[setting.name] {
                found = (text, .flag)
            } else if let text = environment[setting.environment] {
                found = (text, .environment)
            } else if let file, let text = file.values[setting.name] {
                found = (text, .file(file.path))
            } else if let text = setting.fallback {
                found = (text, .fallback)
            } else if unneeded.contains(setting.name) {
                continue
            } else {
                let places = "--\(setting.name), \(setting.environment), or '\(setting.name)' in the configuration file"
                throw SettingFailure(sentence: "the setting \(setting.name) is missing; give \(places)")
            }
            try Self.check(found.0, from: found.1, setting)
            values[setting.name] = found
        }
    }

    private static func check(_ text: String, from origin: Origin, _ setting: Setting) throws(SettingFailure) {
        if text.isEmpty, setting.fallback == "" { return }
        let complaint = text.isEmpty ? "must not be empty" : setting.kind.complaint(about: text)
        guard let complaint else { return }
        throw SettingFailure(sentence: "the setting \(setting.name) \(complaint), but \(origin.description(of: setting)) has '\(text)'")
    }

    func text(_ setting: Setting) -> String {
        guard let value = values[setting.name] else {
            preconditionFailure("the setting \(setting.name) has no value, because it is missing in the list of all")
        }
        return value.text
    }

    func number(_ setting: Setting) -> Int {
        guard let number = Int(text(setting)) else {
            preconditionFailure("the setting \(setting.name) is no number, because it is read as another kind than it was declared")
        }
        return number
    }

    /// All settings as a configuration file, and where each value comes from.
    var listing: String {
        Setting.all.map { setting in
            let value = values[setting.name] ?? ("", .fallback)
            return "\(setting.name) = \(value.text.isEmpty ? "(none)" : value.text)    # \(value.origin.description(of: setting))"
        }.joined(separator: "\n")
    }
}

/// A setting that makes no sense. The sentence names it and where its value comes from.
struct SettingFailure: Error, CustomStringConvertible {
    let sentence: String
    var description: String { sentence }
}

extension Setting.Kind {
    static func mode(_ text: String) -> UInt32? {
        guard let mode = UInt32(text, radix: 8), mode <= 0o777 else { return nil }
        return mode
    }

    static func group(_ text: String) -> UInt32? {
        if let number = UInt32(text) { return number }
        guard let entry = getgrnam(text) else { return nil }
        return entry.pointee.gr_gid
    }
}

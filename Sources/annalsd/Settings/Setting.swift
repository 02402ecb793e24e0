import ArgumentParser

/// A thing that an operator can decide: declared once, and from here come its flag's help, its environment variable, its
/// key in the configuration file, its default and its check.
struct Setting: Sendable {
    let name: String
    let kind: Kind
    /// Nil: it must be given. Empty: none.
    let fallback: String?
    let explanation: String

    /// What a value must be.
    enum Kind: Sendable, Equatable {
        case path
        case text
        case number(ClosedRange<Int>)
        /// Permissions, in octal digits.
        case mode
        /// A group's name or number.
        case group
        /// Users by number with commas between them, or `*`.
        case users
        case choice([String])
        /// Hours and minutes, UTC.
        case timeOfDay
        /// A period and a floor.
        case preset
        /// A period of 184 days at the least.
        case trailPeriod
    }

    var environment: String { "ANNALS_" + name.uppercased().split(separator: "-").joined(separator: "_") }

    /// What `--help` says about it.
    var help: ArgumentHelp {
        ArgumentHelp("\(explanation)", discussion: "\(limits)\(defaultText). Environment: \(environment).", valueName: kind.valueName)
    }

    private var limits: String {
        switch kind {
        case .number(let range): "\(range.lowerBound) to \(range.upperBound), "
        case .choice(let words): words.joined(separator: ", ") + "; "
        case .mode: "0000 to 0777, "
        case .users: "Numbers with commas between them, or * for everyone; "
        case .path, .text, .group: ""
        case .timeOfDay: "00:00 to 23:59, "
        case .preset: "A period and a floor such as 7y/6y or 180d/none, "
        case .trailPeriod: "A period of 184 days at the least, such as 184d, 10y or forever, "
        }
    }

    private var defaultText: String {
        switch fallback {
        case nil: "must be given"
        case "": "default: none"
        case let fallback?: "default: \(fallback)"
        }
    }
}

extension Setting.Kind {
    fileprivate var valueName: String {
        switch self {
        case .path: "path"
        case .text: "text"
        case .number: "number"
        case .mode: "octal"
        case .group: "group"
        case .users: "users"
        case .choice: "word"
        case .timeOfDay: "hh:mm"
        case .preset: "period/floor"
        case .trailPeriod: "period"
        }
    }

    /// Why `text` is no value of this kind, as the end of a sentence; nil if it is one.
    func complaint(about text: String) -> String? {
        switch self {
        case .path, .text: nil
        case .number(let range):
            Int(text).map(range.contains) == true ? nil : "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .mode: Self.mode(text) == nil ? "must be permissions in octal digits, such as 0660" : nil
        case .group: Self.group(text) == nil ? "must be the name or number of a group of this machine" : nil
        case .users: Self.users(text) == nil ? "must be user numbers with commas between them, such as 0,1000, or * for everyone" : nil
        case .choice(let words): words.contains(text) ? nil : "must be one of \(words.joined(separator: ", "))"
        case .timeOfDay: Self.minuteOfDay(text) == nil ? "must be a time of day such as 03:00" : nil
        case .preset: Self.preset(text) == nil ? "must be a period and a floor such as 7y/6y or 180d/none" : nil
        case .trailPeriod: Self.trailPeriod(text) == nil ? "must be a period of 184 days at the least, such as 184d, 10y or forever" : nil
        }
    }
}

/// Numbers for people.
package enum Figures {
    /// `17835` as `17,835`.
    package static func count(_ number: some BinaryInteger) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    /// `1 line`, `17,835 lines`.
    package static func lines(_ number: some BinaryInteger) -> String {
        counted(number, "line")
    }

    /// `1 message`, `17,835 messages`; a plural of another kind is given with it.
    package static func counted(_ number: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? one : many ?? one + "s")"
    }

    /// `4102625` as `3.9 MiB`.
    package static func bytes(_ number: some BinaryInteger) -> String {
        var amount = Double(number)
        var unit = 0
        while amount >= 1023.95, unit < units.count - 1 {
            amount /= 1024
            unit += 1
        }
        return unit == 0 ? "\(number) B" : "\(decimal(amount)) \(units[unit])"
    }

    /// `1234.56` as `1,234.6`: one digit behind the point, without a locale.
    package static func decimal(_ number: Double) -> String {
        let tenths = Int64((number * 10).rounded())
        return "\(count(tenths / 10)).\(abs(tenths % 10))"
    }

    /// `3723` as `1 h 2 min`; under a minute as `8 s`.
    package static func duration(seconds: some BinaryInteger) -> String {
        let seconds = Int64(seconds)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) d \(seconds / 3600 % 24) h"
        }
    }

    private static let units = ["B", "KiB", "MiB", "GiB", "TiB"]
}

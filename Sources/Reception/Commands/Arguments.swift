import Archive
import Events
import RESP

/// A word that may be followed by a value, behind what a command must have.
protocol OptionWord: RawRepresentable<UInt8> {
    /// In capitals.
    var word: StaticString { get }
}

/// Goes through a command's options: any case of letters, any order, each at most once, none that is not known.
struct Options<Word: OptionWord>: ~Copyable {
    private let command: StaticString
    private(set) var index: Int
    private let end: Int
    private var seen: UInt32 = 0

    /// - Parameter end: where the options end; they end with the command if it is nil.
    init(of command: StaticString, _ arguments: borrowing CommandArguments, from index: Int, to end: Int? = nil) {
        self.command = command
        self.index = index
        self.end = end ?? arguments.count
    }

    /// The next option, or nil at the end.
    mutating func next(_ arguments: borrowing CommandArguments) throws(Refusal) -> Word? {
        guard index < end else { return nil }
        var number: UInt8 = 0
        while let option = Word(rawValue: number) {
            if arguments.matches(index, option.word) {
                guard seen & (1 << number) == 0 else { throw Refusal(.badArgument, "\(option.word) is given twice; give it once") }
                seen |= 1 << number
                index += 1
                return option
            }
            number += 1
        }
        throw Refusal(.badArgument, "\(command) knows no option \(Quoted(arguments[index])); it needs \(Command.usage(of: command))")
    }

    /// The place of the value that must follow an option.
    mutating func value(of option: Word, _ arguments: borrowing CommandArguments) throws(Refusal) -> Int {
        guard index < end else { throw Refusal(.badArgument, "\(option.word) needs a value behind it") }
        defer { index += 1 }
        return index
    }
}

extension Command {
    fileprivate static func usage(of name: StaticString) -> String {
        CommandCard.all.first { $0.name.description == name.description }?.usage ?? ""
    }
}

/// Values that a word stands for. What does not stand for one is refused, and the refusal names the argument.
extension CommandArguments {
    func name<Of>(_ index: Int, _ argument: StaticString) throws(Refusal) -> Name<Of> {
        do throws(NameFault) {
            return try Name(checking: self[index])
        } catch {
            throw Refusal(.badArgument, "\(argument) \(error.explanation)")
        }
    }

    /// A number without sign.
    func number(_ index: Int, _ argument: StaticString, _ limits: ClosedRange<UInt64>) throws(Refusal) -> UInt64 {
        guard let number = Decimal.read(self[index]), limits.contains(number) else {
            throw Refusal(.badArgument, "\(argument) must be a whole number from \(limits.lowerBound) to \(limits.upperBound)")
        }
        return number
    }

    func pageCount(_ index: Int, max: Int) throws(Refusal) -> Int {
        Int(try number(index, "COUNT", 1...UInt64(max)))
    }

    /// An event's place, 1 at the least.
    func position(_ index: Int, _ argument: StaticString) throws(Refusal) -> Position {
        Position(try number(index, argument, 1...Decimal.positionMax))
    }

    /// Milliseconds since 1970.
    func milliseconds(_ index: Int, _ argument: StaticString) throws(Refusal) -> Instant {
        let instant = Decimal.read(self[index]).flatMap { Int64(exactly: $0) }.map { Instant(milliseconds: $0) }
        guard let instant, instant.isWritable else {
            throw Refusal(.badArgument, "\(argument) must be a time in milliseconds since 1970, before the year 10000")
        }
        return instant
    }

    /// `2018-02-03T04:05:06.789Z`, `2018-02-03`, milliseconds, or `#position`.
    func moment(_ index: Int) throws(Refusal) -> AsOf {
        let word = self[index]
        if word.first == UInt8(ascii: "#"), let position = Decimal.read(UnsafeRawBufferPointer(rebasing: word.dropFirst())),
            position <= Decimal.positionMax
        {
            return .position(Position(position))
        }
        guard let text = text(index), let instant = Instant(text: text) else {
            throw Refusal(
                .badArgument, "ASOF must be an RFC 3339 time such as 2018-02-03T04:05:06Z, a date, milliseconds since 1970, or #position")
        }
        return .time(instant)
    }

    /// The word as text, if it is UTF-8.
    func text(_ index: Int) -> String? { String(validating: self[index], as: UTF8.self) }
}

/// A client's word inside an error: short, and without anything that a terminal would obey.
struct Quoted: CustomStringConvertible {
    let description: String

    private static let bytesMax = 64

    init(_ bytes: UnsafeRawBufferPointer) {
        let text = String(decoding: bytes.prefix(Self.bytesMax), as: UTF8.self)
        let harmless = text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) }
        description = "'" + String(harmless) + (bytes.count > Self.bytesMax ? "…'" : "'")
    }
}

/// Numbers as decimal digits.
enum Decimal {
    /// The wire's integers have a sign.
    static let positionMax = UInt64(Int64.max)

    /// Nil for anything but 1 to 19 digits.
    static func read(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard (1...19).contains(bytes.count) else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        return value
    }
}

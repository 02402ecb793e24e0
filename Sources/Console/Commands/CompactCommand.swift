package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals compact`
package struct CompactCommand: LongQuestion {
    package static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Give the free space inside of partitions back to the system. For administrators.",
        discussion: """
            Each partition is copied without its free pages, checked, and swapped while reads and appends go on. The daemon does it by itself \
            where much is free; annals partitions shows how much.
            """)

    @Argument(help: "The partition, as annals partitions shows it.") var partition: String?
    @Flag(help: "All partitions.") var all = false
    @Option(help: .init("Leave alone what would shrink by less.", valueName: "percent")) var minGain: Int?
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func validate() throws {
        if all == (partition != nil) { throw ValidationError("Name a partition, as annals partitions shows it, or give --all.") }
        if let minGain, !(0...100).contains(minGain) { throw ValidationError("--min-gain is a percentage, from 0 to 100.") }
    }

    package func request(now: Instant) -> [Word] {
        ["COMPACT", partition.map { .text($0) } ?? "ALL"] + (minGain.map { ["MINGAIN", .number($0)] } ?? [])
    }

    package var afterwards: String { "annals partitions" }

    package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
        guard let partitions = answer.array else { throw .unexpected(answerTo: "COMPACT") }
        return view.compactions(partitions)
    }
}

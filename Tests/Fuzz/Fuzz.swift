import CLibFuzzer
import Glibc

/// libFuzzer over the decoders: `annals-fuzz --target=NAME [what libFuzzer takes]`. Run by `Deploy/fuzz.sh`.
///
/// libFuzzer makes inputs, keeps those that reach code which none reached before, and mutates these. What each target does with its input
/// is not only to survive it: see the promises in the targets' own files.
@main
enum Fuzz {
    static func main() {
        guard let target = chosen else {
            print("Give --target= one of: \(Target.all.map(\.name).joined(separator: " "))")
            exit(2)
        }
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        target.prepare()
        let code = withUnsafeMutablePointer(to: &arguments) { arguments in
            // libFuzzer passes by what begins with two dashes, and hands it on to the processes that it starts of itself.
            LLVMFuzzerRunDriver(&count, UnsafeMutableRawPointer(arguments).assumingMemoryBound(to: Argv.self)) { bytes, count in
                Fuzz.chosen?.run(Input(UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            }
        }
        exit(code)
    }

    private typealias Argv = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

    private static let mark = "--target="

    private static let chosen: Target? = CommandLine.arguments.first { $0.hasPrefix(mark) }.flatMap { word in
        Target.all.first { $0.name == word.dropFirst(mark.count) }
    }
}

import Console
import Glibc

/// The command line for people; all of its words are in `Console`.
@main
struct Annals {
    static func main() async {
        exit(await AnnalsCommand.execute(Array(CommandLine.arguments.dropFirst())))
    }
}

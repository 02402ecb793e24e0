import Console
import Testing

struct ShellWordTests {
    @Test(
        "only what a shell would obey is quoted",
        arguments: [
            ("p-1", "p-1"), ("/run/annals.sock", "/run/annals.sock"), ("", "''"), ("a b", "'a b'"), ("#17", "'#17'"), ("$(x)", "'$(x)'"),
            ("it's", #"'it'\''s'"#), ("~", "'~'"), ("é", "'é'"),
        ])
    func quoting(text: String, word: String) {
        #expect(text.shellWord == word)
    }
}

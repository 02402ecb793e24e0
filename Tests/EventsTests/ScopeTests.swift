import Events
import Testing

@Suite("Scope")
struct ScopeTests {
    @Test("a scope is written as on the wire")
    func text() {
        #expect("\(Scope.system)" == "SYSTEM")
        #expect("\(Scope.tenant("acme"))" == "TENANT acme")
        #expect("\(Scope.conversation("公司", "闲聊"))" == "TENANT 公司 CONVERSATION 闲聊")
    }

    @Test("a scope knows its tenant and its conversation, if it has them")
    func parts() {
        #expect(Scope.system.tenant == nil && Scope.system.conversation == nil)
        #expect(Scope.tenant("acme").tenant == "acme" && Scope.tenant("acme").conversation == nil)
        #expect(Scope.conversation("acme", "general").tenant == "acme")
        #expect(Scope.conversation("acme", "general").conversation == "general")
    }

    @Test("a rule is a period or inherit, and is read as it is written")
    func rules() {
        let rules: [(String, RetentionChange.Rule)] = [
            ("180d", .keep(.days(180))), ("6mo", .keep(.months(6))), ("forever", .keep(.forever)), ("inherit", .inherit),
        ]
        for (text, rule) in rules {
            #expect(RetentionChange.Rule(text: text) == rule)
            #expect(rule.description == text)
        }
        #expect(RetentionChange.Rule(text: "INHERIT") == .inherit)
        #expect(RetentionChange.Rule(text: "") == nil)
        #expect(RetentionChange.Rule(text: "inherits") == nil)
        #expect(RetentionChange.Rule(text: "0d") == nil)
    }
}

import Testing

@testable import Reception

@Suite("User lists")
struct UserListTests {
    @Test("a list has numbers with commas, or a star for everyone")
    func reading() {
        #expect(UserList(text: "*") == .everyone)
        #expect(UserList(text: "") == .only([]))
        #expect(UserList(text: "0,1000, 5") == .only([0, 5, 1000]))
        for wrong in ["root", "1,", ",", "-1", "4294967296", "1;2", "*,1"] { #expect(UserList(text: wrong) == nil) }
    }

    @Test("a user has the rights of the lists that name it")
    func rights() {
        let lists = RightsOfUsers(importers: .only([1]), administrators: .everyone, auditors: .only([]))
        #expect(lists.rights(of: 1) == [.importing, .administering])
        #expect(lists.rights(of: 2) == [.administering])
    }
}

/// What a user may do beyond appending and reading timelines, which everybody may who can connect.
struct Rights: OptionSet, Sendable {
    let rawValue: UInt8

    /// Events may bring their own time (`AT`).
    static let importing = Rights(rawValue: 1)
    /// Policies may be changed, the daemon may be stopped.
    static let administering = Rights(rawValue: 2)
    /// Every state of a message, and the log itself, may be read.
    static let auditing = Rights(rawValue: 4)
}

/// Whom a right is given to: a list of user numbers, or everybody.
package enum UserList: Hashable, Sendable {
    case everyone
    case only(Set<UInt32>)

    /// Reads `*`, or numbers with commas between them. Nothing at all is nobody.
    package init?(text: String) {
        if text == "*" {
            self = .everyone
            return
        }
        var users: Set<UInt32> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            guard let user = UInt32(word.drop { $0 == " " }) else { return nil }
            users.insert(user)
        }
        self = .only(users)
    }

    package func contains(_ user: UInt32) -> Bool {
        switch self {
        case .everyone: true
        case .only(let users): users.contains(user)
        }
    }
}

extension UserList: CustomStringConvertible {
    package var description: String {
        switch self {
        case .everyone: "*"
        case .only(let users): users.sorted().map { String($0) }.joined(separator: ",")
        }
    }
}

/// The three lists of users.
package struct RightsOfUsers: Hashable, Sendable {
    package var importers: UserList
    package var administrators: UserList
    package var auditors: UserList

    package init(importers: UserList, administrators: UserList, auditors: UserList) {
        self.importers = importers
        self.administrators = administrators
        self.auditors = auditors
    }

    func rights(of user: UInt32) -> Rights {
        var rights: Rights = []
        if importers.contains(user) { rights.insert(.importing) }
        if administrators.contains(user) { rights.insert(.administering) }
        if auditors.contains(user) { rights.insert(.auditing) }
        return rights
    }
}

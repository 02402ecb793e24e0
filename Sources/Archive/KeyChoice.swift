import Events
import Glibc
import Projections
import Vault

/// Which key a new body is sealed under: its conversation's own if the conversation has its own policy or hold, else its tenant's,
/// of the partition that it goes to.
///
/// Belongs to the appender. Asked for every message, so what was chosen is remembered until a rule changes.
struct KeyChoice {
    private let vault: Vault
    private var chosen: [Place: Choice] = [:]
    /// The last one of a tenant's own, as long as no rule names a conversation: then no other can be meant.
    private var last: (partition: Int32, choice: Choice)?
    /// Keys that an open intent is about to destroy: nothing new is sealed under them.
    private(set) var retired: Set<KeyID> = []

    private struct Place: Hashable {
        var partition: Int32
        var conversation: Fingerprint
    }

    private struct Choice {
        var tenant: [UInt8]
        var conversation: [UInt8]
        var key: KeyID
    }

    private static let chosenMax = 1 << 16

    init(_ vault: Vault) { self.vault = vault }

    /// The key for a message of a conversation. Makes one if there is none; it is durable before the batch that uses it is.
    mutating func key(
        tenant: UnsafeRawBufferPointer, conversation: UnsafeRawBufferPointer, _ fingerprint: Fingerprint, in partition: Int32,
        under rules: RuleBook, now: Instant
    ) throws(ArchiveFailure) -> KeyID {
        if let last, last.partition == partition, last.choice.tenant.isSame(as: tenant) { return last.choice.key }
        let place = Place(partition: partition, conversation: fingerprint)
        // Two conversations may share a fingerprint, and must not share a key for that.
        if let choice = chosen[place], choice.conversation.isSame(as: conversation), choice.tenant.isSame(as: tenant) {
            return choice.key
        }
        do {
            let owner = KeyOwner(
                choosing: try TenantID(checking: tenant), try ConversationID(checking: conversation), in: partition, under: rules, now: now)
            let key = try vault.newest(of: owner, except: retired) ?? vault.make(for: owner)
            if chosen.count >= Self.chosenMax { chosen.removeAll() }
            let choice = Choice(tenant: [UInt8](tenant), conversation: [UInt8](conversation), key: key)
            chosen[place] = choice
            last = rules.policies.namesConversations || rules.holds.namesConversations ? nil : (partition, choice)
            return key
        } catch { throw ArchiveFailure(error) }
    }

    /// Conversations may have got a key of their own.
    mutating func forget() {
        chosen.removeAll()
        last = nil
    }

    mutating func retire(_ keys: some Sequence<KeyID>) {
        retired.formUnion(keys)
        forget()
    }

    /// What was to be destroyed is destroyed, or lives on.
    mutating func endRetirement() {
        retired.removeAll()
        forget()
    }
}

extension [UInt8] {
    fileprivate func isSame(as other: UnsafeRawBufferPointer) -> Bool {
        withUnsafeBytes { mine in
            guard mine.count == other.count, let its = other.baseAddress, let own = mine.baseAddress else {
                return mine.count == other.count
            }
            return memcmp(own, its, mine.count) == 0
        }
    }
}

extension KeyOwner {
    /// Whose key a message's body is sealed under.
    init(choosing tenant: TenantID, _ conversation: ConversationID, in partition: Int32, under rules: RuleBook, now: Instant) {
        let horizon = Horizon(position: .last, time: now)
        let isItsOwn =
            rules.policies.hasOwnPolicy(tenant, conversation, within: horizon)
            || rules.holds.hasConversationHold(tenant, conversation, within: horizon)
        self.init(partition: partition, tenant: tenant, conversation: isItsOwn ? conversation : nil)
    }
}

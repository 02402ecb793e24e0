import Events
import Projections

/// The local deletes that the state file does not know yet, so that a repeated one is recognized at once.
struct RecentDeletes {
    private var hides: [HideKey: Position] = [:]
    private var clears: [ClearKey: [LocalDeletes.Clear]] = [:]
    /// How many there may be before it is worth looking which are folded.
    private var sweepAt = Self.sweepMin

    private static let sweepMin = 1024

    var count: Int { hides.count + clears.count }

    private struct HideKey: Hashable {
        var message: Position
        var viewer: UserID
    }

    private struct ClearKey: Hashable {
        var tenant: TenantID
        var conversation: ConversationID
        var viewer: UserID
    }

    mutating func note(_ deletion: LocalDelete, tenant: TenantID, cause: LocalDeletes.Cause) {
        switch deletion.extent {
        case .messages(let targets):
            for target in targets {
                let key = HideKey(message: target.position, viewer: deletion.viewer)
                if hides[key] == nil { hides[key] = cause.position }
            }
        case .upTo(let position):
            let key = ClearKey(tenant: tenant, conversation: deletion.conversation, viewer: deletion.viewer)
            clears[key, default: []].append(LocalDeletes.Clear(upTo: position, cause: cause))
        }
    }

    func hide(of message: Position, by viewer: UserID) -> Position? {
        hides[HideKey(message: message, viewer: viewer)]
    }

    func clears(_ tenant: TenantID, _ conversation: ConversationID, by viewer: UserID) -> [LocalDeletes.Clear] {
        clears[ClearKey(tenant: tenant, conversation: conversation, viewer: viewer)] ?? []
    }

    /// Lets go of what is folded, whenever there are twice as many as were left the last time.
    mutating func forget(through folded: Position) {
        guard count >= sweepAt else { return }
        hides = hides.filter { $0.value > folded }
        clears = clears.compactMapValues { list in
            let kept = list.filter { $0.cause.position > folded }
            return kept.isEmpty ? nil : kept
        }
        sweepAt = max(Self.sweepMin, 2 * count)
    }

    /// Takes back what was never committed.
    mutating func retract(from position: Position) {
        hides = hides.filter { $0.value < position }
        clears = clears.compactMapValues { list in
            let kept = list.filter { $0.cause.position < position }
            return kept.isEmpty ? nil : kept
        }
    }
}

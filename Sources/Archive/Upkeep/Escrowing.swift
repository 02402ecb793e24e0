import Events
import Synchronization
import Vault

extension Upkeep {
    /// Renews the escrow if there are keys that it has not.
    ///
    /// A failure holds up nothing else: appends go on, and it is tried again at the next look. A purge replaces the escrow itself, and
    /// destroys nothing where it cannot.
    func keepEscrow() {
        guard core.options.escrow != nil, core.trouble.withLock({ $0 == nil }) else { return }
        do throws(VaultFailure) {
            let isRenewed = try core.vault.renewEscrow(now: core.now)
            if isRenewed { tell(.escrowed) }
            note(nil)
        } catch {
            let reason = "\(error)"
            // Once, and not at every look.
            if status.withLock({ $0.escrowError }) != reason { tell(.escrowFailed(reason)) }
            note(reason)
        }
    }

    private func note(_ error: String?) {
        let madeAt = core.vault.escrowMadeAt
        status.withLock { status in
            status.escrowMadeAt = madeAt
            status.escrowError = error
        }
    }
}

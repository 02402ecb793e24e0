import Events
import Synchronization
import Vault

extension Upkeep {
    /// Renews the escrow if it is not whole, or there are keys that it has not.
    ///
    /// A failure holds up nothing else: appends go on, and it is tried again at the next look. A purge replaces the escrow itself, and
    /// destroys nothing where it cannot.
    /// - Parameter hindrance: why a purge was put off, if one was. Where nothing is to be written, nothing else tells of it.
    func keepEscrow(purgeHindered hindrance: VaultFailure? = nil) {
        guard core.options.escrow != nil, core.trouble.withLock({ $0 == nil }) else { return }
        do throws(VaultFailure) {
            let isRenewed = try core.vault.renewEscrow(now: core.now)
            if isRenewed { tell(.escrowed) }
            note(core.vault.takeEscrowFault() ?? hindrance)
        } catch {
            note(error)
        }
    }

    /// Why no purge can replace the escrow; nil: one can, or there is none. Asked before an intent, so that nothing is logged of a purge
    /// that cannot end.
    func hindranceOfEscrow() -> VaultFailure? {
        do throws(VaultFailure) {
            try core.vault.proveEscrow(now: core.now)
            return nil
        } catch {
            note(error)
            return error
        }
    }

    private func note(_ fault: VaultFailure?) {
        let reason = fault.map { "\($0)" }
        // Once, and not at every look.
        if let reason, status.withLock({ $0.escrowError }) != reason { tell(.escrowFailed(reason)) }
        let madeAt = core.vault.escrowMadeAt
        status.withLock { status in
            status.escrowMadeAt = madeAt
            status.escrowError = reason
        }
    }
}

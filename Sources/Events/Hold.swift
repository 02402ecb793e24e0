/// Somebody ordered that messages must not be destroyed, for as long as the hold stands.
package struct HoldPlace: Hashable, Sendable {
    package var id: HoldID
    package var coverage: Coverage
    /// What it is for, such as a court's file number: 1 to 256 bytes.
    package var matter: String
    package var reason: String

    package init(id: HoldID, coverage: Coverage, matter: String, reason: String) {
        self.id = id
        self.coverage = coverage
        self.matter = matter
        self.reason = reason
    }

    package static let matterBytesMax = 256
    package static let reasonBytesMax = 1024
}

/// A hold was lifted.
package struct HoldRelease: Hashable, Sendable {
    package var id: HoldID
    /// The hold's own, so that the record alone says what is free again.
    package var coverage: Coverage
    package var reason: String

    package init(id: HoldID, coverage: Coverage, reason: String) {
        self.id = id
        self.coverage = coverage
        self.reason = reason
    }

    package static let reasonBytesMax = HoldPlace.reasonBytesMax
}

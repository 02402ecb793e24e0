import Events

/// Names of a test are written as literals: one that is no name is a mistake in the test.
extension Name: ExpressibleByStringLiteral {
    /// Of a literal that is a name.
    public init(stringLiteral text: String) {
        do { try self.init(text) } catch { preconditionFailure("because \"\(text)\" \(error.explanation)") }
    }
}

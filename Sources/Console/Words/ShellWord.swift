extension String {
    /// As it is typed into a shell (POSIX, "Quoting"): a text with signs that a shell would obey is put between single quotation marks.
    package var shellWord: String {
        let isPlain = !isEmpty && utf8.allSatisfy { Self.plainSigns.contains($0) }
        return isPlain ? self : "'" + replacing("'", with: #"'\''"#) + "'"
    }

    private static let plainSigns = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,@+=".utf8)
}

import Glibc
import Vault

/// The settings about the second copy of the keys.
extension Settings {
    func escrow(dataFolder: String) throws(SettingFailure) -> Escrow? {
        let (path, key) = (text(.escrowFile), text(.escrowPublicKey))
        if path.isEmpty, key.isEmpty { return nil }
        guard !path.isEmpty, !key.isEmpty else {
            throw SettingFailure(
                sentence: "escrow-file and escrow-public-key belong together, "
                    + "and \(path.isEmpty ? "escrow-file" : "escrow-public-key") is not given")
        }
        try Self.check(place: path, of: "escrow-file", besides: dataFolder)
        return Escrow(path, sealedTo: try Self.publicKey(key))
    }

    /// A copy of the data folder must not take the escrow along.
    static func check(place path: String, of setting: String, besides dataFolder: String) throws(SettingFailure) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let real = realPath(folder) else {
            throw SettingFailure(
                sentence: "the folder \(folder) of \(setting) is not there (\(String(cString: strerror(errno)))); make it, or mount it")
        }
        if let data = realPath(dataFolder), [real, realPath(path)].contains(where: { $0 == data || $0?.hasPrefix(data + "/") == true }) {
            throw SettingFailure(
                sentence: "\(setting) is \(path), in the data folder, whose copies would take it along; "
                    + "name a place outside, best on another device")
        }
        // A link that leads to nothing yet says where the file would be made. (One that leads back to itself fails otherwise.)
        if realPath(path) == nil, errno == ENOENT, let end = end(ofLink: path) {
            try check(place: end.hasPrefix("/") ? end : "\(real)/\(end)", of: setting, besides: dataFolder)
        }
    }

    private static func end(ofLink path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// The digits themselves, or a file with them.
    private static func publicKey(_ text: String) throws(SettingFailure) -> EscrowPublicKey {
        if let key = EscrowPublicKey(text: text) { return key }
        guard let file = fopen(text, "r") else {
            throw SettingFailure(
                sentence: "escrow-public-key must be 64 hexadecimal digits or a file with them, and there is no file '\(text)'; "
                    + "'annalsd escrow-key' makes a key")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = fread(&bytes, 1, bytes.count, file)
        guard let key = EscrowPublicKey(text: String(decoding: bytes.prefix(count), as: UTF8.self)) else {
            throw SettingFailure(
                sentence: "escrow-public-key names the file \(text), which does not hold 64 hexadecimal digits and no more")
        }
        return key
    }
}

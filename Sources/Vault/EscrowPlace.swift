import Glibc

/// What lies at the escrow's place.
extension Escrow {
    enum Found: Equatable {
        /// No file, or an empty one.
        case nothing
        /// A file that begins with zeros: what is left when a replacement is cut short.
        case overwritten
        /// One of those that were made here, unchanged as far as it was read.
        case whole(EscrowMark)
        /// One of them, but not as it was written.
        case damaged(EscrowMark)
        case another(EscrowHeader)
    }

    /// Looks what is there. Nothing is changed.
    /// - Parameters:
    ///   - marks: of those that may be there.
    ///   - readingAll: whether the whole file is read; else its head and its length have to do, as long as they are right.
    func find(_ marks: [EscrowMark], readingAll: Bool) throws(VaultFailure) -> Found {
        try named { () throws(VaultFailure) in try look(for: marks, readingAll: readingAll) }
    }

    private func look(for marks: [EscrowMark], readingAll: Bool) throws(VaultFailure) -> Found {
        guard let file = try VaultFile(ifThere: path, O_RDONLY) else { return .nothing }
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else { throw .refused(path: path, reason: "is no regular file; name another") }
        let head = try file.bytes(at: 0, countMax: EscrowHeader.byteCountMax)
        if head.isEmpty { return .nothing }
        if head.allSatisfy({ $0 == 0 }) { return .overwritten }
        let byHead = marks.filter { head.starts(with: $0.header.encoded) }
        let byLength = marks.filter { $0.byteCount == status.st_size }
        if !readingAll, let mark = byHead.first(where: byLength.contains) { return .whole(mark) }
        for mark in byLength {
            let start = mark.header.encoded.count
            guard try Self.digest(file.bytes(at: start, countMax: mark.byteCount - start)) == mark.digest else { continue }
            return byHead.contains(mark) ? .whole(mark) : .damaged(mark)
        }
        if let mark = byHead.first { return .damaged(mark) }
        return .another(try EscrowHeader(decoding: head, path: path))
    }

    /// The folder in which it lies. An empty one in its place is another, such as the mount point of a device that went.
    struct Folder: Equatable {
        var device: dev_t
        var inode: ino_t
    }

    /// Nil if it is not there.
    func folder() throws(VaultFailure) -> Folder? {
        try named { () throws(VaultFailure) in
            let file = try VaultFile(ifThere: VaultFile.folder(of: path) + "/.", O_RDONLY | O_DIRECTORY)
            return try file?.status()
        }.map { Folder(device: $0.st_dev, inode: $0.st_ino) }
    }
}

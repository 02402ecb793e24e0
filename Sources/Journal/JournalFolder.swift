import Glibc

/// The folder of the journal: which segment files are in it, and how they come and go.
///
/// The names are the segments' generations in 16 digits, one after another
/// without a gap: a file that is missing in the middle is seen. Every change of
/// a name is synced before anything relies on it, one at a time and from the
/// ends, so that there is no gap after a crash either.
struct JournalFolder {
    let path: String

    private static let suffix = ".aj"
    /// A segment that is not all zeros yet.
    private static let unfinishedMark = ".new"
    private static let digits = 16

    func path(of generation: Generation) -> String {
        let number = String(generation.rawValue)
        return path + "/" + String(repeating: "0", count: Self.digits - number.count) + number + Self.suffix
    }

    /// Makes the folder if it is not there. Its parent must be.
    func make() throws(JournalFailure) {
        if mkdir(path, 0o700) == 0 { return try Self.sync(path + "/..") }
        if errno != EEXIST { throw .last("mkdir", path) }
    }

    func sync() throws(JournalFailure) { try Self.sync(path) }

    /// The generations that are there, in order and without a gap.
    func generations() throws(JournalFailure) -> [Generation] {
        let generations = try segmentNames().sorted()
        for (one, other) in zip(generations, generations.dropFirst()) where one.next != other {
            throw .damaged(
                path: path(of: one.next), offset: 0, sequence: nil,
                reason: "the file is missing, although one with a higher number is there")
        }
        return generations
    }

    /// Removes segments that were being made when the process ended.
    func removeUnfinished() throws(JournalFailure) {
        for name in try names() where name.hasSuffix(Self.suffix + Self.unfinishedMark) {
            if unlink(path + "/" + name) == -1 { throw .last("unlink", path + "/" + name) }
        }
    }

    /// Makes a segment whose every block was written.
    ///
    /// Blocks that are only reserved (posix_fallocate) or not even that (ftruncate)
    /// are marked unwritten or missing in the file's metadata. The first write to
    /// each would change the metadata, and the record's fdatasync would have to
    /// commit the file system's own journal as well: measured, 425 µs instead of 150.
    func create(_ generation: Generation, _ options: JournalOptions) throws(JournalFailure) {
        let path = path(of: generation)
        let unfinished = path + Self.unfinishedMark
        do {
            let header = SegmentHeader(options)
            let file = try OpenFile(opening: unfinished, flags: O_RDWR | O_CREAT | O_TRUNC)
            try file.allocate(options.segmentBytes)
            try file.writeZeros(from: 0, to: options.segmentBytes)
            var page = RecordBuffer()
            try page.withRaw(JournalOptions.pageBytes) { (bytes) throws(JournalFailure) in
                header.write(to: bytes)
                try file.write(UnsafeRawBufferPointer(bytes), at: 0)
            }
            try file.syncWhole()
            file.forgetCache()  // Records pass the cache by; the zeros need not stay in it.
        } catch {
            // What is left of it goes, or a full disk would stay full; opening removes it too.
            _ = unlink(unfinished)
            throw error.asFull(path)
        }
        try Self.rename(unfinished, path)
        try sync()
    }

    /// Opens a segment that was made.
    func open(_ generation: Generation) throws(JournalFailure) -> Segment {
        try Segment(opening: path(of: generation), generation: generation, writable: true)
    }

    /// Gives the oldest segment, whose records nobody needs any more, the youngest name.
    func recycle(_ old: Generation, as generation: Generation) throws(JournalFailure) {
        try Self.rename(path(of: old), path(of: generation))
        try sync()
    }

    /// Removes the oldest or the youngest segment.
    func remove(_ generation: Generation) throws(JournalFailure) {
        let path = path(of: generation)
        if unlink(path) == -1 { throw .last("unlink", path) }
        try sync()
    }

    private static func rename(_ old: String, _ new: String) throws(JournalFailure) {
        if Glibc.rename(old, new) == -1 { throw .last("rename", old) }
    }

    private static func sync(_ path: String) throws(JournalFailure) {
        try OpenFile(opening: path, flags: O_RDONLY | O_DIRECTORY).syncWhole()
    }

    private func segmentNames() throws(JournalFailure) -> [Generation] {
        var generations: [Generation] = []
        for name in try names() where name.hasSuffix(Self.suffix) {
            guard let generation = Self.generation(named: name) else {
                throw .foreign(path: path + "/" + name, reason: "its name is not a segment's number in \(Self.digits) digits")
            }
            generations.append(generation)
        }
        return generations
    }

    private static func generation(named name: String) -> Generation? {
        let digits = name.dropLast(suffix.count)
        guard digits.utf8.count == Self.digits, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(digits).flatMap { Generation($0) }
    }

    private func names() throws(JournalFailure) -> [String] {
        guard let directory = opendir(path) else { throw .last("opendir", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0  // The end and an error both answer nil.
            guard let entry = readdir(directory) else { break }
            // Read in place: an entry is shorter than the C structure, and a copy would reach beyond it.
            let name = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
            names.append(String(cString: name.assumingMemoryBound(to: CChar.self)))
        }
        if errno != 0 { throw .last("readdir", path) }
        return names
    }
}

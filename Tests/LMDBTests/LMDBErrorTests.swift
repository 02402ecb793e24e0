import Foundation
import TestSupport
import Testing

@testable import LMDB

@Suite("LMDB error")
struct LMDBErrorTests {
    @Test("it says what was done to which file, why it failed, and LMDB's own number and words")
    func description() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.put(["a": "1"])
        var said = ""
        do {
            try environment.write { try $0.insert("2".raw, for: "a".raw, in: environment.words) }
        } catch { said = "\(error)" }
        #expect(said.hasPrefix("cannot insert into \(environment.path): the key is there already (-30799: "))
        do { _ = try Environment(opening: folder.file(), tables: []) } catch { said = "\(error)" }
        #expect(said.hasPrefix("cannot open \(folder.file()): this process has it open already"))
    }

    @Test(
        "every number of LMDB's and the system's has its kind",
        arguments: [
            (-30799, .keyExists), (-30797, .damaged(.unreadable(-30797))), (-30796, .damaged(.unreadable(-30796))),
            (-30795, .other(-30795)), (-30794, .damaged(.unreadable(-30794))), (-30793, .damaged(.unreadable(-30793))),
            (-30792, .mapFull), (-30790, .readersFull), (-30788, .transactionFull), (-30785, .damaged(.unreadable(-30785))),
            (-30780, .other(-30780)),
            (-30784, .damaged(.unreadable(-30784))), (-30782, .spoiled), (-30781, .badSize), (ENOSPC, .noSpace), (EDQUOT, .noSpace),
            (EACCES, .system(EACCES)), (EIO, .system(EIO)),
        ] as [(CInt, LMDBError.Kind)])
    func kinds(code: CInt, kind: LMDBError.Kind) {
        let error = LMDBError(code: code, operation: .put, path: "/")
        #expect(error.kind == kind)
        #expect(error.description.hasPrefix("cannot put into /: "))
    }

    @Test("the checks of ours have words, too")
    func ownWords() {
        let kinds: [LMDBError.Kind] = [
            .notAscending, .alreadyOpen, .remoteFileSystem(0x6969), .forked, .missingTable("words"),
            .damaged(.endsBefore(page: 7)), .damaged(.page(.init(page: 7, reason: "is another page"))), .damaged(.foreignTable("words")),
        ]
        let words = kinds.map { LMDBError(kind: $0, operation: .open, path: "x").description }
        #expect(Set(words).count == kinds.count)
        #expect(words.allSatisfy { $0.hasPrefix("cannot open x: ") && $0.count > 20 })
    }
}

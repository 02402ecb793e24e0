@testable import Merkle

/// Keys and notes of others. Their bytes never change.
enum KnownNotes {
    /// golang.org/x/mod/sumdb/note: the package's example.
    enum Go {
        static let peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        /// What is behind `PRIVATE+KEY+PeterNeumann+c74f20a3+`: a type and a seed.
        static let peterSecret = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
        static let enochKey = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
        static let text = """
            If you think cryptography is the answer to your problem,
            then you don't know what your problem is.

            """
        static let peterLine =
            "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        static let enochLine = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
        static let note = text + "\n" + peterLine + enochLine
    }

    /// c2sp.org/signed-note: the example of a verifier key.
    enum Specification {
        static let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        static let keyHex = "e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4"
        static let note = """
            This is an example message.

            — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

            """
    }

    /// Go's checksum database: a record of it, and the proof that transparency-dev/incubator tests `tlog-verify` with.
    enum ChecksumDatabase {
        static let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        static let origin = "go.sum database tree"
        static let record = """
            github.com/transparency-dev/tessera v1.0.0 h1:4OT1V9xJLa5NnYlFWWlCdZkCm18/o12rdd+bCTje7XE=
            github.com/transparency-dev/tessera v1.0.0/go.mod h1:TLvfjlkbmsmKVEJUtzO2eb9Q2IBnK3EJ0dI4G0oxEOU=

            """
        static let proof = """
            c2sp.org/tlog-proof@v1
            index 43930254
            Q2cuq1e21q4UC1RQ6wtmXmCxk2q3Wqz/yFvD12P2KSM=
            VdgHwjNYSv9fZVxvYzn8kySGvrjqeCnzdJqJILieWf4=
            ARfBpZjsj3LSP42V4xBVdCKbHVa4WXSbuFAa0rUSCVQ=
            0VYgz0Vmgz6jOM8H6edZBWHtO6+R7tPvN4EOwwRRSws=
            vq+ifloynXE+ORFC1wymQT0cpNIJA1tqg2mQpA55+kc=
            SCRewH6vHE1/Vwkt5yEW8xT7il0WbWltXjFIVqlGtQQ=
            p//fIG8jgZie4MMwjHF7quCIJ4hErr7U4at0HV34MZQ=
            D3K5YdBlxQcklrgF8vSbDyT05J5/mA9lzuhhp72uSOk=
            jeYlYyH9FhYGwu+ZJmfPr8GvSNdgrydwqmJgHsygoR0=
            p6RFgfGhu8Uuy0LyyZdI4MrSPOZkMe+ycwWJFfr8zTI=
            AMZsxrVKBPSe8nSNVVCTyTxWns0CiNbChG/FoiSJWuM=
            e+rtSmK5Pd1K5LgFwj7VSo5XJXOcq7OOcqPVZn1hqeM=
            expmv1e6XiGr5NMUjMRkSZijlcBx+fZcpqQmUnawhOY=
            +Wuic0YARH84k80/Q+KJIbhRCldxG8npjLFiHMLtEpo=
            NOMeJqlyUxFXUKYRI/1YqAF4WJBfXJr8UM/SlWGqxgY=
            Lm6+TAlLb2lvUs/3unZ2t6RSmJw8RO+WuEuUbAw3QEc=
            Jhh2EDG15gDBoLmLiF88lVTgd+uvx3L0xczb8Y3kSq8=
            taenaiKqtYMXS3gDzIF3q8VZzqAXqftHqL9BC39njaw=
            kZNKypGwEANnt1+msLINnqrIrwX+0MGZUTTKXTfbloI=
            A4NJSymjVJ5dvGPaGC3Gj04x8qVRKYfh0pP24mwd6Yk=
            KQq808D9W4NUgr4ip+rF/RCyAUERYKKCwKiiAJfaFOc=
            I3EVN3zM2rDjs5Q06Zr5gxhg+ksnX2h77E75uL+h3aI=
            7iNSYSDhMeRkeV7r9krKbKelNPiqDCJU1i6xAn/Fbuw=
            MYqdo6zSjxaAn+29EEjNRbPYm0myB3bheu+HTZIAbVY=
            S7olT9TPLXk+bbawbV3sAzWMmhcpWrtjbw++9ZTiyn8=
            xJ20xXM4QItt5vxFOtolZ5l18p7ej1+RimNkgWmoRFM=

            go.sum database tree
            58253265
            lIyLAEe4zJUQAda6pFFg3yPOf7j1SgfMEDrpgoX39JU=

            — sum.golang.org Az3grkvBHbFcpEFQ3BhGlktgB7pcswIW+ez91eWY6rNPtWfAey8bJO2rVoG2yO5zXvgiaikWVHqon+e14JhA+WXvpAY=

            """
    }

    /// Peter, who can sign.
    static func peter() throws(NoteKeyFault) -> NoteSigner { try signer("PeterNeumann", Go.peterSecret) }

    /// Somebody of another name, or of the same.
    static func signer(_ name: String, seed: UInt8) throws(NoteKeyFault) -> NoteSigner {
        guard let name = NoteKeyName(name) else { throw .malformed }
        return try NoteSigner(name: name, seed: [UInt8](repeating: seed, count: NoteSigner.seedBytes))
    }

    private static func signer(_ name: String, _ secret: String) throws(NoteKeyFault) -> NoteSigner {
        guard let name = NoteKeyName(name), let typed = Base64.bytes(of: Array(secret.utf8)) else { throw .malformed }
        return try NoteSigner(name: name, seed: Array(typed.dropFirst()))
    }
}

extension SignedNote {
    /// Of a text, as it would be in a file.
    init(_ note: String) throws(NoteFault) { try self.init(parsing: Array(note.utf8)) }
}

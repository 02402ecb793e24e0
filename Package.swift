// swift-tools-version: 6.2
import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

// Transactions that cannot outlive their braces need `Lifetimes`; it stays behind this one door.
let lmdb: [SwiftSetting] =
    house + [
        .enableExperimentalFeature("Lifetimes"),
        .strictMemorySafety(),
    ]

// Keys live in raw memory that Swift does not see; what touches it says so.
let vault: [SwiftSetting] = house + [.strictMemorySafety()]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let package = Package(
    name: "annals",
    products: [
        .executable(name: "annalsd", targets: ["annalsd"]),
        .executable(name: "annals", targets: ["annals"]),
        .library(name: "AnnalsClient", targets: ["AnnalsClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Ground floor: bytes, words, hashes, frames.
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CLMDBGuard", dependencies: ["CLMDB"]),
        .target(name: "LMDB", dependencies: ["CLMDB", "CLMDBGuard", "CXXHash"], swiftSettings: lmdb),
        .target(name: "Events", swiftSettings: house),
        .target(name: "CSHA256"),
        .target(name: "Merkle", dependencies: ["CSHA256", crypto], swiftSettings: house),
        .target(name: "RESP", dependencies: [.product(name: "NIOCore", package: "swift-nio")], swiftSettings: house),

        // Rooms: the newest bytes; the log; what it means; what it hides. They do not know each other.
        .target(name: "Journal", dependencies: ["CXXHash"], swiftSettings: house),
        .target(name: "Ledger", dependencies: ["LMDB", "Events", "Merkle"], swiftSettings: house),
        .target(name: "Projections", dependencies: ["LMDB", "Events", "CXXHash"], swiftSettings: house),

        .target(name: "Vault", dependencies: ["Events", "CSodium"], swiftSettings: vault),

        // The house.
        .target(
            name: "Archive",
            dependencies: ["LMDB", "Events", "Merkle", "Journal", "Ledger", "Projections", "Vault", crypto],
            swiftSettings: house),

        // Doors.
        .target(
            name: "Reception",
            dependencies: ["Archive", "RESP", "Events", log] + nio,
            swiftSettings: house),
        .target(
            name: "Console",
            dependencies: [
                "Archive", "AnnalsClient", "RESP", "Events", "CZlib",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: house),

        // Garden.
        .target(name: "AnnalsClient", dependencies: ["RESP"] + nio, swiftSettings: house),

        // Roof.
        .executableTarget(
            name: "annalsd",
            dependencies: [
                "Reception", "Archive", "Ledger", "Journal", "Events", "Vault", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: house),
        .executableTarget(
            name: "annals",
            dependencies: ["Console"],
            swiftSettings: house),

        // Tests, one target a room, and what they share.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
        .testTarget(
            name: "LMDBTests", dependencies: ["LMDB", "TestSupport"], swiftSettings: house + [.enableExperimentalFeature("Lifetimes")]),
        .testTarget(name: "EventsTests", dependencies: ["Events", "TestSupport"], swiftSettings: house),
        .testTarget(name: "MerkleTests", dependencies: ["Merkle", "CSHA256", "TestSupport"], swiftSettings: house),
        .testTarget(name: "RESPTests", dependencies: ["RESP", "TestSupport"] + nio, swiftSettings: house),
        .testTarget(name: "JournalTests", dependencies: ["Journal", "TestSupport"], swiftSettings: house),
        .testTarget(name: "LedgerTests", dependencies: ["Ledger", "LMDB", "Events", "Merkle", "TestSupport"], swiftSettings: house),
        .testTarget(name: "ProjectionsTests", dependencies: ["Projections", "LMDB", "Events", "TestSupport"], swiftSettings: house),
        .testTarget(name: "VaultTests", dependencies: ["Vault", "Events", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "ArchiveTests",
            dependencies: ["Archive", "Events", "Merkle", "Journal", "Ledger", "Projections", "Vault", "LMDB", "TestSupport"],
            swiftSettings: house),
        // A disk that forgets, defined over the C library's calls: linked into the tests and nothing else.
        .target(name: "SimulatedDisk", path: "Tests/SimulatedDisk"),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "ArchiveTests", "SimulatedDisk", "Archive", "Events", "Journal", "Ledger", "Projections", "Vault", "LMDB", "TestSupport",
            ],
            swiftSettings: house),
        .testTarget(name: "AnnalsClientTests", dependencies: ["AnnalsClient", "RESP", "TestSupport"] + nio, swiftSettings: house),
        .testTarget(
            name: "ConsoleTests",
            dependencies: [
                "Console", "Archive", "AnnalsClient", "RESP", "Events", "CZlib", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: house),
        .testTarget(
            name: "ReceptionTests",
            dependencies: [
                "annalsd", "Reception", "Archive", "RESP", "Events", "TestSupport", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ] + nio,
            swiftSettings: house),
        .testTarget(name: "HouseRulesTests", swiftSettings: house),
    ]
)

// Deploy/fuzz.sh says here where the toolchain has libFuzzer. Only then there is a fuzzer, and all that is ours is built to be watched by it.
if let fuzzer = Context.environment["ANNALS_FUZZER"] {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CLibFuzzer", "CSodium", "LMDB", "Events", "Merkle", "RESP", "Journal", "Ledger", "Projections", "Vault", "Archive",
                "Reception", "TestSupport", .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Tests/Fuzz",
            exclude: ["Corpus"],
            swiftSettings: house,
            linkerSettings: [.unsafeFlags(["-sanitize=address", fuzzer]), .linkedLibrary("stdc++")]),
    ]
    for target in package.targets {
        target.swiftSettings?.append(.unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]))
    }
}

// swift-tools-version: 6.2
import PackageDescription

// The gateway's modules once more, with the coverage that libFuzzer steers by, and the program that fuzzes them.
// `Sources` is a link to the project's. AddressSanitizer comes from the command line: see run.sh.

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .unsafeFlags(["-sanitize=fuzzer"]),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")

/// A library module of the gateway.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

let package = Package(
    name: "qwen-gateway-fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.2")],
    targets: [
        .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CNghttp2", path: "Sources/CNghttp2", pkgConfig: "libnghttp2"),
        .systemLibrary(name: "CLibFuzzer", path: "Targets/CLibFuzzer"),

        module("TLS", ["COpenSSL", nioCore]),
        module("HTTP", ["CNghttp2", nioCore]),
        module("JSON", [nioCore]),
        module("EventStream", [nioCore]),
        module("Translation", ["JSON", "EventStream", nioCore]),
        module("Vault", ["COpenSSL"]),
        module("Qwen", ["Vault", "TLS", "HTTP", "JSON", "EventStream", nioCore]),

        .target(name: "TestSupport", dependencies: ["COpenSSL"], path: "Support", swiftSettings: settings),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CLibFuzzer", "HTTP", "JSON", "EventStream", "Translation", "Qwen", "TLS", "TestSupport", nioCore,
            ],
            path: "Targets/fuzz", swiftSettings: settings),
    ]
)

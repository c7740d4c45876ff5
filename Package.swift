// swift-tools-version: 6.2
import PackageDescription

/// Every target: Swift 6 mode, strict memory safety, and the upcoming features the code is written for.
let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    // Debug builds, and so the tests, check at run time that no two accesses to a variable overlap. On the data path
    // the checks cost a tenth of the CPU.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

/// A library module of the gateway, under Sources/<name>.
///
/// - Parameter exclude: files and folders there that are no sources.
func module(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

/// The tests of a module, under Tests/<name>Tests.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies, swiftSettings: settings)
}

let package = Package(
    name: "qwen-gateway",
    products: [
        .executable(name: "qwen-gateway", targets: ["qwen-gateway"]),
        .executable(name: "qwen-simulator", targets: ["qwen-simulator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),

        module("TLS", ["COpenSSL", nioCore]),
        module("HTTP", ["CNghttp2", nioCore]),
        module("JSON", [nioCore]),
        module("EventStream", [nioCore]),

        module("Translation", ["JSON", "EventStream", nioCore]),
        module("Telemetry", [logging, nioCore]),
        module("Admission", ["Vault", "TLS", "HTTP", "JSON", nioCore]),
        module("Vault", ["COpenSSL"]),
        module("Qwen", ["Vault", "TLS", "HTTP", "JSON", "EventStream", nioCore]),

        module("Transport", ["TLS", "HTTP", nioCore, nioPosix]),
        module(
            "Gateway",
            [
                "Transport", "Vault", "Qwen", "Translation", "Admission", "Telemetry", nioPosix, logging,
                .product(name: "Configuration", package: "swift-configuration"),
            ],
            // Embedded by ops/embed-console.sh.
            exclude: ["Console/Page"]),
        module("QwenSimulator", ["Transport", "TLS", "HTTP", "JSON", "EventStream", nioCore, nioPosix]),
        .executableTarget(
            name: "qwen-gateway",
            dependencies: [
                "Gateway", "Admission", "Telemetry", "Translation", "Qwen", "Vault", "HTTP", "JSON", logging, nioCore,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "qwen-simulator",
            dependencies: ["QwenSimulator", "TLS", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings),

        // How often the path of a delta needs the heap: `make deltas`.
        .target(name: "CAllocations", path: "ops/bench/allocations", publicHeadersPath: "include"),
        .executableTarget(
            name: "delta-bench", dependencies: ["CAllocations", "Translation", "JSON", nioCore],
            path: "ops/bench/deltas", swiftSettings: settings),

        .target(name: "TestSupport", dependencies: ["COpenSSL"], path: "Tests/Support", swiftSettings: settings),
        tests("TLS", ["TestSupport", "COpenSSL", nioCore]),
        tests("HTTP", [nioCore]),
        tests("JSON", [nioCore]),
        tests("EventStream", [nioCore]),
        tests("Telemetry", [logging, nioCore]),
        tests("Translation", ["JSON", "EventStream", nioCore]),
        tests("Vault", ["TestSupport"]),
        tests("Qwen", ["TestSupport", "Vault", "TLS", "HTTP", "JSON", "EventStream", nioCore]),
        tests("Admission", ["TestSupport", "Vault", "HTTP", nioCore]),
        tests("Transport", ["TestSupport", "TLS", "HTTP", nioCore, nioPosix]),
        tests(
            "QwenSimulator",
            ["TestSupport", "Transport", "TLS", "HTTP", "JSON", "EventStream", nioCore, nioPosix]),
        tests(
            "Gateway",
            [
                "QwenSimulator", "TestSupport", "Admission", "Qwen", "Vault", "TLS", "HTTP", "Transport", "Telemetry",
                logging,
                nioCore, nioPosix,
            ]),
    ]
)

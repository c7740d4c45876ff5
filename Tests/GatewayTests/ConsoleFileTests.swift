import Foundation
import TLS
import Testing

@testable import Gateway

struct ConsoleFileTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/Gateway/Console/Page")

    @Test(arguments: ConsoleFile.allCases)
    func whatIsEmbeddedIsTheFile(_ file: ConsoleFile) throws {
        let bytes = try Data(contentsOf: Self.folder.appending(path: file.rawValue))
        let isEqual = file.text.withUTF8Buffer { unsafe $0.elementsEqual(bytes) }
        #expect(isEqual, "\(file.rawValue) was edited: run ops/embed-console.sh")
        let digest = try SHA256Hasher().hash(Array(bytes).span).bytes.prefix(8)
        let hexadecimal = digest.map { String(format: "%02x", $0) }.joined()
        #expect(file.tag.description == "\"\(hexadecimal)\"")
    }

    @Test func everyFileOfTheFolderIsServed() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(ConsoleFile.allCases.map(\.rawValue)))
    }

    /// The policy forbids them, so that they would do nothing.
    @Test func thePageHasNeitherInlineCodeNorAnotherOrigin() {
        for file in ConsoleFile.allCases {
            let text = file.text.description.replacing("http://www.w3.org/", with: "")
            #expect(!text.contains("://"), "\(file)")
            #expect(!text.contains("innerHTML"), "\(file)")
        }
        let page = ConsoleFile.page.text.description
        #expect(page.ranges(of: "<script").count == 1)
        #expect(page.contains(#"<script type="module" src="/console/console.js"></script>"#))
        for forbidden in ["<style", " style=", " onclick=", " onload=", " onsubmit=", "javascript:"] {
            #expect(!page.contains(forbidden))
        }
    }

    @Test func pathsAreExact() {
        #expect(ConsoleFile(path: "/console/console.js") == .script)
        for path in ["/console/console.html", "/console/", "/console/../console.js", "/console/x.js", "/console"] {
            #expect(ConsoleFile(path: path) == nil)
        }
    }
}

/// The files that the console's page is made of. They are edited under `Page/`, and `ops/embed-console.sh` makes Swift
/// of them (`Embedded/`), so that the program needs nothing beside it.
enum ConsoleFile: String, CaseIterable {
    case page = "console.html"
    case style = "console.css"
    case script = "console.js"
    case view = "view.js"
    case panels = "panels.js"
    case chart = "chart.js"
    case format = "format.js"
    case icon = "icon.svg"

    /// - Parameter path: of the request; the page itself is at `/`.
    init?(path: String) {
        guard path.hasPrefix("/console/"), let file = ConsoleFile(rawValue: String(path.dropFirst(9))), file != .page
        else { return nil }
        self = file
    }

    var contentType: StaticString {
        switch self {
        case .page: "text/html; charset=utf-8"
        case .style: "text/css; charset=utf-8"
        case .script, .view, .panels, .chart, .format: "text/javascript; charset=utf-8"
        case .icon: "image/svg+xml"
        }
    }

    private var embedded: (text: StaticString, tag: StaticString) {
        switch self {
        case .page: (EmbeddedConsole.consoleHTML, EmbeddedConsole.consoleHTMLTag)
        case .style: (EmbeddedConsole.consoleCSS, EmbeddedConsole.consoleCSSTag)
        case .script: (EmbeddedConsole.consoleJS, EmbeddedConsole.consoleJSTag)
        case .view: (EmbeddedConsole.viewJS, EmbeddedConsole.viewJSTag)
        case .panels: (EmbeddedConsole.panelsJS, EmbeddedConsole.panelsJSTag)
        case .chart: (EmbeddedConsole.chartJS, EmbeddedConsole.chartJSTag)
        case .format: (EmbeddedConsole.formatJS, EmbeddedConsole.formatJSTag)
        case .icon: (EmbeddedConsole.iconSVG, EmbeddedConsole.iconSVGTag)
        }
    }

    var text: StaticString { embedded.text }
    /// The entity-tag, with its quotation marks (RFC 9110 §8.8.3).
    var tag: StaticString { embedded.tag }
}

// swift-format-ignore-file
// Made by ops/embed-console.sh of Page/icon.svg: edit that.

extension EmbeddedConsole {
    static let iconSVGTag: StaticString = "\"96b454094d78c2d6\""
    static let iconSVG: StaticString = ##"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="8" fill="#3557c7"/>
<circle cx="15" cy="15" r="7.5" fill="none" stroke="#fff" stroke-width="3"/>
<path d="M18 18l6 6" stroke="#fff" stroke-width="3" stroke-linecap="round"/>
</svg>

"""##
}

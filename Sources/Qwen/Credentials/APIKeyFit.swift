/// Whether a Model Studio key is accepted at the host that it is to be sent to, as far as its prefix tells.
///
/// Keys belong to a product, and only its hosts accept them: elsewhere Qwen answers 401, which looks as if the key were
/// wrong. Regions cannot be told from a key. What the gateway does not know, such as a proxy of the operator's own, it
/// does not judge. No reason repeats the key.
package enum APIKeyFit: Sendable, Equatable {
    case fits
    /// It is accepted, but the operator should know this.
    case warns(String)
    /// It cannot work; which host or key to use instead.
    case refused(String)

    /// - Parameter baseURL: an absolute URL, or a host with or without a port.
    package init(key: String, baseURL: String) {
        let host = Self.host(of: baseURL)
        self =
            switch (Product(key: key), Place(host: host)) {
            case (_, .unknown), (.unknown, .plan), (.unknown, .regional), (.unknown, .workspace): .fits
            case (_, .portal):
                .refused(
                    """
                    \(host) takes the tokens of the Qwen login (qwen-gateway login) and no API keys; \
                    a key goes to a host such as dashscope-intl.aliyuncs.com
                    """)
            case (.plan, .plan):
                .warns(
                    """
                    the key belongs to a Coding Plan or Token Plan, whose terms exclude servers, automation and sharing \
                    and let Qwen suspend it for them; a pay-as-you-go key has no such terms
                    """)
            case (.plan, .regional), (.plan, .workspace):
                .refused(
                    """
                    a key that begins with sk-sp- belongs to a plan and is not accepted by \(host); use the plan's own \
                    host (coding.dashscope.aliyuncs.com, coding-intl.dashscope.aliyuncs.com or token-plan.…), or a \
                    pay-as-you-go key
                    """)
            case (.workspace, .workspace): .fits
            case (.workspace, .regional), (.workspace, .plan):
                .refused(
                    """
                    a key that begins with sk-ws- belongs to a workspace and is not accepted by \(host); use the \
                    workspace's own host, {WorkspaceId}.{region}.maas.aliyuncs.com
                    """)
            // Regional keys are accepted at the workspaces' hosts, which Alibaba recommends for them.
            case (.payAsYouGo, .regional), (.payAsYouGo, .workspace): .fits
            case (.payAsYouGo, .plan):
                .refused(
                    """
                    \(host) serves a plan and accepts its keys only, which begin with sk-sp-; use a host such as \
                    dashscope.aliyuncs.com or dashscope-intl.aliyuncs.com for this one
                    """)
            }
    }

    /// Whether the host serves a plan, which is for chat alone.
    package static func isPlan(_ baseURL: String) -> Bool { Place(host: host(of: baseURL)) == .plan }

    private enum Product {
        case payAsYouGo, workspace, plan, unknown

        init(key: String) {
            self =
                if key.hasPrefix("sk-sp-") {
                    .plan
                } else if key.hasPrefix("sk-ws-") {
                    .workspace
                } else {
                    key.hasPrefix("sk-") ? .payAsYouGo : .unknown
                }
        }
    }

    private enum Place {
        case regional, workspace, plan, portal, unknown

        init(host: String) {
            let label = host.prefix { $0 != "." }
            self =
                switch host {
                case "portal.qwen.ai", "chat.qwen.ai": .portal
                case "maas.qwencloudapi.com", "maas.qianwenaiapi.com": .regional
                case _ where host.hasSuffix(".maas.qwencloudapi.com") || host.hasSuffix(".maas.qianwenaiapi.com"):
                    label == "token-plan" ? .plan : .workspace
                case _ where host.hasSuffix(".maas.aliyuncs.com"): label == "token-plan" ? .plan : .workspace
                case "coding.dashscope.aliyuncs.com", "coding-intl.dashscope.aliyuncs.com": .plan
                case "dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com": .regional
                case _ where host.hasSuffix(".dashscope.aliyuncs.com"): .regional
                default: .unknown
                }
        }
    }

    /// The host in lower case, without port and without a dot at its end.
    private static func host(of url: String) -> String {
        var rest = url.lowercased()[...]
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if !rest.hasPrefix("[") { rest = rest.prefix { $0 != ":" } }
        if rest.hasSuffix(".") { rest = rest.dropLast() }
        return String(rest)
    }
}

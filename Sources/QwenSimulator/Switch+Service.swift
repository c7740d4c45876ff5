extension Switch {
    static let login: [Switch] = [
        Switch(
            "oauth.pending", "N", "polls answered with authorization_pending (1)", .simulator(number(\.oauth.pending))),
        Switch(
            "oauth.approval", form(OAuthBehaviour.Approval.self),
            "a login approves itself, or waits for its page or /simulator/approve",
            .simulator(choice(\.oauth.approval))),
        Switch("oauth.slow-down", "N", "first polls answered with slow_down", .simulator(number(\.oauth.slowDowns))),
        Switch(
            "oauth.slow-down-status", "429|400", "the status of slow_down",
            .simulator { simulator, text in
                guard text == "429" || text == "400", let status = Int(text) else { return false }
                simulator.oauth.slowDownStatus = status
                return true
            }),
        Switch(
            "oauth.interval", "N|none", "seconds in interval",
            .simulator { simulator, text in
                simulator.oauth.interval = parse(text)
                return text == "none" || simulator.oauth.interval != nil
            }),
        Switch(
            "oauth.device-expires", "SECONDS", "how long a device code is good (900)",
            .simulator(number(\.oauth.deviceExpiry))),
        Switch(
            "oauth.device", form(OAuthBehaviour.Device.self), "what the device endpoint answers",
            .simulator(choice(\.oauth.device))),
        Switch(
            "oauth.complete-uri", "on|off", "whether verification_uri_complete is given",
            .simulator(flag(\.oauth.hasCompleteURI))),
        Switch(
            "oauth.poll", form(OAuthBehaviour.Poll.self), "what a poll gets in place of the tokens",
            .simulator(choice(\.oauth.poll))),
        Switch(
            "oauth.refresh", form(OAuthBehaviour.Refresh.self),
            "what a refresh gets: keep, placeless and bare lack refresh_token, resource_url, both",
            .simulator(choice(\.oauth.refresh))),
        Switch(
            "oauth.rotate", "on|off", "whether a refresh makes the old refresh token invalid",
            .simulator(flag(\.oauth.rotates))),
        Switch(
            "oauth.expires-in", "SECONDS|null", "how long an access token is good (21600)",
            .simulator { simulator, text in
                simulator.oauth.hasTokenExpiry = text != "null"
                guard text != "null" else { return true }
                guard let seconds = parse(text, upTo: 100_000_000) else { return false }
                simulator.oauth.tokenExpiry = seconds
                return true
            }),
        Switch(
            "oauth.resource-url", form(OAuthBehaviour.ResourceURL.self) + "|TEXT",
            "resource_url: the host, with https://, with https:// and /v1/, none, or a text",
            .simulator { simulator, text in
                let form = OAuthBehaviour.ResourceURL(rawValue: String(text))
                simulator.oauth.resourceURL = form ?? .host
                simulator.oauth.resourceText = form == nil ? String(text) : nil
                return !text.isEmpty
            }),
        Switch(
            "oauth.delay", "MS", "milliseconds until the token endpoint answers",
            .simulator(number(\.oauth.delay, upTo: longest))),
        Switch(
            "oauth.user-agent", form(OAuthBehaviour.UserAgent.self),
            "the status of the page for a request without User-Agent; any for none",
            .simulator(choice(\.oauth.userAgent))),
    ]

    static let service: [Switch] = [
        Switch(
            "portal.auth", form(PortalBehaviour.Access.self), "who is let in under /v1/: tokens are those of the login",
            .simulator(choice(\.portal.access))),
        Switch(
            "portal.system", "on|off", "with a token: one leading system message in array form, else 400",
            .simulator(flag(\.portal.requiresSystem))),
        Switch(
            "portal.models", "on|off", "with a token: 400 for models that the portal does not have (on)",
            .simulator(flag(\.portal.checksModel))),
        Switch("validate", "on|off", "check requests as Qwen does (on)", .simulator(flag(\.validates))),
        Switch("known-models", "on|off", "with a key: 404 for unknown models", .simulator(flag(\.checksModel))),
        Switch("models", "on|off", "whether GET /models answers, or 404 (on)", .simulator(flag(\.listsModels))),
        Switch(
            "clock", "SECONDS", "how far the clock of the date field is ahead (0)",
            .simulator { simulator, text in
                guard let seconds = Int(text), abs(seconds) < 1_000_000_000 else { return false }
                simulator.clockSkew = seconds
                return true
            }),
        Switch(
            "headers", "qwen|plain", "the fields that Qwen's edge adds: server, set-cookie, req-cost-time, …",
            .simulator { simulator, text in
                simulator.sendsEdgeFields = text == "qwen"
                return text == "qwen" || text == "plain"
            }),
    ]
}

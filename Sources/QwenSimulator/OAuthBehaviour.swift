/// How the login answers: the device and the token endpoint.
package struct OAuthBehaviour: Sendable, Equatable {
    /// Who decides on a login.
    package enum Approval: String, Sendable, CaseIterable {
        /// It is approved by itself, after the polls that are answered with `authorization_pending`.
        case auto
        /// A person on the page, or a call of `/simulator/approve` or `/simulator/deny`.
        case manual
    }

    /// What the device endpoint says.
    package enum Device: String, Sendable, CaseIterable {
        case normal
        /// 200 with `error` and `error_description`.
        case error
        case refused
        case html
        case empty
    }

    /// What a poll gets instead of the tokens, once the login is approved.
    package enum Poll: String, Sendable, CaseIterable {
        case normal, expired, denied, unauthorized
        /// 200 with `access_token: null`.
        case null
        /// 200 with `error` and `error_description`.
        case error
        case html, empty
        /// 429 with an error other than `slow_down`.
        case limited
        case unavailable
    }

    /// What a refresh gets.
    package enum Refresh: String, Sendable, CaseIterable {
        case normal
        /// Without `refresh_token`: the old one stays valid.
        case keep
        /// Without `resource_url`.
        case placeless
        /// Without either.
        case bare
        /// 400 `invalid_request`.
        case invalid
        /// 401 `invalid_request`.
        case unauthorized
        /// 200 with `error` and `error_description`.
        case error
        case html, empty, unavailable
    }

    /// What a request without User-Agent gets.
    package enum UserAgent: String, Sendable, CaseIterable {
        case page200 = "200"
        case page403 = "403"
        case page405 = "405"
        /// An answer like any other.
        case any
    }

    /// The form of `resource_url`.
    package enum ResourceURL: String, Sendable, CaseIterable {
        /// The host (and port) that the request went to.
        case host
        /// With `https://`.
        case scheme
        /// With `https://` and `/v1/`.
        case path
        case absent
    }

    /// Polls answered with `authorization_pending` before a login approves itself.
    package var pending = 1
    package var approval = Approval.auto
    /// Polls answered with `slow_down`, first of all.
    package var slowDowns = 0
    /// Their status: 429 as Qwen has it, or 400 as RFC 8628 §3.5 has it.
    package var slowDownStatus = 429
    /// Seconds in `interval`; nil leaves it out.
    package var interval: Int?
    /// Seconds for which a device code is good.
    package var deviceExpiry = 900
    package var device = Device.normal
    /// Whether the answer has `verification_uri_complete`.
    package var hasCompleteURI = true
    package var poll = Poll.normal
    package var refresh = Refresh.normal
    /// Whether a refresh gives a new refresh token and makes the old one invalid.
    package var rotates = true
    /// Seconds for which an access token is good.
    package var tokenExpiry = 21_600
    /// Whether the answer has `expires_in`; without it the field is null.
    package var hasTokenExpiry = true
    package var resourceURL = ResourceURL.host
    /// The text of `resource_url`, if it is none of the forms.
    package var resourceText: String?
    /// Milliseconds until the token endpoint answers.
    package var delay = 0
    package var userAgent = UserAgent.page200
    package init() {}
}

/// What is particular to the portal, where access tokens are the keys.
package struct PortalBehaviour: Sendable, Equatable {
    package enum Access: String, Sendable, CaseIterable {
        /// API keys are let in as well as access tokens.
        case any
        /// Access tokens only, on paths that begin with `/v1/`.
        case tokens
    }

    package var access = Access.any
    /// Whether the first message must be the only system message, its content an array of parts.
    package var requiresSystem = false
    /// Whether models that the portal does not have are refused with 400.
    package var checksModel = true
    package init() {}
}

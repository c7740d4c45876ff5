import Testing

@testable import Gateway

struct RouterTests {
    @Test(arguments: [
        "/v1/chat/completions", "/v1/chat/completions/", "/v1/chat/completions//?a=/", "/v1/v1/chat/completions",
    ])
    func chatCompletionsNeedAKey(_ target: String) {
        #expect(Router.route(target) == (.chatCompletions, .client))
    }

    /// Spellings that something else might take for a path below /v1: none of them is served.
    @Test(arguments: [
        "//v1/chat/completions", "/v1//chat/completions", "/v1%2Fchat/completions", "/%761/chat/completions",
        "/V1/chat/completions", "/v1;x/chat/completions", "/v1/../health", "/./v1/chat/completions",
        "/v1/chat/completions%20", "/v1/chat/completions;x", "/health/../v1/chat/completions", "/v1/health", "*",
    ])
    func otherSpellingsLeadNowhere(_ target: String) {
        #expect(Router.route(target).route == nil)
    }

    @Test func storedResponses() {
        #expect(Router.route("/v1/responses/r").route == .storedResponse("r"))
        #expect(Router.route("/v1/responses/r/input_items?limit=1").route == .responseInput("r"))
        #expect(Router.route("/v1/responses/r/cancel/").route == .cancelResponse("r"))
        for path in ["/v1/responses/r/x", "/v1/responses//input_items", "/v1/responses/r/input_items/x"] {
            #expect(Router.route(path).route == nil, "\(path)")
        }
    }

    @Test func whatIsForTheOperatorIsGuarded() {
        #expect(Router.route("/auth") == (.auth, .administrator))
        #expect(Router.route("/health/detailed/") == (.detailedHealth, .administrator))
        #expect(Router.route("/health") == (.health, .everyone))
        #expect(Router.route("/v1/none") == (nil, .client))
    }

    @Test func theAdminAddressServesNoClientOfQwen() {
        #expect(Router.adminRoute("/v1/chat/completions") == nil)
        #expect(Router.adminRoute("/auth") == .auth)
    }

    @Test func pathIsWithoutQueryAndTrailingSlashes() {
        #expect(Router.path(of: "/?a") == "/")
        #expect(Router.path(of: "//") == "/")
        #expect(Router.path(of: "/a?b/") == "/a")
        #expect(Router.path(of: "/a//") == "/a")
        #expect(Router.path(of: String(repeating: "/", count: 8000)) == "/")
    }
}

import JSON
package import NIOCore

/// What clients are told about stored responses, beside the responses themselves.
package enum StoredResponseAnswer {
    /// The body that tells of a deletion (`DELETE /v1/responses/{id}`).
    package static func writeDeleted(_ id: String, into output: inout ByteBuffer) {
        output.writeStaticString("{\"id\":")
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(",\"object\":\"response\",\"deleted\":true}")
    }

    /// What a client is told, with status 404, of a response that it does not have.
    package static func notFound(_ id: String) -> InvalidRequest {
        InvalidRequest("Response with id '\(InvalidRequest.shown(id))' not found.", param: "response_id")
    }

    /// Why a response can't be cancelled (`POST /v1/responses/{id}/cancel`): OpenAI cancels those in the background
    /// alone, and here there are none.
    package static func notCancellable(_ id: String) -> InvalidRequest {
        InvalidRequest(
            "Response with id '\(InvalidRequest.shown(id))' can't be cancelled: only responses in the background can. "
                + "Close the connection of a request to cancel it.", param: "response_id")
    }

    /// Throws if the query of `GET /v1/responses/{id}` asks for a stream. OpenAI streams again what it made in the
    /// background; the events of other responses are not kept. Other members (`include`, `include_obfuscation`) are
    /// without effect, as nothing of a response is left out.
    package static func checkRetrieval(query: String) throws(InvalidRequest) {
        for (name, value) in ListPage.members(of: query) {
            guard (name == "stream" && value?.lowercased() != "false") || name == "starting_after" else { continue }
            throw InvalidRequest(
                "'\(name)' is not supported here: only responses in the background could be streamed again. Leave it "
                    + "out to get the whole response.", param: String(name), code: "unsupported_parameter")
        }
    }
}

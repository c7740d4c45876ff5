import JSON
import NIOCore
import Translation

/// Any bytes as the body of a client's request.
enum RequestTargets {
    /// What goes to Qwen is an object whose keys are unique.
    private static func checkBody(_ body: ByteBuffer) {
        var document = JSONDocument()
        check((try? document.scan(body)) != nil, "a body that is no JSON: \(String(buffer: body))")
        check(document.kind(of: document.root) == .object, "a body that is no object")
        check((try? document.checkUniqueKeys(of: document.root)) != nil, "a body with two members of one name")
    }

    private static func checkRefusal(_ error: InvalidRequest) {
        check(!error.message.isEmpty && error.message.utf8.count <= 1024, "a refusal without words, or too many")
        check((error.param?.utf8.count ?? 0) <= 1024, "a parameter that is too long")
    }

    static func chat(_ input: [UInt8]) {
        var document = JSONDocument()
        do throws(InvalidRequest) {
            let request = try ChatRequest(ByteBuffer(bytes: input), document: &document, defaultModel: "qwen-plus")
            checkBody(request.body)
            checkBody(request.body(for: .portal, document: &document))
        } catch {
            checkRefusal(error)
        }
    }

    static func completions(_ input: [UInt8]) {
        var document = JSONDocument()
        do throws(InvalidRequest) {
            let request = try CompletionRequest(
                ByteBuffer(bytes: input), document: &document, defaultModel: "qwen-plus")
            check((1...CompletionRequest.mostCalls).contains(request.bodies.count), "no call, or too many")
            for body in request.bodies.prefix(3) { checkBody(body) }
        } catch {
            checkRefusal(error)
        }
    }

    static func responses(_ input: [UInt8]) {
        var document = JSONDocument()
        do throws(InvalidRequest) {
            var request = try ResponsesRequest(ByteBuffer(bytes: input), document: &document)
            if !request.references.isEmpty {
                var found = ResolvedReferences()
                let item = ByteBuffer(string: #"{"type":"message","role":"user","content":"stored"}"#)
                if request.references.previousResponseID != nil { found.history = [StoredItem(text: item)] }
                for id in request.references.itemIDs { found.items[id] = item }
                try request.resolve(found, document: &document)
            }
            checkBody(request.chatBody)
        } catch {
            checkRefusal(error)
        }
    }

    static func messages(_ input: [UInt8]) {
        var document = JSONDocument()
        do throws(InvalidRequest) {
            let request = try MessagesRequest(ByteBuffer(bytes: input), document: &document)
            checkBody(request.chatBody)
            check(request.estimatedInputTokens >= 0, "less than no token")
            let count = try MessagesTokenCount(ByteBuffer(bytes: input), document: &document)
            // Whole answers tell what Qwen has counted.
            let estimate = request.isStreaming ? request.estimatedInputTokens : count.inputTokens
            check(count.inputTokens == estimate, "two estimates")
        } catch {
            checkRefusal(error)
        }
    }

    static func embeddings(_ input: [UInt8]) {
        var document = JSONDocument()
        do throws(InvalidRequest) {
            let request = try EmbeddingRequest(ByteBuffer(bytes: input), document: &document)
            check(request.inputCount > 0, "no input")
            var next = 0
            for (call, range) in request.calls.enumerated() {
                check(range.lowerBound == next && !range.isEmpty, "inputs left out")
                next = range.upperBound
                checkBody(request.body(of: call))
            }
        } catch {
            checkRefusal(error)
        }
    }
}

import HTTP
import JSON
import NIOCore
import Translation
import Transport

/// What clients ask about the responses that were kept for them. All of it is answered at once.
extension GatewayService {
    func answerStored(_ exchange: GatewayExchange, _ head: RequestHead, _ route: Route) -> any ExchangeHandler {
        do throws(APIError) {
            let body = try storedAnswer(to: head, route, owner: exchange.clientKey)
            exchange.respond(200, contentType: "application/json", body: body)
            return AnsweredExchange(exchange)
        } catch {
            return refuse(exchange, error)
        }
    }

    private func storedAnswer(
        to head: RequestHead, _ route: Route, owner: String
    ) throws(APIError) -> ByteBuffer {
        let query = Router.query(of: head.path)
        do throws(InvalidRequest) {
            switch route {
            case .storedResponse(let id) where head.method == "DELETE":
                let isDeleted = shared.responses.withLock { $0.delete(id, owner: owner, now: loop.now) }
                guard isDeleted else { break }
                var deleted = ByteBuffer()
                StoredResponseAnswer.writeDeleted(id, into: &deleted)
                return deleted
            case .storedResponse(let id):
                guard let response = stored(id, owner) else { break }
                try StoredResponseAnswer.checkRetrieval(query: query)
                return response.body
            case .responseInput(let id):
                let page = try ResponsesInputPage(query: query)
                let items = shared.responses.withLock { $0.inputItems(of: id, owner: owner, now: loop.now) }
                guard let items else { break }
                defer { document.removeAll() }
                var list = ByteBuffer()
                try page.write(items, document: &document, into: &list)
                return list
            case .cancelResponse(let id):
                guard stored(id, owner) != nil else { break }
                throw StoredResponseAnswer.notCancellable(id)
            default: break
            }
        } catch {
            throw APIError(error)
        }
        throw APIError(notFound: StoredResponseAnswer.notFound(route.responseID))
    }

    private func stored(_ id: String, _ owner: String) -> StoredResponse? {
        shared.responses.withLock { $0.get(id, owner: owner, now: loop.now) }
    }
}

extension Route {
    /// Of which stored response the route is; empty for others.
    fileprivate var responseID: String {
        switch self {
        case .storedResponse(let id), .responseInput(let id), .cancelResponse(let id): id
        default: ""
        }
    }
}

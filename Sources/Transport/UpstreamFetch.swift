package import HTTP
package import NIOCore

/// A response that was put together in memory.
package struct FetchedResponse: Sendable {
    package let status: Int
    package let fields: HeaderFields
    package let body: ByteBuffer
}

/// Requests of the control plane: one answer each, awaited as a whole. They travel on the connections of one event
/// loop, like all other calls.
package struct UpstreamFetcher: Sendable {
    private let pools: NIOLoopBound<UpstreamPools>
    /// The most bytes of a response's body.
    private let limit: Int

    /// - Parameters:
    ///   - pools: the pools of the loop that the requests travel on.
    ///   - limit: the most bytes of a response's body; a longer one fails the request.
    package init(_ pools: NIOLoopBound<UpstreamPools>, limit: Int = 4 * 1024 * 1024) {
        self.pools = pools
        self.limit = limit
    }

    /// Sends a request and awaits its response.
    ///
    /// - Parameter timeout: for all of it. When it is over, or the task is cancelled, the upstream is told.
    package func fetch(
        _ head: RequestHead, body: ByteBuffer = ByteBuffer(), from origin: Origin, timeout: TimeAmount
    ) async throws(UpstreamError) -> FetchedResponse {
        let eventLoop = pools.eventLoop
        let promise = eventLoop.makePromise(of: FetchedResponse.self)
        let fetch = NIOLoopBoundBox<UpstreamFetch?>.makeBoxSendingValue(nil, eventLoop: eventLoop)
        pools.execute { [limit] pools in
            let pool = pools.pool(for: origin)
            pool.loop.updateTime()
            let started = UpstreamFetch(promise, limit: limit)
            fetch.value = started
            started.start(head, body, pool, timeout)
        }
        do {
            return try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: {
                eventLoop.execute { fetch.value?.cancel("the request was given up") }
            }
        } catch let error as UpstreamError {
            throw error
        } catch {
            throw UpstreamError(.reset, "\(error)")
        }
    }
}

/// One request of an `UpstreamFetcher`. Belongs to its event loop.
private final class UpstreamFetch: UpstreamCallHandler {
    private let promise: EventLoopPromise<FetchedResponse>
    private let limit: Int
    private var call: UpstreamCall?
    private var head: ResponseHead?
    private var body = ByteBuffer()
    private var timer: Scheduled<Void>?

    init(_ promise: EventLoopPromise<FetchedResponse>, limit: Int) {
        self.promise = promise
        self.limit = limit
    }

    func start(_ head: RequestHead, _ body: ByteBuffer, _ pool: UpstreamPool, _ timeout: TimeAmount) {
        let call = UpstreamCall(head: head, body: body, handler: self, now: pool.loop.now)
        self.call = call
        timer = pool.loop.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
            pool.loop.updateTime()
            let seconds = timeout.nanoseconds / 1_000_000_000
            end(.failure(UpstreamError(.firstByteTimeout, "\(pool.origin.authority) did not answer in \(seconds) s")))
        }
        pool.start(call)
    }

    func cancel(_ reason: String) {
        end(.failure(UpstreamError(.reset, reason)))
    }

    func responseBegan(_ head: ResponseHead) {
        self.head = head
    }

    func responseBodyReceived(_ bytes: ByteBuffer) {
        guard body.readableBytes + bytes.readableBytes <= limit else {
            return end(.failure(UpstreamError(.protocolError, "the response is larger than \(limit) bytes")))
        }
        var bytes = bytes
        let count = bytes.readableBytes
        body.writeBuffer(&bytes)
        call?.consume(count)
    }

    func responseEnded() {
        guard let head else { return end(.failure(UpstreamError(.protocolError, "the response has no head"))) }
        end(.success(FetchedResponse(status: head.status, fields: head.fields, body: body)))
    }

    func responseFailed(_ error: UpstreamError) {
        end(.failure(error))
    }

    private func end(_ result: Result<FetchedResponse, UpstreamError>) {
        timer?.cancel()
        timer = nil
        guard let call else { return }
        self.call = nil
        call.cancel()
        promise.completeWith(result.mapError { $0 as any Error })
    }
}

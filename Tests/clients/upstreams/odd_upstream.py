"""A stand-in for Qwen that is none of the gateway's own code and behaves oddly, within the rules or against them.

The last message of a request names what its answer is to be like: a function registered with `behaviour`, which gets
an `Answer` and a thread of its own.
"""

import json
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

BEHAVIOURS = {}


def behaviour(function):
    """Registers what a request can ask for, by the function's name."""
    BEHAVIOURS[function.__name__] = function
    return function


def chunk(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    document = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
STREAM = chunk("one") + chunk("two") + chunk("", "stop") + DONE
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "whole"}}
DOCUMENT = json.dumps(
    {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
).encode()
EVENTS, JSON = "text/event-stream", "application/json"


@dataclass
class Arrival:
    """A request that came, whole."""

    name: str
    connection: int
    streams: bool
    # When the gateway took it back, or closed the connection under it.
    cancelled: float | None = None
    gone: threading.Event = field(default_factory=threading.Event)

    def cancel(self):
        if not self.gone.is_set():
            self.cancelled = time.monotonic()
            self.gone.set()


class OddUpstream:
    key = "sk-upstream-of-another-make"

    def __init__(self, certificates, protocol: str):
        # Seconds before the TLS handshake, in which requests gather at the gateway.
        self.delay = 0.0
        self.protocol = protocol
        self.arrivals: list[Arrival] = []
        self.connections = 0
        self.open: list[Connection] = []
        # Why connections ended, for whoever looks into a failure.
        self.complaints: list[Exception] = []
        # HTTP/2 settings that new connections begin with.
        self.settings: dict[int, int] = {}
        # Called with each new connection before it serves.
        self.on_connect = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.chain, certificates.key)
        self.context.set_alpn_protocols([protocol])
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"https://localhost:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def close_connections(self, seconds: float = 5):
        """Closes what is open, and waits until the gateway has closed its side."""
        for connection in list(self.open):
            connection.close(clean=True)
        deadline = time.monotonic() + seconds
        while self.open:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def named(self, name: str) -> list[Arrival]:
        return [arrival for arrival in list(self.arrivals) if arrival.name == name]

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(plain, self.connections), daemon=True).start()

    def _serve(self, plain, number: int):
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            time.sleep(self.delay)
            kind = HTTP2Connection if self.protocol == "h2" else HTTP1Connection
            with self.context.wrap_socket(plain, server_side=True) as connection:
                serving = kind(self, connection, number)
                self.open.append(serving)
                serving.serve()
        except (OSError, ValueError, h2.exceptions.ProtocolError) as error:
            self.complaints.append(error)
        finally:
            self.open = [connection for connection in self.open if connection.number != number]

    def arrived(self, body: bytes, connection: int) -> Arrival:
        request = json.loads(body)
        arrival = Arrival(
            request["messages"][-1]["content"].split()[0], connection, request.get("stream", False)
        )
        self.arrivals.append(arrival)
        return arrival


class Connection:
    """A TLS connection that several threads share: one at a time uses the session, and reading waits outside."""

    def __init__(self, upstream, connection, number):
        self.upstream, self.socket, self.number = upstream, connection, number
        self.lock = threading.RLock()

    def readable(self, seconds: float) -> bool:
        return self.socket.pending() > 0 or bool(select.select([self.socket], [], [], seconds)[0])

    def receive(self) -> bytes | None:
        """What came; nil when it was no data, but a record of TLS itself."""
        with self.lock:
            self.socket.settimeout(0.001)
            try:
                return self.socket.recv(65536)
            except TimeoutError:
                return None
            finally:
                self.socket.settimeout(10)

    def write(self, data: bytes):
        with self.lock:
            self.socket.sendall(data)

    def close(self, clean: bool = False):
        """With close_notify, or without."""
        with self.lock:
            try:
                if clean:
                    self.socket.settimeout(0.05)
                    self.socket.unwrap()
            except (OSError, ValueError):
                pass
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class HTTP1Connection(Connection):
    """One exchange at a time. While it lasts the socket is watched for its end: so the gateway takes a call back."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.received = b""

    def serve(self):
        if self.upstream.on_connect:
            self.upstream.on_connect(self)
        while (body := self._request()) is not None:
            arrival = self.upstream.arrived(body, self.number)
            answer = HTTP1Answer(self, arrival)
            worker = threading.Thread(target=run, args=(answer,), daemon=True)
            worker.start()
            self._watch(arrival, worker)
            if answer.closes:
                return

    def _watch(self, arrival, worker):
        try:
            while worker.is_alive():
                if not self.readable(0.005):
                    continue
                data = self.receive()
                if data == b"":
                    arrival.cancel()
                    break
                self.received += data or b""
        except (OSError, ValueError):
            arrival.cancel()
        worker.join()

    def _more(self) -> bool:
        self.readable(60)
        data = self.receive()
        self.received += data or b""
        return data != b""

    def _request(self) -> bytes | None:
        while b"\r\n\r\n" not in self.received:
            if not self._more():
                return None
        head, _, _ = self.received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        start = len(head) + 4
        end = start + int(fields[b"content-length"])
        while len(self.received) < end:
            if not self._more():
                return None
        body, self.received = self.received[start:end], self.received[end:]
        return body


class Answer:
    """What a behaviour works with."""

    def __init__(self, connection, arrival):
        self.connection, self.arrival = connection, arrival

    def wait_until_cancelled(self, seconds: float = 10):
        return self.arrival.gone.wait(seconds)

    def whole(self):
        """An answer as it should be."""
        if self.arrival.streams:
            self.head(200, EVENTS)
            self.data(STREAM)
        else:
            self.head(200, JSON)
            self.data(DOCUMENT)
        self.end()


class HTTP1Answer(Answer):
    closes = False

    def raw(self, data: bytes):
        self.connection.write(data)

    def interim(self, status: int):
        self.raw(b"HTTP/1.1 %d Wait\r\nX-Interim: 1\r\n\r\n" % status)

    def head(self, status: int, content_type: str, *more: bytes):
        lines = [b"HTTP/1.1 %d Fine" % status, b"Content-Type: " + content_type.encode(), *more]
        self.raw(b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""]))

    def data(self, data: bytes):
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self, trailers: bool = False):
        self.raw(b"0\r\n" + (b"X-Trailer: v\r\n" if trailers else b"") + b"\r\n")

    def cut(self, clean: bool = False):
        self.closes = True
        self.connection.close(clean)


class HTTP2Connection(Connection):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        config = h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        # Told when the gateway may have given room for more.
        self.room = threading.Condition(self.lock)
        self.bodies: dict[int, bytearray] = {}
        self.answers: dict[int, Answer] = {}

    def send(self):
        with self.lock:
            self.write(self.h2.data_to_send())

    def serve(self):
        with self.lock:
            self.h2.initiate_connection()
            # In force once the gateway has acknowledged them.
            if self.upstream.settings:
                self.h2.update_settings(self.upstream.settings)
        if self.upstream.on_connect:
            self.upstream.on_connect(self)
        self.send()
        try:
            while True:
                self.readable(60)
                data = self.receive()
                if data == b"":
                    return
                with self.lock:
                    for event in self.h2.receive_data(data or b""):
                        self._handle(event)
                    self.room.notify_all()
                self.send()
        finally:
            for answer in self.answers.values():
                answer.arrival.cancel()

    def _handle(self, event):
        match event:
            case h2.events.RequestReceived():
                self.bodies[event.stream_id] = bytearray()
            case h2.events.DataReceived():
                self.bodies[event.stream_id] += event.data
                self.took(event)
            case h2.events.StreamEnded():
                body = bytes(self.bodies.pop(event.stream_id))
                limit = self.upstream.settings.get(h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS, 100)
                if sum(not answer.arrival.gone.is_set() for answer in self.answers.values()) >= limit:
                    return self.h2.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                arrival = self.upstream.arrived(body, self.number)
                answer = HTTP2Answer(self, arrival, event.stream_id)
                self.answers[event.stream_id] = answer
                threading.Thread(target=run, args=(answer,), daemon=True).start()
            case h2.events.StreamReset() if event.stream_id in self.answers:
                self.answers[event.stream_id].arrival.cancel()

    def took(self, event):
        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)


class HTTP2Answer(Answer):
    def __init__(self, connection, arrival, stream):
        super().__init__(connection, arrival)
        self.stream = stream

    @property
    def h2(self):
        return self.connection.h2

    def raw(self, data: bytes):
        """Bytes of frames past the library, which would not send them."""
        with self.connection.lock:
            self.connection.send()
            self.connection.write(data)

    def interim(self, status: int):
        with self.connection.lock:
            self.h2.send_headers(self.stream, [(":status", str(status)), ("x-interim", "1")])
            self.connection.send()

    def head(self, status: int, content_type: str, *more: tuple[str, str]):
        with self.connection.lock:
            self.h2.send_headers(
                self.stream, [(":status", str(status)), ("content-type", content_type), *more]
            )
            self.connection.send()

    def data(self, data: bytes, **options):
        while data:
            with self.connection.lock:
                size = min(
                    self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size, len(data)
                )
                if size == 0:
                    self.connection.room.wait(0.05)
                    continue
                self.h2.send_data(self.stream, data[:size], **options)
                self.connection.send()
            data = data[size:]

    def end(self, trailers: bool = False):
        with self.connection.lock:
            if trailers:
                self.h2.send_headers(self.stream, [("x-trailer", "v")], end_stream=True)
            else:
                self.h2.end_stream(self.stream)
            self.connection.send()

    def reset(self, code: int):
        with self.connection.lock:
            self.h2.reset_stream(self.stream, code)
            self.connection.send()

    def goaway(self, last: int, code: int = 0):
        """By hand: the library would take the connection for closed."""
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
        self.raw(b"\0\0\x08\x07\0\0\0\0\0" + payload)

    def cut(self, clean: bool = False):
        self.connection.close()


def run(answer: Answer):
    try:
        BEHAVIOURS[answer.arrival.name](answer)
    except (OSError, ValueError, h2.exceptions.ProtocolError):
        pass  # The gateway has left.
    finally:
        answer.arrival.gone.set()

"""HTTP/2 spoken frame by frame, legal or not: what libraries for clients would never send."""

import ssl
from types import SimpleNamespace

import hpack
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from raw import connect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 0x20
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED = range(6)
FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(6, 12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = range(1, 6)


def frame(
    kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", length: int | None = None
) -> bytes:
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(
        SETTINGS, payload=b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs)
    )


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, stream=stream, payload=increment.to_bytes(4, "big"))


def literal(name: bytes, value: bytes) -> bytes:
    """A field in HPACK's plainest form: not indexed, names and values as they are (RFC 7541 §6.2.2)."""

    def string(text: bytes) -> bytes:
        if len(text) < 127:
            return bytes([len(text)]) + text
        rest = len(text) - 127
        return bytes([127, *([rest & 127 | 128, rest >> 7] if rest > 127 else [rest])]) + text

    return b"\0" + string(name) + string(value)


def block(fields) -> bytes:
    return b"".join(literal(name, value) for name, value in fields)


class H2:
    """A connection to the gateway on which the test says every frame."""

    def __init__(self, gateway, *first: bytes, preface: bytes = PREFACE, handshake: bool = True):
        self.gateway = gateway
        self.socket = connect(gateway, "h2")
        assert self.socket.selected_alpn_protocol() == "h2"
        self.received = b""
        self.ended = False
        self.decoder = hpack.Decoder()
        self.frames: list[Frame] = []
        if handshake:
            self.send(preface, *(first or [settings()]))
            self.until(lambda got: isinstance(got, SettingsFrame) and "ACK" in got.flags)
            self.send(frame(SETTINGS, ACK))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts: bytes):
        try:
            self.socket.sendall(b"".join(parts))
        except (ssl.SSLError, OSError):
            pass  # The gateway has closed; what it said before is still to be read.

    def next(self) -> Frame | None:
        """The next frame, or nil at the end of the connection."""
        while True:
            if len(self.received) >= 9:
                got, length = Frame.parse_frame_header(memoryview(self.received[:9]))
                if len(self.received) >= 9 + length:
                    got.parse_body(memoryview(self.received[9 : 9 + length]))
                    self.received = self.received[9 + length :]
                    self.frames.append(got)
                    if isinstance(got, HeadersFrame):
                        got.decoded = dict(self.decoder.decode(got.data))
                    return got
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            if not data:
                self.ended = True
                return None
            self.received += data

    def until(self, condition) -> Frame | None:
        while (got := self.next()) is not None:
            if condition(got):
                return got
        return None

    # Requests

    def fields(self, method=b"GET", path=b"/health", *more):
        authority = b"localhost:%d" % self.gateway.port
        return [
            (b":method", method),
            (b":scheme", b"https"),
            (b":authority", authority),
            (b":path", path),
            *more,
        ]

    def headers(
        self, stream: int, fields=None, flags: int = END_HEADERS | END_STREAM, before: bytes = b"", after=b""
    ):
        return frame(
            HEADERS, flags, stream, before + block(fields if fields is not None else self.fields()) + after
        )

    def post_fields(self, *more):
        key = b"Bearer " + self.gateway.key.encode()
        known = ((b"authorization", key), (b"content-type", b"application/json"))
        return self.fields(b"POST", b"/v1/chat/completions", *known, *more)

    def post(self, stream: int, *more):
        """The head of a chat completion, whose body is to follow."""
        return self.headers(stream, self.post_fields(*more), END_HEADERS)

    # What must come

    def response(self, stream: int):
        """The whole response on the stream: status and body."""
        status, body = None, b""
        while got := self.next():
            assert not isinstance(got, GoAwayFrame), f"GOAWAY {got.error_code}"
            if isinstance(got, RstStreamFrame):
                assert got.stream_id != stream, f"RST_STREAM {got.error_code}"
            if got.stream_id != stream:
                continue
            if isinstance(got, HeadersFrame):
                status = int(got.decoded[":status"])
            if isinstance(got, DataFrame):
                body += got.data
                self.send(window_update(0, len(got.data)) if got.data else b"")
            if "END_STREAM" in got.flags:
                return SimpleNamespace(status=status, body=body)
        raise AssertionError("the connection ended before the response")

    def expect_alive(self, stream: int):
        """The connection serves a request."""
        self.send(self.headers(stream))
        assert self.response(stream).status == 200

    def expect_ping(self):
        self.send(frame(PING, payload=b"knocking"))
        got = self.until(lambda got: isinstance(got, PingFrame) and "ACK" in got.flags)
        assert got and got.opaque_data == b"knocking"

    def expect_connection_error(self, *codes: int):
        """GOAWAY with one of the codes, and then the end of the connection."""
        got = self.until(lambda got: isinstance(got, GoAwayFrame))
        assert got is not None, "the connection ended without GOAWAY"
        assert got.error_code in codes
        self.until(lambda got: False)
        assert self.ended

    def expect_stream_error(self, stream: int, *codes: int):
        """RST_STREAM with one of the codes, and a connection that goes on."""

        def ends(got):
            return isinstance(got, GoAwayFrame) or isinstance(got, RstStreamFrame) and got.stream_id == stream

        got = self.until(ends)
        assert isinstance(got, RstStreamFrame), f"{got} instead of RST_STREAM"
        assert got.error_code in codes
        self.expect_ping()


__all__ = [name for name in globals() if not name.startswith("_")]

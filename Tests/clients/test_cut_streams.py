"""A stream of Qwen's, recorded and cut at each of its bytes: every SDK raises each time, in every dialect."""

import json
import socket
import ssl
import threading

import pytest

from servers import Gateway
from test_broken_upstream import DIALECTS, ERRORS


def chunk(delta: dict, reason: str | None = None) -> bytes:
    choices = [{"delta": delta, "finish_reason": reason, "index": 0}]
    return frame({"choices": choices, "usage": None, "created": 1, "model": "m", "id": "c"})


def frame(document: dict) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
COUNTED = (
    chunk({"role": "assistant", "content": "Grüß"})
    + chunk({"content": "e"})
    + chunk({}, "stop")
    + frame({"choices": [], "usage": USAGE, "created": 1, "model": "m", "id": "c"})
)
STREAM = COUNTED + b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


class CuttingUpstream:
    """HTTP/1.1 over TLS that sends the first bytes of a stream, as many as the last message says, and how.

    `clean`: the response ends as HTTP wants it, in its last chunk. `abrupt`: the connection ends, with TLS's farewell.
    """

    key = "sk-upstream-that-cuts"

    def __init__(self, certificates):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.chain, certificates.key)
        self.context.set_alpn_protocols(["http/1.1"])
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"https://localhost:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                received = b""
                while data := connection.recv(65536):
                    received += data
                    head, _, body = received.partition(b"\r\n\r\n")
                    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
                    if b"\r\n\r\n" not in received or len(body) < int(fields[b"content-length"]):
                        continue
                    received = b""
                    if not self._answer(connection, json.loads(body)["messages"][-1]["content"]):
                        connection.unwrap()
                        return
        except (OSError, ssl.SSLError):
            pass

    @staticmethod
    def _answer(connection, order: str) -> bool:
        place, manner = order.split()
        part = STREAM[: int(place)]
        framed = b"%x\r\n%s\r\n" % (len(part), part) if part else b""
        end = b"0\r\n\r\n" if manner == "clean" else b""
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + end)
        return manner == "clean"


@pytest.fixture(scope="module")
def gateway(certificates, tmp_path_factory):
    upstream = CuttingUpstream(certificates)
    running = Gateway(certificates, upstream, tmp_path_factory.mktemp("cut"), WORKERS="1")
    yield running
    assert running.stop() == 0, running.log()
    upstream.close()


def outcome(dialect, clients, order):
    """The exception, or else whether the stream ended as a whole one does."""
    try:
        return any([dialect.is_end(event) for event in dialect.ask(*clients, "stream", order)])
    except ERRORS as error:
        return error


@DIALECTS
@pytest.mark.parametrize("protocol", ["HTTP/2"], indirect=True)
def test_cut_at_each_byte(sdk, claude, gateway, dialect):
    """Where nothing is missing but the marker, a clean end counts as one: some of Qwen's servings send none."""
    clients = sdk(gateway), claude(gateway)
    for place in range(len(STREAM)):
        manner = "clean" if place % 2 or place > len(STREAM) - 40 else "abrupt"
        whole = place == len(COUNTED) and manner == "clean"
        got = outcome(dialect, clients, f"{place} {manner}")
        assert (got is True) if whole else isinstance(got, ERRORS), f"{place} {manner}: {got}"
    for place in range(len(COUNTED) - 2, len(STREAM)):
        assert isinstance(outcome(dialect, clients, f"{place} abrupt"), ERRORS), place
    assert outcome(dialect, clients, f"{len(STREAM)} clean") is True
    assert outcome(dialect, clients, f"{len(STREAM)} abrupt") is True

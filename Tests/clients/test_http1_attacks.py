"""Floods on HTTP/1.1, over TLS: each ends by itself, memory stays where it is, and other clients are served.

Requests that two parsers may read in two ways are in test_smuggling.py, slow clients in test_slow_clients.py.
"""

import socket
import ssl
import threading
import time

import pytest

from raw import connect, read_to_end, statuses
from servers import Gateway

MOST_GROWTH = 64 * 1024 * 1024
HEAD = b"Host: localhost\r\n"
CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def simulator(own_simulator):
    return own_simulator


@pytest.fixture(scope="module")
def gateway(certificates, simulator, tmp_path_factory):
    running = Gateway(certificates, simulator, tmp_path_factory.mktemp("flooded"), WORKERS="1", WRITE_TIMEOUT="3s")
    yield running
    assert running.stop() == 0, running.log()


def flood(gateway, start: bytes, piece: bytes, most: int) -> tuple[int, bytes, bool]:
    """Sends the start, and then the piece until the gateway has had enough; bytes sent, and what came back."""
    sent = 0
    with connect(gateway) as connection:
        try:
            connection.sendall(start)
            while sent < most:
                connection.sendall(piece)
                sent += len(piece)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
        received, in_order = read_to_end(connection)
        return sent, received, in_order


def key(gateway) -> bytes:
    return b"Authorization: Bearer " + gateway.key.encode() + b"\r\n"


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        pytest.param(b"GET /", b"a" * 4096, 414, id="endless-target"),
        pytest.param(b"", b"A" * 4096, 414, id="endless-method"),
        pytest.param(b"GET /health HTTP/1.1\r\n" + HEAD, b"X: y\r\n" * 50, 431, id="many-fields"),
        pytest.param(b"GET /health HTTP/1.1\r\n" + HEAD + b"X: ", b"a" * 4096, 431, id="endless-value"),
        pytest.param(b"GET /health HTTP/1.1\r\n" + HEAD, b"X" * 4096, 431, id="endless-name"),
        pytest.param(b"", b"\r\n" * 100, 400, id="empty-lines"),
        pytest.param(CHUNKED + b"KEY\r\n1", b"0" * 4096, 400, id="endless-chunk-size"),
        pytest.param(CHUNKED + b"KEY\r\n1;", b"e" * 4096, 400, id="endless-chunk-extension"),
        pytest.param(CHUNKED + b"KEY\r\n", b"1;extension=value\r\n \r\n" * 50, 400, id="many-chunk-extensions"),
        pytest.param(CHUNKED + b"KEY\r\n0\r\n", b"X: y\r\n" * 50, 431, id="endless-trailers"),
        pytest.param(CHUNKED + b"KEY\r\n0\r\nX: ", b"a" * 4096, 431, id="endless-trailer"),
    ],
)
def test_endless_parts_of_a_request(gateway, start, piece, status):
    before = gateway.resident()
    sent, received, _ = flood(gateway, start.replace(b"KEY\r\n", key(gateway) + b"\r\n"), piece, 16 * 1024 * 1024)
    assert sent < 16 * 1024 * 1024
    # A client that goes on sending may lose its answer to the reset.
    assert received == b"" or statuses(received) == [status]
    assert gateway.resident() - before < MOST_GROWTH


def test_pipelined_requests_whose_answers_nobody_reads(gateway):
    """What is sent ahead waits unread, and the client that does not take its answers is cut off."""
    before = gateway.resident()
    context = gateway.certificates.client_context()
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", gateway.port))
    plain.settimeout(20)
    requests = (b"GET /v1/none-such HTTP/1.1\r\n" + HEAD + key(gateway) + b"\r\n") * 100
    sent, began = 0, time.monotonic()
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        with pytest.raises((OSError, ssl.SSLError)):
            while time.monotonic() - began < 30:
                connection.sendall(requests)
                sent += len(requests)
    assert gateway.resident() - before < MOST_GROWTH
    with connect(gateway) as other:
        other.sendall(b"GET /health HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")
        assert statuses(read_to_end(other)[0]) == [200]


def test_pipelining_does_not_keep_others_waiting(gateway):
    stop = threading.Event()

    def attack():
        requests = (b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n") * 500
        with connect(gateway) as connection:
            connection.settimeout(5)

            def drain():
                try:
                    while connection.recv(1 << 20):
                        pass
                except (OSError, ValueError):
                    pass

            reader = threading.Thread(target=drain)
            reader.start()
            while not stop.is_set():
                try:
                    connection.sendall(requests)
                except (OSError, ssl.SSLError):
                    break
        reader.join()

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        with connect(gateway) as other:
            slowest = 0.0
            for _ in range(50):
                began = time.monotonic()
                other.sendall(b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n")
                assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
                slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1, f"{slowest:.2f} s"
    finally:
        stop.set()
        attacker.join()


def test_tiny_chunks_are_read_as_one_body(gateway):
    """The dearest way to send a body costs no memory beyond it."""
    body = b'{"messages":[{"role":"user","content":"' + b"x" * 100_000 + b'"}]}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    before = gateway.resident()
    with connect(gateway) as connection:
        fields = key(gateway) + b"Content-Type: application/json\r\nConnection: close\r\n\r\n"
        connection.sendall(CHUNKED + fields + chunks)
        received, in_order = read_to_end(connection)
        assert in_order and received.startswith(b"HTTP/1.1 200 ")
    assert gateway.resident() - before < MOST_GROWTH


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        pytest.param(b"GET /health HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", 200, id="h2c"),
        pytest.param(b"GET /health HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", 200, id="websocket"),
        pytest.param(b"GET /health HTTP/1.1\r\nUpgrade: TLS/1.0\r\n", 200, id="tls"),
        pytest.param(b"CONNECT localhost:443 HTTP/1.1\r\n", 400, id="connect"),
        pytest.param(b"PRI * HTTP/2.0\r\n", 505, id="preface"),
        pytest.param(b"GET /health HTTP/1.1\r\nExpect: 200-ok\r\n", 417, id="expectation"),
    ],
)
def test_no_other_protocol_begins(gateway, request_head, status):
    with connect(gateway) as connection:
        connection.sendall(request_head + HEAD + b"Connection: Upgrade, HTTP2-Settings, close\r\n\r\n")
        received, _ = read_to_end(connection)
        assert statuses(received) == [status]
        assert b"\r\nupgrade:" not in received.lower()


@pytest.mark.parametrize("text", [b"GET /health\r\n", b"GET /health\r\n\r\n", b"\r\n"])
def test_http_0_9_is_refused(gateway, text):
    with connect(gateway) as connection:
        connection.sendall(text + b"\r\n")
        received, _ = read_to_end(connection)
        assert statuses(received) == [400]


def test_served_afterwards(gateway):
    with connect(gateway) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")
        assert statuses(read_to_end(connection)[0]) == [200]

"""Clients that are slow on purpose: they are given a total time or a pace, and a trickle of bytes buys them nothing.

The gateway runs with short times, so that what takes half a minute by default takes a second or two here.
"""

import json
import socket
import ssl
import time

import pytest

from h2frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    PREFACE,
    H2,
    block,
    frame,
    settings,
)
from hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame, WindowUpdateFrame
from raw import connect, read_to_end, statuses
from servers import Gateway, eventually

SHORT = {
    "HANDSHAKE_TIMEOUT": "2s",
    "HEADER_TIMEOUT": "2s",
    "READ_TIMEOUT": "3s",
    "WRITE_TIMEOUT": "3s",
    "KEEPALIVE_TIMEOUT": "20s",
    "LOG_LEVEL": "debug",
}
# What a deadline of two or three seconds may take on a busy machine.
SOON = 8


@pytest.fixture(scope="module")
def simulator(own_simulator):
    return own_simulator


@pytest.fixture(scope="module")
def gateway(certificates, simulator, tmp_path_factory):
    running = Gateway(certificates, simulator, tmp_path_factory.mktemp("slow"), **SHORT)
    yield running
    assert running.stop() == 0, running.log()


def trickle(connection, piece: bytes, every: float = 0.3, at_most: float = 30) -> float:
    """Sends the piece again and again until the other side ends the connection; the seconds that took."""
    began = time.monotonic()
    connection.settimeout(every)
    while (elapsed := time.monotonic() - began) < at_most:
        try:
            connection.sendall(piece)
            if connection.recv(65536) == b"":
                return elapsed
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        except (ConnectionError, ssl.SSLError):
            return elapsed
    raise AssertionError(f"still open after {at_most} s")


def ended(gateway, reason: str) -> bool:
    return any(
        line.get("msg") == "connection failed" and line.get("reason") == reason
        for line in map(json.loads, filter(lambda text: text.startswith("{"), gateway.log().splitlines()))
    )


def head(gateway, *fields: str) -> bytes:
    known = ["Host: localhost", f"Authorization: Bearer {gateway.key}", "Content-Type: application/json"]
    return "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *known, *fields, "", ""]).encode()


def test_handshake_one_byte_at_a_time(gateway):
    """A ClientHello of 64 KiB in single bytes: no byte puts the end off."""
    with socket.create_connection(("127.0.0.1", gateway.port)) as plain:
        plain.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03")
        assert trickle(plain, b"\0") < SOON
    eventually(lambda: ended(gateway, "handshake_timeout"), 2, "the reason is logged")


def test_silence_after_the_handshake(gateway):
    for protocol in ["http/1.1", "h2"]:
        with connect(gateway, protocol) as connection:
            began = time.monotonic()
            read_to_end(connection)
            assert time.monotonic() - began < SOON
    eventually(lambda: ended(gateway, "silent"), 2, "the reason is logged")


def test_slow_headers_are_told_408(gateway):
    with connect(gateway) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        began = time.monotonic()
        received = b""
        connection.settimeout(0.3)
        while time.monotonic() - began < SOON:
            try:
                connection.sendall(b"a")
                if not (data := connection.recv(65536)):
                    break
                received += data
            except (TimeoutError, ssl.SSLError):
                continue
        assert statuses(received) == [408]
    eventually(lambda: ended(gateway, "header_timeout"), 2, "the reason is logged")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(PREFACE[:10], id="preface"),
        pytest.param(PREFACE + settings()[:4], id="settings"),
        pytest.param(PREFACE + settings() + frame(HEADERS, 0, 1, b"\x82\x87"), id="headers-without-end"),
    ],
)
def test_http2_head_that_never_ends(gateway, start):
    with connect(gateway, "h2") as connection:
        connection.sendall(start)
        began = time.monotonic()
        read_to_end(connection)
        assert time.monotonic() - began < SOON


def test_http2_continuations_now_and_then(gateway):
    with H2(gateway) as client:
        client.send(frame(HEADERS, 0, 1, block(client.fields())))
        assert trickle(client.socket, frame(9, 0, 1, block([(b"x", b"y")])), every=0.6) < SOON


def test_slow_body_is_told_408(gateway):
    with connect(gateway) as connection:
        connection.sendall(head(gateway, "Content-Length: 5000"))
        began = time.monotonic()
        received = b""
        connection.settimeout(0.4)
        while time.monotonic() - began < SOON + 2:
            try:
                connection.sendall(b"{")
                if not (data := connection.recv(65536)):
                    break
                received += data
            except (TimeoutError, ssl.SSLError):
                continue
        assert statuses(received) == [408]
        assert b'"request_timeout"' in received
    eventually(
        lambda: any(line.get("refusal") == "slow_body" for line in gateway.access_lines()), 2, "it is in the log"
    )


def test_slow_http2_body_is_told_408_and_the_connection_goes_on(gateway):
    with H2(gateway) as client:
        client.send(client.post(1))
        began = time.monotonic()
        client.socket.settimeout(0.4)
        status = None
        while status is None and time.monotonic() - began < SOON + 2:
            client.send(frame(DATA, 0, 1, b"{"))
            try:
                while got := client.next():
                    if isinstance(got, HeadersFrame) and got.stream_id == 1:
                        status = got.decoded[":status"]
                        break
            except TimeoutError:
                continue
        assert status == "408"
        client.socket.settimeout(10)
        client.expect_alive(3)


def test_steady_slow_body_is_served(gateway):
    """Above the least rate a body may take as long as it likes."""
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 3000}]}).encode()
    with connect(gateway) as connection:
        connection.sendall(head(gateway, f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 400):
            connection.sendall(body[start : start + 400])
            time.sleep(0.5)
        connection.settimeout(10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def long_answer():
    return {"messages": [{"role": "user", "content": "chunks=4000 size=2000 delay=0"}], "stream": True}


def test_client_that_never_reads_is_cut_off(gateway, simulator):
    """Its receive buffer is small, so that what it does not read waits in the gateway."""
    context = gateway.certificates.client_context()
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", gateway.port))
    body = json.dumps(long_answer()).encode()
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(head(gateway, f"Content-Length: {len(body)}") + body)
        eventually(
            lambda: any(line["outcome"] == "timeout" for line in gateway.access_lines()), SOON + 8, "it is cut off"
        )
    eventually(lambda: simulator.stats()["active"] == 0, 5, "Qwen is told")


def test_zero_window_ends_the_stream_only(gateway, simulator):
    with H2(gateway, settings((INITIAL_WINDOW_SIZE, 0))) as client:
        body = json.dumps(long_answer()).encode()
        client.send(client.post(1), frame(DATA, END_STREAM, 1, body))
        client.socket.settimeout(20)
        got = client.until(lambda got: isinstance(got, RstStreamFrame) and got.stream_id == 1)
        assert got is not None
        client.expect_ping()
    eventually(
        lambda: any(line.get("refusal") == "zero_window" for line in gateway.access_lines()), 3, "it is in the log"
    )
    eventually(lambda: simulator.stats()["active"] == 0, 5, "Qwen is told")


def test_quiet_stream_goes_on(gateway):
    """Two pieces, further apart than any time that a client gets."""
    body = json.dumps(
        {"messages": [{"role": "user", "content": "chunks=2 delay=6000"}], "stream": True}
    ).encode()
    with connect(gateway) as connection:
        connection.settimeout(30)
        connection.sendall(head(gateway, f"Content-Length: {len(body)}", "Connection: close") + body)
        received, in_order = read_to_end(connection)
        assert in_order and b"[DONE]" in received


# Before the key is accepted


@pytest.mark.parametrize("key", ["Authorization: Bearer wrong-key-wrong-key", "X-None: 1"])
def test_refused_request_is_not_told_to_continue(gateway, key):
    with connect(gateway) as connection:
        connection.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n{key}\r\nContent-Type: application/json\r\n"
            "Content-Length: 50000000\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        received, _ = read_to_end(connection)
        assert statuses(received) == [401]
        assert b"100 Continue" not in received


def test_refused_http2_request_gets_no_window(gateway):
    with H2(gateway) as client:
        fields = client.fields(b"POST", b"/v1/chat/completions", (b"authorization", b"Bearer wrong-key-wrong-key"))
        client.send(client.headers(1, fields, END_HEADERS))
        client.send(*(frame(DATA, 0, 1, b"x" * 16000) for _ in range(4)))
        assert client.response(1).status == 401
        client.expect_ping()
        updates = [got for got in client.frames if isinstance(got, WindowUpdateFrame) and got.stream_id == 1]
        assert updates == []
        assert any(isinstance(got, DataFrame) for got in client.frames)

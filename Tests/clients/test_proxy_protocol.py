"""Whose connection it is: the PROXY protocol and X-Forwarded-For, believed of trusted proxies and of nobody else."""

import socket
import ssl
import subprocess

import pytest

from curl import curl_command
from raw import read_to_end
from servers import Gateway, eventually

TRUSTED = {"TRUSTED_PROXIES": "127.0.0.0/8,::1", "LOG_LEVEL": "debug"}
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


@pytest.fixture(scope="module")
def simulator(own_simulator):
    return own_simulator


@pytest.fixture(scope="module")
def start(certificates, simulator, tmp_path_factory):
    """Starts gateways, one for each combination of settings."""
    started = {}

    def start(**settings):
        key = tuple(sorted(settings.items()))
        if key not in started:
            folder = tmp_path_factory.mktemp("proxied")
            started[key] = Gateway(certificates, simulator, folder, **settings)
        return started[key]

    yield start
    for running in started.values():
        assert running.stop() == 0, running.log()


def ask(gateway, before: bytes = b"", *fields: str, path="/health") -> bytes:
    """What comes back for a request behind these bytes; nothing where the connection ends."""
    try:
        # A refusal can come while it is still connecting.
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as plain:
            plain.sendall(before)
            with gateway.certificates.client_context().wrap_socket(plain, server_hostname="localhost") as connection:
                request = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
                connection.sendall("\r\n".join(request).encode())
                return read_to_end(connection)[0]
    except (ssl.SSLError, ConnectionError):
        return b""


def clients(gateway) -> list[str]:
    return [line["client"] for line in gateway.access_lines()]


def last_client(gateway, count: int) -> str:
    eventually(lambda: len(clients(gateway)) >= count, 5, "the request is in the log")
    return clients(gateway)[-1]


def binary(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


def of_ipv4(address: str, further: bytes = b"") -> bytes:
    return binary(0x21, 0x11, socket.inet_aton(address) + socket.inet_aton("198.51.100.1") + b"\0\1\0\2" + further)


def test_curl_sends_version_1(start):
    gateway = start(PROXY_PROTOCOL="v1", **TRUSTED)
    known = len(clients(gateway))
    command = curl_command(gateway, "--haproxy-protocol", "--haproxy-clientip", "192.0.2.9", f"{gateway.origin}/health")
    answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if "haproxy-clientip" in answer.stderr:  # An older curl sends its own address.
        command = curl_command(gateway, "--haproxy-protocol", f"{gateway.origin}/health")
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert last_client(gateway, known + 1) == "127.0.0.1"
    else:
        assert last_client(gateway, known + 1) == "192.0.2.9"
    assert answer.returncode == 0 and "ok" in answer.stdout


@pytest.mark.parametrize(
    ("mode", "header", "client"),
    [
        ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n", "192.0.2.7"),
        ("v1", b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7"),
        ("v1", b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        ("v2", of_ipv4("192.0.2.8"), "192.0.2.8"),
        ("v2", of_ipv4("192.0.2.8", b"\x04\x00\x20" + bytes(32)), "192.0.2.8"),
        ("v2", binary(0x20, 0, b""), "127.0.0.1"),
        ("on", b"PROXY TCP4 192.0.2.10 198.51.100.1 1 2\r\n", "192.0.2.10"),
        ("on", of_ipv4("192.0.2.11"), "192.0.2.11"),
    ],
)
def test_header_names_the_client(start, mode, header, client):
    gateway = start(PROXY_PROTOCOL=mode, **TRUSTED)
    known = len(clients(gateway))
    assert ask(gateway, header).startswith(b"HTTP/1.1 200 ")
    assert last_client(gateway, known + 1) == client


@pytest.mark.parametrize(
    ("mode", "header"),
    [
        ("v1", b""),
        ("v1", of_ipv4("192.0.2.8")),
        ("v2", b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n"),
        ("on", b""),
        ("on", b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"),
        ("on", b"PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n"),
        ("on", b"PROXY " + b"x" * 200),
        ("on", SIGNATURE + b"\x22\x11\x00\x00"),
    ],
)
def test_connection_without_the_header_ends(start, mode, header):
    gateway = start(PROXY_PROTOCOL=mode, **TRUSTED)
    known = len(clients(gateway))
    assert ask(gateway, header) == b""
    assert len(clients(gateway)) == known


def test_without_the_setting_a_header_is_junk(start):
    assert ask(start(**TRUSTED), b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n") == b""


def test_peer_that_is_not_trusted_is_refused(start):
    gateway = start(PROXY_PROTOCOL="on", TRUSTED_PROXIES="192.0.2.0/24", LOG_LEVEL="debug")
    assert ask(gateway, b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n") == b""
    assert ask(gateway) == b""
    eventually(lambda: '"untrusted_proxy"' in gateway.log(), 5, "the reason is logged")


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        (["X-Forwarded-For: 192.0.2.7"], "192.0.2.7"),
        (["X-Forwarded-For: 9.9.9.9, 192.0.2.7, 127.0.0.2"], "192.0.2.7"),
        (["X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: [2001:db8::7]:99"], "2001:db8::7"),
        (["X-Forwarded-For: 192.0.2.7, junk"], "127.0.0.1"),
        (["Forwarded: for=192.0.2.7", "X-Real-IP: 192.0.2.7"], "127.0.0.1"),
    ],
)
def test_forwarded_address_of_a_trusted_proxy(start, fields, client):
    gateway = start(**TRUSTED)
    known = len(clients(gateway))
    assert ask(gateway, b"", *fields).startswith(b"HTTP/1.1 200 ")
    assert last_client(gateway, known + 1) == client


def test_forwarded_address_of_anybody_else_is_none(start):
    gateway = start()
    known = len(clients(gateway))
    ask(gateway, b"", "X-Forwarded-For: 192.0.2.7")
    assert last_client(gateway, known + 1) == "127.0.0.1"


def test_proxy_protocol_needs_trusted_proxies(start):
    answer = start().command("check", PROXY_PROTOCOL="v1")
    assert answer.returncode == 78
    assert "PROXY_PROTOCOL" in answer.stdout + answer.stderr
    assert "TRUSTED_PROXIES" in answer.stdout + answer.stderr

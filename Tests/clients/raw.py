"""A TLS client that sends bytes as they are told, and reads what comes back."""

import re
import socket
import ssl

SECONDS = 10


def connect(gateway, protocol: str | None = "http/1.1", **options) -> ssl.SSLSocket:
    """A TLS connection to the gateway; without a protocol the client offers none."""
    context = gateway.certificates.client_context()
    if protocol:
        context.set_alpn_protocols([protocol])
    plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost", **options)


def read_to_end(connection) -> tuple[bytes, bool]:
    """All that comes until the connection ends, and whether it ended in order: with close_notify or FIN, unreset."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except (ConnectionResetError, ssl.SSLError):
        return received, False
    return received, True


def statuses(received: bytes) -> list[int]:
    """The status of each HTTP/1.1 response in the bytes, bodies being counted by Content-Length."""
    found = []
    while received:
        head, separator, rest = received.partition(b"\r\n\r\n")
        line = re.fullmatch(rb"HTTP/1\.1 (\d{3})( .*)?", head.split(b"\r\n")[0])
        assert separator and line, f"no response: {received[:200]}"
        found.append(int(line.group(1)))
        length = re.search(rb"(?im)^content-length: (\d+)\r?$", head)
        received = rest[int(length.group(1)) if length else 0 :]
    return found

"""More clients than there is room for: connections, memory, file descriptors."""

import json
import os
import resource
import socket
import ssl
import time

import pytest

from h2frames import H2
from hyperframe.frame import HeadersFrame
from raw import connect, read_to_end, statuses
from servers import eventually

REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def simulator(own_simulator):
    return own_simulator


def answer(connection) -> bytes:
    connection.sendall(REQUEST)
    return connection.recv(65536)


def streaming(gateway, chunks: int = 400, delay: int = 100):
    """A connection with a stream under way."""
    content = f"chunks={chunks} delay={delay}"
    body = json.dumps({"stream": True, "messages": [{"role": "user", "content": content}]}).encode()
    connection = connect(gateway)
    connection.sendall(
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    return connection


def test_past_the_limit_clients_are_told_when_to_return(new_gateway):
    gateway = new_gateway(MAX_CONNECTIONS="3", WORKERS="1")
    busy = [streaming(gateway) for _ in range(3)]
    with connect(gateway) as declined:
        declined.sendall(REQUEST)
        received, in_order = read_to_end(declined)
        assert statuses(received) == [503] and in_order
        assert b"retry-after: 5\r\n" in received.lower()
        assert b'"overloaded"' in received
    with H2(gateway) as declined:
        declined.send(declined.headers(1))
        assert declined.until(lambda got: isinstance(got, HeadersFrame)).decoded[":status"] == "503"
        declined.until(lambda got: False)
        assert declined.ended
    # A handful is told so; the others find the connection reset.
    silent = []
    with pytest.raises((ConnectionError, ssl.SSLError)):
        for _ in range(20):
            silent.append(connect(gateway))
    # The streams have not noticed.
    for connection in busy:
        assert connection.recv(65536)
    for connection in busy + silent:
        connection.close()
    eventually(lambda: answered(gateway), 10, "there is room again")
    eventually(lambda: logged(gateway, "connection_limit"), 5, "it is in the log")


def logged(gateway, refusal: str) -> bool:
    return any(line.get("refusal") == refusal for line in gateway.access_lines())


def answered(gateway) -> bool:
    try:
        with connect(gateway) as connection:
            return answer(connection).startswith(b"HTTP/1.1 200 ")
    except (ConnectionError, ssl.SSLError):
        return False


def test_idle_connection_makes_way(new_gateway):
    gateway = new_gateway(MAX_CONNECTIONS="2", WORKERS="1")
    with connect(gateway) as first, connect(gateway) as second:
        assert answer(first).startswith(b"HTTP/1.1 200 ")
        time.sleep(1.2)  # Within its first idle second a connection is not closed for another.
        assert answer(second).startswith(b"HTTP/1.1 200 ")
        assert answered(gateway)
        assert read_to_end(first) == (b"", True)
        assert answer(second).startswith(b"HTTP/1.1 200 ")


def test_address_has_its_share(new_gateway):
    gateway = new_gateway(MAX_CONNECTIONS_PER_ADDRESS="2", WORKERS="2")
    with connect(gateway) as first, connect(gateway):
        with pytest.raises((ConnectionError, ssl.SSLError)):
            connect(gateway)
        assert answer(first).startswith(b"HTTP/1.1 200 ")
    eventually(lambda: answered(gateway), 10, "there is room again")
    assert '"address_limit"' in gateway.log()


def test_memory_budget_refuses_bodies_before_they_are_read(new_gateway):
    gateway = new_gateway(MEMORY_BUDGET="2MiB", MAX_BODY_BYTES="2MiB", WORKERS="1")

    def post(length: int, *fields: str):
        connection = connect(gateway)
        known = [f"Authorization: Bearer {gateway.key}", "Content-Type: application/json", f"Content-Length: {length}"]
        request = ["POST /v1/messages HTTP/1.1", "Host: localhost", "anthropic-version: 2023-06-01", *known, *fields]
        connection.sendall("\r\n".join([*request, "", ""]).encode())
        return connection

    with post(1800 * 1024) as holder:
        holder.sendall(b" " * (1700 * 1024))

        def refused():
            with post(1000 * 1024, "Expect: 100-continue") as other:
                received = other.recv(65536)
                if received.startswith(b"HTTP/1.1 100 "):
                    return None
                return received + read_to_end(other)[0]

        received = eventually(refused, 5, "the budget is used up")
        assert statuses(received) == [503]
        assert b"retry-after: 5\r\n" in received.lower()
        # In the client's own shape.
        assert b'{"type":"error","error":{"type":' in received
        # What needs little is served all the same, and so is the first one.
        with connect(gateway) as small:
            assert answer(small).startswith(b"HTTP/1.1 200 ")
        holder.sendall(b" " * (100 * 1024))
        assert holder.recv(65536).startswith(b"HTTP/1.1 400 ")
    eventually(lambda: not refused(), 5, "what was held is free again")
    eventually(lambda: logged(gateway, "memory_budget"), 5, "it is in the log")


def test_without_descriptors_accepting_pauses(new_gateway):
    """The limit is lowered under the running gateway: it can open nothing more."""
    gateway = new_gateway(WORKERS="2")
    pid = gateway.process.pid
    stream = streaming(gateway)
    open_now = len(os.listdir(f"/proc/{pid}/fd"))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 6, before[1]))
    waiting = []
    try:
        # The system completes their TCP handshakes whether or not anyone accepts them.
        for _ in range(30):
            connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
            connection.setblocking(False)
            waiting.append(connection)
        eventually(lambda: '"no_descriptors"' in gateway.log(), 10, "it says so")
        spent, began = gateway.cpu_seconds(), time.monotonic()
        time.sleep(3)
        share = (gateway.cpu_seconds() - spent) / (time.monotonic() - began)
        assert share < 0.3, f"it spins: {share:.0%} of a core"
        # The stream goes on.
        for _ in range(3):
            assert stream.recv(65536)
        assert gateway.process.poll() is None
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        for connection in waiting:
            connection.close()
    eventually(lambda: answered(gateway), 10, "it accepts again")
    stream.close()


def test_many_idle_connections_cost_little(new_gateway):
    """As many as this machine lets one process have, up to 3000."""
    number = min(3000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 3)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2
    )
    gateway = new_gateway(MAX_CONNECTIONS="10000", HEADER_TIMEOUT="60s", READ_TIMEOUT="60s")

    context = gateway.certificates.client_context()
    context.set_alpn_protocols(["http/1.1"])
    before = gateway.resident()
    connections = []
    for _ in range(number):
        plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
        connections.append(context.wrap_socket(plain, server_hostname="localhost"))
    each = (gateway.resident() - before) / number
    assert each < 64 * 1024, f"{each / 1024:.0f} KiB for each"
    spent, began = gateway.cpu_seconds(), time.monotonic()
    time.sleep(2)
    assert (gateway.cpu_seconds() - spent) / (time.monotonic() - began) < 0.25
    assert answer(connections[0]).startswith(b"HTTP/1.1 200 ")
    for connection in connections:
        connection.close()

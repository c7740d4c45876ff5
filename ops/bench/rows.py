"""The rows of the table: each puts one kind of work on a proxy and says what one unit of it costs."""

import http.client
import json
import re
import resource
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from processes import CLIENT_KEY, LOAD_CORE, Proxy, Simulator, until

HEADERS = {"Authorization": f"Bearer {CLIENT_KEY}", "Content-Type": "application/json"}
PATH = "/v1/chat/completions"
MODEL = "qwen3-coder-plus"
SYSTEM = "You are a helpful assistant. "
BODY_BYTES, ANSWER_BYTES, CHUNK_BYTES = 330, 400, 300
CHUNKS, CHUNK_DELAY_MS, STREAMS = 100, 20, 100
# The first chunk leaves this long after a request, so that what comes before it is not counted.
FIRST_MS = 2500


@dataclass
class Bench:
    """What every row needs: the simulator, the folder with the certificates, and the requests."""

    simulator: Simulator
    folder: Path

    def __post_init__(self):
        self.tls = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        self.request = self.sized(lambda size: self.body(f"chunks=1 size={size}"), ANSWER_BYTES, len)
        self.stream_steering = self.sized(
            lambda size: f"chunks={CHUNKS} delay={CHUNK_DELAY_MS} size={size}",
            CHUNK_BYTES,
            lambda answer: len(sorted(re.split(rb"(?<=\n\n)", answer), key=len)[len(answer.split(b"\n\n")) // 2]),
            body=lambda steering: self.body(steering.replace(f"delay={CHUNK_DELAY_MS}", "delay=0"), stream=True),
        )

    def sized(self, make, wanted: int, measure, body=lambda made: made):
        """Makes a request whose answer has the wanted size, from the size of another answer."""
        size = 10 + wanted - measure(self.post(self.simulator.port, body(make(10))))
        if size < 1:
            raise ValueError(f"the simulator's answers are larger than {wanted} bytes")
        made = make(size)
        got = measure(self.post(self.simulator.port, body(made)))
        if abs(got - wanted) > 2:
            raise ValueError(f"the simulator's answer has {got} bytes, not {wanted}")
        return made

    @staticmethod
    def body(steering: str, stream: bool = False) -> bytes:
        def document(filling: int) -> bytes:
            messages = [
                {"role": "system", "content": SYSTEM.ljust(filling, "x")},
                {"role": "user", "content": steering},
            ]
            return json.dumps({"model": MODEL, "messages": messages, "stream": stream}).encode()

        return document(BODY_BYTES - len(document(0)) + len(SYSTEM))

    def post(self, port: int, body: bytes) -> bytes:
        """One request over HTTP/1.1; the body of its answer."""
        return self.answer(port, body)[0]

    def answer(self, port: int, body: bytes, path: str = PATH) -> tuple[bytes, str]:
        """The body and the reason phrase of an answer over HTTP/1.1."""
        connection = http.client.HTTPSConnection("localhost", port, context=self.tls, timeout=30)
        connection.request("POST", path, body, HEADERS | DIALECT_HEADERS.get(path, {}))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}: {text[:300]!r}")
        return text, answer.reason

    def active(self) -> int:
        """Requests that the simulator is answering."""
        connection = http.client.HTTPSConnection("localhost", self.simulator.port, context=self.tls, timeout=10)
        connection.request("GET", "/_simulator/stats")
        stats = json.load(connection.getresponse())
        connection.close()
        return stats["active"]

    def load(self, proxy: Proxy, body: bytes, *arguments: str, path: str = PATH) -> subprocess.Popen:
        data = self.folder / "request.json"
        data.write_bytes(body)
        command = ["taskset", "-c", str(LOAD_CORE), "h2load", "-t1", f"-d{data}", *arguments]
        command += [f"-H{name}: {value}" for name, value in (HEADERS | DIALECT_HEADERS.get(path, {})).items()]
        command += [f"https://localhost:{proxy.port}{path}"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @staticmethod
    def check(load: subprocess.Popen, requests: int, expected: tuple[bytes, str], http1: bool):
        """Every request got a 2xx answer, and every byte of it."""
        body, reason = expected
        output, _ = load.communicate(timeout=300)
        statuses = [int(count) for count in re.findall(r"(\d+) [2-5]xx", output)]
        data = re.search(r"traffic: .*\((\d+)\) data", output)
        clean = re.search(rf"{requests} done, \d+ succeeded, \d+ failed, 0 errored, 0 timeout", output)
        # Of an HTTP/1.1 answer without a reason phrase h2load does not see the status: there its length must do.
        unseen = http1 and not reason and statuses == [0, 0, 0, 0]
        if not clean or not (statuses == [requests, 0, 0, 0] or unseen):
            raise RuntimeError(f"h2load: not every request succeeded:\n{output[-1500:]}")
        if not data or int(data.group(1)) != requests * len(body):
            raise RuntimeError(f"h2load: not {requests} x {len(body)} bytes came:\n{output[-1500:]}")
        if "TLSv1.3" not in output:
            raise RuntimeError(f"h2load: not TLS 1.3:\n{output[:1000]}")


def microseconds(proxy: Proxy, before: int, ticks: int, units: int) -> float:
    used = proxy.settled(proxy.cpu_ns) - before
    ended_threads = proxy.ticks_ns() - ticks - used
    if ended_threads > max(0.02 * used, 40_000_000):
        raise RuntimeError(f"{proxy.name} ended threads while it was measured: {ended_threads / 1e6:.0f} ms uncounted")
    return used / 1000 / units


def requests(bench: Bench, proxy: Proxy, number: int, *arguments: str, body: bytes = b"", path: str = PATH) -> float:
    body = body or bench.request
    expected, http1 = bench.answer(proxy.port, body, path), "--h1" in arguments

    def run(count):
        bench.check(bench.load(proxy, body, f"-n{count}", *arguments, path=path), count, expected, http1)

    run(number // 10)
    before, ticks = proxy.settled(proxy.cpu_ns), proxy.ticks_ns()
    run(number)
    return microseconds(proxy, before, ticks, number)


def chunks(bench: Bench, proxy: Proxy, *arguments: str, make=Bench.body, path: str = PATH) -> float:
    """From when every request waits for its answer until every answer has come: chunks and nothing else."""
    expected = bench.answer(proxy.port, make(bench.stream_steering, stream=True), path)
    begun = time.monotonic()
    body = make(f"first={FIRST_MS} {bench.stream_steering}", stream=True)
    load = bench.load(proxy, body, f"-n{STREAMS}", *arguments, path=path)
    until(lambda: bench.active() == STREAMS, FIRST_MS / 1000, "all requests have reached the simulator")
    before, ticks = proxy.settled(proxy.cpu_ns, quiet=0.1), proxy.ticks_ns()
    if time.monotonic() - begun > FIRST_MS / 1000:
        load.kill()
        raise RuntimeError("the first chunk may have come before the measurement began")
    bench.check(load, STREAMS, expected, "--h1" in arguments)
    return microseconds(proxy, before, ticks, STREAMS * CHUNKS)


def handshakes(bench: Bench, proxy: Proxy, number: int) -> float:
    """Full handshakes one after the other, each closed at once; without HTTP/2, which would send SETTINGS."""
    tls = ssl.create_default_context(cafile=str(bench.folder / "ca.pem"))
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.set_alpn_protocols(["http/1.1"])

    def one():
        plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        with tls.wrap_socket(plain, server_hostname="localhost") as secure:
            if secure.session_reused or secure.version() != "TLSv1.3":
                raise RuntimeError(f"not a full TLS 1.3 handshake: {secure.version()}")
            try:
                secure.unwrap().close()
            except (ssl.SSLError, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise

    for _ in range(number // 10):
        one()
    before, ticks = proxy.settled(proxy.cpu_ns), proxy.ticks_ns()
    for _ in range(number):
        one()
    return microseconds(proxy, before, ticks, number)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, SETTINGS_ACK = b"\0\0\0\x04\0\0\0\0\0", b"\0\0\0\x04\x01\0\0\0\0"


def idle_connection(tls: ssl.SSLContext, port: int) -> ssl.SSLSocket:
    """An HTTP/2 connection on which both sides have acknowledged each other's SETTINGS."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    secure = tls.wrap_socket(plain, server_hostname="localhost")
    if secure.selected_alpn_protocol() != "h2":
        raise RuntimeError("HTTP/2 was not chosen")
    secure.sendall(PREFACE + SETTINGS)
    received, seen = b"", set()
    while seen != {0, 1}:
        if not (data := secure.recv(65536)):
            raise RuntimeError("the connection was closed")
        received += data
        while len(received) >= 9 and len(received) >= (end := 9 + int.from_bytes(received[:3], "big")):
            if received[3] == 4:
                seen.add(received[4] & 1)
                if not received[4] & 1:
                    secure.sendall(SETTINGS_ACK)
            received = received[end:]
    return secure


def idle_memory(bench: Bench, proxy: Proxy, number: int) -> float:
    """What each further idle connection adds, after the first tenth has warmed the allocator up."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tls = ssl.create_default_context(cafile=str(bench.folder / "ca.pem"))
    tls.set_alpn_protocols(["h2"])
    opened = [idle_connection(tls, proxy.port) for _ in range(number // 10)]
    before = proxy.settled(proxy.rss_kib, quiet=0.5)
    opened += [idle_connection(tls, proxy.port) for _ in range(number)]
    after = proxy.settled(proxy.rss_kib, quiet=0.5)
    for connection in opened:
        connection.close()
    return (after - before) / number


def messages_body(steering: str, stream: bool) -> bytes:
    messages = [{"role": "user", "content": steering}]
    return json.dumps(
        {"model": MODEL, "max_tokens": 1000, "system": SYSTEM, "messages": messages, "stream": stream}
    ).encode()


def responses_body(steering: str, stream: bool) -> bytes:
    return json.dumps({"model": MODEL, "instructions": SYSTEM, "input": steering, "stream": stream}).encode()


def completions_body(steering: str, stream: bool) -> bytes:
    return json.dumps({"model": MODEL, "prompt": steering, "stream": stream}).encode()


EMBEDDINGS = json.dumps(
    {"model": "text-embedding-v4", "input": "The food was delicious.", "dimensions": 64, "encoding_format": "base64"}
).encode()

DIALECT_HEADERS = {"/v1/messages": {"anthropic-version": "2023-06-01"}}


@dataclass
class Row:
    title: str
    unit: str
    run: object
    # Of what the gateway alone can do: the row of its peers that it is compared with.
    compared_with: str = ""


def dialect(name: str, make, path: str):
    """Chunks that the gateway translates; its peers can not."""
    return Row(
        f"chunk, 100 × 1 HTTP/2 streams, {name}",
        "µs",
        lambda b, p: chunks(b, p, "-c100", "-m1", make=make, path=path),
        compared_with="chunk-h2",
    )


ROWS = {
    "request-h2": Row("request, HTTP/2, `-c32 -m10`", "µs", lambda b, p: requests(b, p, 30_000, "-c32", "-m10")),
    "request-h1": Row("request, HTTP/1.1, `-c32`", "µs", lambda b, p: requests(b, p, 30_000, "--h1", "-c32")),
    "chunk-h2": Row("chunk, 100 connections × 1 HTTP/2 stream", "µs", lambda b, p: chunks(b, p, "-c100", "-m1")),
    "chunk-h2-shared": Row("chunk, 2 connections × 50 streams", "µs", lambda b, p: chunks(b, p, "-c2", "-m50")),
    "chunk-h1": Row("chunk, 100 HTTP/1.1 connections", "µs", lambda b, p: chunks(b, p, "--h1", "-c100")),
    "chunk-completions": dialect("completions", completions_body, "/v1/completions"),
    "chunk-responses": dialect("responses", responses_body, "/v1/responses"),
    "chunk-messages": dialect("messages", messages_body, "/v1/messages"),
    "request-embeddings": Row(
        "request, HTTP/2, embeddings of 64 dimensions",
        "µs",
        lambda b, p: requests(b, p, 10_000, "-c32", "-m10", body=EMBEDDINGS, path="/v1/embeddings"),
        compared_with="request-h2",
    ),
    "handshake": Row("full handshake, ECDSA P-256, TLS 1.3", "µs", lambda b, p: handshakes(b, p, 1000)),
    "idle-memory": Row("memory of an idle HTTP/2 connection", "KiB", lambda b, p: idle_memory(b, p, 2000)),
}

"""An upstream that is none of the gateway's own code: it keeps every request and answers with the bytes it is told."""

import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from recording_upstream import RecordingUpstream

EVENTS, JSON = "text/event-stream", "application/json"


@dataclass
class Request:
    """One that came, whole."""

    path: str
    fields: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict:
        return json.loads(self.body)

    @property
    def streams(self) -> bool:
        return self.document.get("stream") is True


@dataclass
class Answer:
    """The first bytes of a body, and how it ends."""

    body: bytes
    type: str = EVENTS
    status: int = 200
    # The response ends as HTTP wants it; else the connection ends, with TLS's farewell.
    is_clean: bool = True
    # Bytes of a write; zero sends all at once.
    piece: int = 0

    def writes(self):
        head = f"HTTP/1.1 {self.status} OK\r\nContent-Type: {self.type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        size = self.piece or max(len(self.body), 1)
        chunks = [self.body[start : start + size] for start in range(0, len(self.body), size)]
        yield head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks[:1])
        for chunk in chunks[1:]:
            yield b"%x\r\n%s\r\n" % (len(chunk), chunk)
        if self.is_clean:
            yield b"0\r\n\r\n"


class ScriptedUpstream(RecordingUpstream):
    """HTTP/1.1 over TLS, one thread a connection. `script` makes the answer of each request."""

    key = "sk-upstream-that-reads-from-a-script"

    def __init__(self, certificates, script: Callable[[Request], Answer] | None = None):
        self.script = script
        super().__init__(certificates)
        self.requests: list[Request] = []

    def _serve(self, plain):
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                with connection.makefile("rb", buffering=65536) as incoming:
                    while request := self._read(incoming):
                        self.requests.append(request)
                        answer = self.script(request)
                        for write in answer.writes():
                            connection.sendall(write)
                        if not answer.is_clean:
                            connection.unwrap()
                            return
        except (OSError, ssl.SSLError):
            pass

    @staticmethod
    def _read(incoming) -> Request | None:
        line = incoming.readline()
        if not line:
            return None
        fields = {}
        while (field := incoming.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        body = incoming.read(int(fields.get("content-length", 0)))
        return Request(line.split()[1].decode(), fields, body)

"""An upstream that is none of the gateway's own code: it keeps the raw bytes of each request and gives one answer."""

import json
import re
import socket
import ssl
import threading

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "recorded"}}
        ],
    }
).encode()


class RecordingUpstream:
    """HTTP/1.1 over TLS, one thread a connection. `requests` are the bytes of each, head and body."""

    key = "sk-upstream-of-another-make"

    def __init__(self, certificates):
        self.requests: list[bytes] = []
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
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                received = b""
                while True:
                    while (whole := self._request_length(received)) is None:
                        data = connection.recv(65536)
                        if not data:
                            return
                        received += data
                    self.requests.append(received[:whole])
                    received = received[whole:]
                    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    connection.sendall(head % len(ANSWER) + ANSWER)
        except OSError:
            return

    @staticmethod
    def _request_length(received: bytes) -> int | None:
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = re.search(rb"(?im)^content-length: (\d+)\r$", received[: end + 2])
        whole = end + 4 + int(length.group(1) if length else 0)
        return whole if len(received) >= whole else None

"""HTTP/1.1 requests that two parsers may read in two ways (RFC 9112, and the families that the HTTP Garden collects).

Each malformed one carries a valid second request behind it. It must be refused once, the connection must close, the
second request must never be answered, and Qwen's side must not see a byte.
"""

import re

import pytest

from raw import connect, read_to_end, statuses
from servers import eventually

BODY = b'{"messages":[{"role":"user","content":"x"}]}'
LENGTH = b"Content-Length: %d" % len(BODY)
LINE = b"POST /v1/chat/completions HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def request(
    front, *fields: bytes, line: bytes = LINE, host: bytes | None = b"Host: localhost", body: bytes = BODY
):
    given = [b"Authorization: Bearer " + front.key.encode(), b"Content-Type: application/json", *fields]
    return b"\r\n".join([line, *([host] if host is not None else []), *given, b"", b""]) + body


def exchange(front, sent: bytes):
    with connect(front) as connection:
        connection.sendall(sent)
        return read_to_end(connection)


def refused(name: str, *fields: bytes, status: int = 400, **parts):
    return pytest.param(fields, parts, status, id=name)


def chunked(name: str, body: bytes, status: int = 400):
    return refused(f"chunks-{name}", CHUNKED, body=body, status=status)


def one_chunk(size: bytes, end: bytes = b"\r\n", after: bytes = b"\r\n0\r\n\r\n") -> bytes:
    return size + end + BODY + after


SIZE = b"%x" % len(BODY)
REQUEST_LINES = {
    "two-spaces": b"POST  /v1/chat/completions HTTP/1.1",
    "two-spaces-before-version": b"POST /v1/chat/completions  HTTP/1.1",
    "tab": b"POST\t/v1/chat/completions HTTP/1.1",
    "tab-before-version": b"POST /v1/chat/completions\tHTTP/1.1",
    "leading-space": b" POST /v1/chat/completions HTTP/1.1",
    "trailing-space": b"POST /v1/chat/completions HTTP/1.1 ",
    "trailing-tab": b"POST /v1/chat/completions HTTP/1.1\t",
    "vertical-tab": b"POST\x0b/v1/chat/completions HTTP/1.1",
    "form-feed": b"POST\x0c/v1/chat/completions HTTP/1.1",
    "no-break-space": b"POST\xa0/v1/chat/completions HTTP/1.1",
    "carriage-return-inside": b"POST\r/v1/chat/completions HTTP/1.1",
    "nul-after-version": b"POST /v1/chat/completions HTTP/1.1\0",
    "nul-in-target": b"POST /v1/chat\0/completions HTTP/1.1",
    "space-in-target": b"POST /v1/chat/com pletions HTTP/1.1",
    "non-ascii-target": b"POST /v1/chat/completions\xc3\xa9 HTTP/1.1",
    "delete-in-target": b"POST /v1/chat/completions\x7f HTTP/1.1",
    "fragment": b"POST /v1/chat/completions#f HTTP/1.1",
    "bang-target": b"POST ! HTTP/1.1",
    "relative-target": b"POST v1/chat/completions HTTP/1.1",
    "asterisk-post": b"POST * HTTP/1.1",
    "empty-target": b"POST  HTTP/1.1",
    "no-target": b"POST HTTP/1.1",
    "no-version": b"POST /v1/chat/completions",
    "http-0.9": b"GET /health",
    "http-0.9-space": b"GET /health ",
    "lower-case-version": b"POST /v1/chat/completions http/1.1",
    "version-prefix": b"POST /v1/chat/completions HTTP/1.10",
    "version-suffix": b"POST /v1/chat/completions HTTP/1.1x",
    "version-leading-zero": b"POST /v1/chat/completions HTTP/01.1",
    "version-without-minor": b"POST /v1/chat/completions HTTP/1",
    "version-three-parts": b"POST /v1/chat/completions HTTP/1.1.1",
    "version-space": b"POST /v1/chat/completions HTTP/ 1.1",
    "version-letter": b"POST /v1/chat/completions HTTP/1.A",
    "version-0.9": b"POST /v1/chat/completions HTTP/0.9",
    "other-protocol": b"POST /v1/chat/completions HTTPS/1.1",
    "method-with-bracket": b"PO(ST /v1/chat/completions HTTP/1.1",
    "method-with-nul": b"PO\0ST /v1/chat/completions HTTP/1.1",
    "method-with-colon": b"POST: /v1/chat/completions HTTP/1.1",
    "method-non-ascii": b"P\xd6ST /v1/chat/completions HTTP/1.1",
    "connect": b"CONNECT localhost:443 HTTP/1.1",
    "absolute-other-host": b"POST https://other/v1/chat/completions HTTP/1.1",
    "absolute-userinfo": b"POST https://localhost@other/v1/chat/completions HTTP/1.1",
    "absolute-own-userinfo": b"POST https://user@localhost/v1/chat/completions HTTP/1.1",
    "absolute-no-host": b"POST https:///v1/chat/completions HTTP/1.1",
    "absolute-bad-port": b"POST https://localhost:x/v1/chat/completions HTTP/1.1",
    "absolute-other-scheme": b"POST ftp://localhost/v1/chat/completions HTTP/1.1",
    "absolute-scheme-only": b"POST https: HTTP/1.1",
    "two-empty-lines-first": b"\r\n\r\n" + LINE,
    "leading-line-feed": b"\n" + LINE,
    "leading-carriage-return": b"\r" + LINE,
    "leading-nul": b"\0" + LINE,
}
HOSTS = {
    "missing": None,
    "doubled": b"Host: localhost\r\nHost: localhost",
    "doubled-different": b"Host: localhost\r\nHost: other",
    "empty": b"Host:",
    "list": b"Host: localhost, other",
    "space-inside": b"Host: local host",
    "path": b"Host: localhost/x",
    "userinfo": b"Host: user@localhost",
    "fragment": b"Host: localhost#x",
    "port-too-large": b"Host: localhost:65536",
    "port-no-number": b"Host: localhost:8a",
    "port-signed": b"Host: localhost:+80",
    "port-doubled": b"Host: localhost:80:80",
    "bracket-open": b"Host: [::1",
    "bracket-empty": b"Host: []",
    "bracket-suffix": b"Host: [::1]x",
    "non-ascii": b"Host: localh\xf6st",
    "nul": b"Host: localhost\0",
    "percent": b"Host: local%68ost",
    "quote": b'Host: "localhost"',
}
FIELD_LINES = {
    "space-before-colon": b"X-Name : v",
    "tab-before-colon": b"X-Name\t: v",
    "space-in-name": b"X Name: v",
    "leading-space": b" X-Name: v",
    "obs-fold": b"X-Name: v\r\n more",
    "obs-fold-tab": b"X-Name: v\r\n\tmore",
    "obs-fold-empty": b"X-Name: v\r\n ",
    "no-name": b": v",
    "no-colon": b"X-Name",
    "nul-in-name": b"X-Na\0me: v",
    "non-ascii-name": b"X-N\xe4me: v",
    "at-in-name": b"X-N@me: v",
    "brackets-in-name": b"X[Name]: v",
    "quote-in-name": b'"X-Name": v',
    "carriage-return-in-name": b"X-Na\rme: v",
    "nul-in-value": b"X-Name: v\0w",
    "carriage-return-in-value": b"X-Name: v\rw",
    "carriage-return-at-end": b"X-Name: v\r",
    "line-feed-in-value": b"X-Name: v\nX-Other: w",
    "line-feed-framing": b"X-Name: v\nContent-Length: 0",
    "control-in-value": b"X-Name: v\x01w",
    "vertical-tab-in-value": b"X-Name: v\x0bw",
    "escape-in-value": b"X-Name: \x1b[2J",
    "delete-in-value": b"X-Name: v\x7fw",
    "bare-carriage-return-line": b"\rX-Name: v",
}
LENGTHS = {
    "plus": b"Content-Length: +%d",
    "minus": b"Content-Length: -%d",
    "hexadecimal": b"Content-Length: 0x%x",
    "underscore": b"Content-Length: %d_0",
    "decimal-point": b"Content-Length: %d.0",
    "exponent": b"Content-Length: %de0",
    "list-same": b"Content-Length: %d, %d",
    "list-other": b"Content-Length: %d,0",
    "trailing-letter": b"Content-Length: %da",
    "trailing-semicolon": b"Content-Length: %d;",
    "inner-space": b"Content-Length: 1 %d",
    "quoted": b'Content-Length: "%d"',
    "vertical-tab": b"Content-Length: \x0b%d",
    "no-break-space": b"Content-Length: %d\xa0",
    "name-with-space": b"Content-Length : %d",
    "name-with-nul": b"Content-Length\0: %d",
    "name-with-no-break-space": b"Content-Length\xa0: %d",
    "folded": b"Content-Length:\r\n %d",
    "doubled-same": b"Content-Length: %d\r\nContent-Length: %d",
    "doubled-other": b"Content-Length: %d\r\nContent-Length: 0",
    "doubled-other-first": b"Content-Length: 0\r\nContent-Length: %d",
    "doubled-empty": b"Content-Length: %d\r\nContent-Length:",
    "empty": b"Content-Length:",
    "not-a-number": b"Content-Length: many",
    "overflow-64": b"Content-Length: 18446744073709551660",
    "overflow-63": b"Content-Length: 9223372036854775808",
    "overflow-long": b"Content-Length: 1" + b"0" * 40,
    "utf-8-digits": "Content-Length: ４４".encode(),
}
CODINGS = {
    "twice-in-list": (b"Transfer-Encoding: chunked, chunked", 400),
    "twice": (CHUNKED + b"\r\n" + CHUNKED, 400),
    "gzip-first": (b"Transfer-Encoding: gzip, chunked", 501),
    "gzip-first-in-two-fields": (b"Transfer-Encoding: gzip\r\n" + CHUNKED, 501),
    "chunked-not-last": (b"Transfer-Encoding: chunked, gzip", 400),
    "chunked-then-identity": (CHUNKED + b"\r\nTransfer-Encoding: identity", 400),
    "identity": (b"Transfer-Encoding: identity", 501),
    "unknown": (b"Transfer-Encoding: xchunked", 501),
    "parameter": (b"Transfer-Encoding: chunked;q=1", 400),
    "quoted": (b'Transfer-Encoding: "chunked"', 400),
    "leading-vertical-tab": (b"Transfer-Encoding: \x0bchunked", 400),
    "trailing-form-feed": (b"Transfer-Encoding: chunked\x0c", 400),
    "trailing-no-break-space": (b"Transfer-Encoding: chunked\xa0", 400),
    "trailing-nul": (b"Transfer-Encoding: chunked\0", 400),
    "leading-comma": (b"Transfer-Encoding: ,chunked", 400),
    "trailing-comma": (b"Transfer-Encoding: chunked,", 400),
    "empty": (b"Transfer-Encoding:", 400),
    "space-inside": (b"Transfer-Encoding: chu nked", 400),
    "folded": (b"Transfer-Encoding:\r\n chunked", 400),
    "name-with-space": (b"Transfer-Encoding : chunked", 400),
    "name-with-tab": (b"Transfer-Encoding\t: chunked", 400),
    "line-feed-hidden": (b"X-Name: v\nTransfer-Encoding: chunked", 400),
    "carriage-return-hidden": (b"X-Name: v\rTransfer-Encoding: chunked", 400),
    "with-length-after": (CHUNKED + b"\r\n" + LENGTH, 400),
    "with-length-before": (LENGTH + b"\r\n" + CHUNKED, 400),
    "with-length-zero": (b"Content-Length: 0\r\n" + CHUNKED, 400),
    "other-coding-with-length": (b"Transfer-Encoding: gzip\r\n" + LENGTH, 501),
    "broken-with-length": (b"Transfer-Encoding: chunked\x0b\r\n" + LENGTH, 400),
}
MALFORMED = [
    *(refused(f"line-{name}", LENGTH, line=line) for name, line in REQUEST_LINES.items()),
    refused("line-version-2.0", LENGTH, line=b"POST /v1/chat/completions HTTP/2.0", status=505),
    refused("line-version-3.0", LENGTH, line=b"POST /v1/chat/completions HTTP/3.0", status=505),
    refused("line-preface-of-http2", line=b"PRI * HTTP/2.0", status=505),
    refused("line-too-long", LENGTH, line=b"POST /" + b"a" * 9000 + b" HTTP/1.1", status=414),
    *(refused(f"host-{name}", LENGTH, host=host) for name, host in HOSTS.items()),
    *(refused(f"field-{name}", LENGTH, field) for name, field in FIELD_LINES.items()),
    refused("field-before-the-first-name", LENGTH, line=LINE + b"\r\n X-Name: v"),
    refused("fields-too-many", LENGTH, *(b"X-%d: v" % number for number in range(101)), status=431),
    refused("fields-too-large", LENGTH, b"X-Name: " + b"v" * 70_000, status=431),
    *(
        refused(f"length-{name}", field.replace(b"%d", b"%d" % len(BODY)).replace(b"%x", SIZE))
        for name, field in LENGTHS.items()
    ),
    *(
        refused(f"coding-{name}", field, body=CHUNKS, status=status)
        for name, (field, status) in CODINGS.items()
    ),
    refused("coding-in-http-1.0", CHUNKED, line=b"POST /v1/chat/completions HTTP/1.0", body=CHUNKS),
    refused(
        "coding-and-length-in-http-1.0",
        CHUNKED,
        LENGTH,
        line=b"POST /v1/chat/completions HTTP/1.0",
        body=CHUNKS,
    ),
    refused("expectation", LENGTH, b"Expect: 200-ok", status=417),
    refused("line-feed-everywhere", body=b"", line=LINE + b"\nHost: localhost\n" + LENGTH + b"\n\n" + BODY),
    chunked("size-0x", one_chunk(b"0x" + SIZE)),
    chunked("size-plus", one_chunk(b"+" + SIZE)),
    chunked("size-minus", one_chunk(b"-" + SIZE)),
    chunked("size-underscore", one_chunk(b"0_" + SIZE)),
    chunked("size-leading-space", one_chunk(b" " + SIZE)),
    chunked("size-trailing-space", one_chunk(SIZE + b" ")),
    chunked("size-trailing-tab", one_chunk(SIZE + b"\t")),
    chunked("size-empty", one_chunk(b"")),
    chunked("size-no-hex", one_chunk(b"g")),
    chunked("size-suffix", one_chunk(SIZE + b"x")),
    chunked("size-quoted", one_chunk(b'"' + SIZE + b'"')),
    chunked("size-nul", one_chunk(SIZE + b"\0")),
    chunked("size-2^64", one_chunk(b"1" + b"0" * (16 - len(SIZE)) + SIZE)),
    chunked("size-2^63", one_chunk(b"8" + b"0" * (15 - len(SIZE)) + SIZE)),
    chunked("size-maximum", one_chunk(b"F" * 16)),
    chunked("size-many-zeros", one_chunk(b"0" * 20 + SIZE)),
    chunked("size-line-feed", one_chunk(SIZE, end=b"\n")),
    chunked("size-carriage-return", one_chunk(SIZE, end=b"\r")),
    chunked("size-two-carriage-returns", one_chunk(SIZE, end=b"\r\r\n")),
    chunked("extension-line-feed", one_chunk(SIZE + b";a\nb")),
    chunked("extension-carriage-return", one_chunk(SIZE + b";a\rb")),
    chunked("extension-nul", one_chunk(SIZE + b";a=\0")),
    chunked("extension-no-name", one_chunk(SIZE + b";")),
    chunked("extension-no-value", one_chunk(SIZE + b";a=")),
    chunked("extension-open-quote", one_chunk(SIZE + b';a="b')),
    chunked("extension-quote-hides-line", one_chunk(SIZE + b';a="\r\n0\r\n\r\n"')),
    chunked("extension-space", one_chunk(SIZE + b" ;a=b")),
    chunked("extension-comma", one_chunk(SIZE + b",a")),
    chunked("extension-too-long", one_chunk(SIZE + b";a=" + b"b" * 5000)),
    chunked("data-longer", one_chunk(b"%x" % (len(BODY) - 1))),
    chunked("data-without-end", one_chunk(SIZE, after=b"0\r\n\r\n")),
    chunked("data-end-line-feed", one_chunk(SIZE, after=b"\n0\r\n\r\n")),
    chunked("data-end-carriage-return", one_chunk(SIZE, after=b"\r0\r\n\r\n")),
    chunked("data-end-two-bytes", one_chunk(SIZE, after=b"xx0\r\n\r\n")),
    chunked("line-before", b"\r\n" + CHUNKS),
    chunked("last-line-feed", one_chunk(SIZE, after=b"\r\n0\n\n")),
    chunked("trailer-line-feed", one_chunk(SIZE, after=b"\r\n0\r\nX-Name: v\n\r\n")),
    chunked("trailer-space-before-colon", one_chunk(SIZE, after=b"\r\n0\r\nX-Name : v\r\n\r\n")),
    chunked("trailer-obs-fold", one_chunk(SIZE, after=b"\r\n0\r\nX-Name: v\r\n w\r\n\r\n")),
    chunked("trailer-no-colon", one_chunk(SIZE, after=b"\r\n0\r\nPOST / HTTP/1.1\r\n\r\n")),
    chunked("trailer-nul", one_chunk(SIZE, after=b"\r\n0\r\nX-Name: \0\r\n\r\n")),
    chunked(
        "trailers-too-many", one_chunk(SIZE, after=b"\r\n0\r\n" + b"X: v\r\n" * 101 + b"\r\n"), status=431
    ),
]


@pytest.mark.parametrize(("fields", "parts", "status"), MALFORMED)
def test_malformed_request_is_refused_and_nothing_follows(front, recording, fields, parts, status):
    seen = len(recording.requests)
    received, in_order = exchange(front, request(front, *fields, **parts) + request(front, LENGTH))
    assert statuses(received) == [status]
    assert in_order, "the connection was reset, or ended without close_notify"
    assert b"connection: close" in received.lower() or received.startswith(b"HTTP/1.0")
    assert b'{"error":{' in received
    assert len(recording.requests) == seen


def test_there_are_enough_of_them():
    assert len(MALFORMED) >= 200


CUT = {
    "line": LINE[:20],
    "head": LINE + b"\r\nHost: localhost\r\n",
    "body": (LENGTH, BODY[:-1]),
    "chunk": (CHUNKED, SIZE + b"\r\n" + BODY[:-1]),
    "chunk-end": (CHUNKED, SIZE + b"\r\n" + BODY),
    "last-chunk": (CHUNKED, SIZE + b"\r\n" + BODY + b"\r\n0\r\n"),
}


@pytest.mark.parametrize("part", CUT.values(), ids=CUT.keys())
def test_request_that_was_cut_short_is_never_forwarded(front, recording, part):
    seen = len(recording.requests)
    sent = part if isinstance(part, bytes) else request(front, part[0], body=part[1])
    with connect(front) as connection:
        connection.sendall(sent)
        connection.unwrap()
        assert read_to_end(connection)[0] == b""
    assert len(recording.requests) == seen


LEGAL = {
    "counted": ((LENGTH,), {}),
    "leading-zeros": ((b"Content-Length: 000%d" % len(BODY),), {}),
    "tabs-around-value": ((b"Content-Length:\t%d\t " % len(BODY),), {}),
    "chunked": ((CHUNKED,), {"body": CHUNKS}),
    "chunked-in-capitals": ((b"TRANSFER-ENCODING: CHUNKED",), {"body": CHUNKS}),
    "chunk-for-each-byte": (
        (CHUNKED,),
        {"body": b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"},
    ),
    "chunk-extensions": ((CHUNKED,), {"body": one_chunk(b"0" + SIZE + b';a;b=c;d="e;f\\""')}),
    "trailers": (
        (CHUNKED,),
        {"body": one_chunk(SIZE, after=b"\r\n0\r\nContent-Length: 3\r\nX-Name: v\r\n\r\n")},
    ),
    "one-empty-line-first": ((LENGTH,), {"line": b"\r\n" + LINE}),
    "absolute-target": ((LENGTH,), {"line": b"POST https://LOCALHOST:443/v1/chat/completions HTTP/1.1"}),
    "obs-text-in-value": ((LENGTH, b"X-Name: \xe9\xff"), {}),
    "hop-by-hop": (
        (LENGTH, b"Connection: x-secret, keep-alive", b"X-Secret: 1", b"TE: trailers", b"Upgrade: h2c"),
        {},
    ),
    "forwarding": (
        (LENGTH, b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=1.2.3.4", b"Via: 1.1 x", b"Cookie: a=b"),
        {},
    ),
    "underscores": ((LENGTH, b"Transfer_Encoding: chunked", b"Content_Length: 3"), {}),
}
# All that the gateway says to Qwen: built anew, never passed on.
FORWARDED = {"host", "authorization", "content-type", "content-length", "accept", "user-agent"}


@pytest.mark.parametrize(("fields", "parts"), LEGAL.values(), ids=LEGAL.keys())
def test_legal_request_arrives_in_canonical_form(front, recording, fields, parts):
    seen = len(recording.requests)
    with connect(front) as connection:
        connection.sendall(request(front, *fields, **parts) + request(front, LENGTH, b"Connection: close"))
        received, in_order = read_to_end(connection)
    assert statuses(received) == [200, 200] and in_order
    for raw in recording.requests[seen:]:
        head, _, body = raw.partition(b"\r\n\r\n")
        line, *lines = head.split(b"\r\n")
        assert line == LINE
        names = []
        for field in lines:
            assert re.fullmatch(rb"[!-9;-~]+: [ -~]*[!-~]", field)
            names.append(field.partition(b":")[0].decode().lower())
        assert len(names) == len(set(names)) and set(names) <= FORWARDED
        assert b"secret" not in head.lower() and b"1.2.3.4" not in head and front.key.encode() not in raw
        assert b"messages" in body
    eventually(lambda: len(recording.requests) == seen + 2, 5, "both requests were forwarded")


def test_pipelined_requests_are_answered_in_order(front):
    paths = [b"/health", b"/nowhere", b"/"] * 20
    sent = b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in paths)
    sent += b"HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with connect(front) as connection:
        connection.sendall(sent)
        received, in_order = read_to_end(connection)
    head = received[received.rindex(b"HTTP/1.1 200") :]
    assert head.endswith(b"\r\n\r\n") and b"content-length: 15" in head.lower(), (
        "HEAD has the length and no body"
    )
    assert statuses(received[: -len(head)]) == [200, 404, 200] * 20
    assert in_order

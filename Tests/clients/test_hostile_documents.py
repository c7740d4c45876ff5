"""Documents at the edge of what JSON is, in every dialect: from clients, and from Qwen."""

import base64
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from scripted_upstream import JSON, Answer, ScriptedUpstream
from servers import Gateway

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
HEAD = {"id": "c", "created": 1, "model": "m"}
DIGITS = "7" * 400


def escaped(text: bytes) -> bytes:
    return b'"' + text + b'"'


class Wire:
    """A dialect as raw JSON: where a text goes in, and where it comes out."""

    def __init__(self, path, request, whole, pieces):
        self.path, self.request, self.whole, self.pieces = path, request, whole, pieces

    def body(self, text: bytes = b'"hi"', more: bytes = b"", streams: bool = False) -> bytes:
        stream = b',"stream":true' if streams else b""
        return b'{"model":"qwen3-coder-plus",' + self.request.replace(b"TEXT", text) + stream + more + b"}"

    def text(self, answer: bytes, streams: bool) -> bytes:
        """The answer's text as it is written, with its escapes."""
        return b"".join(re.findall(self.pieces if streams else self.whole, answer))


STRING = rb'"((?:[^"\\]|\\.)*)"'
WIRES = {
    "chat": Wire(
        "/v1/chat/completions",
        b'"messages":[{"role":"user","content":TEXT}]',
        rb'"content":' + STRING,
        rb'"content":' + STRING,
    ),
    "completions": Wire("/v1/completions", b'"prompt":TEXT', rb'"text":' + STRING, rb'"text":' + STRING),
    "responses": Wire(
        "/v1/responses",
        b'"input":[{"role":"user","content":TEXT}]',
        rb'"type":"output_text","text":' + STRING,
        rb'"delta":' + STRING,
    ),
    "messages": Wire(
        "/v1/messages",
        b'"max_tokens":100,"messages":[{"role":"user","content":TEXT}]',
        rb'"type":"text","text":' + STRING,
        rb'"type":"text_delta","text":' + STRING,
    ),
}
EACH = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES.keys())
FORMS = pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])


def content(text: bytes, streams: bool, before: bytes = b"") -> Answer:
    """Qwen's answer with this text, a JSON string, and whatever comes first in it."""
    members = b",".join(b'"%s":%s' % (key.encode(), json.dumps(value).encode()) for key, value in HEAD.items())
    usage = json.dumps(USAGE).encode()
    if not streams:
        message = b'{"role":"assistant","content":%s}' % text
        choice = b'{"index":0,"finish_reason":"stop","message":%s}' % message
        return Answer(b'{%s%s,"choices":[%s],"usage":%s}' % (before, members, choice, usage), JSON)
    chunks = [
        b'{%s%s,"choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}' % (before, members, text),
        b'{%s,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}' % members,
        b'{%s,"choices":[],"usage":%s}' % (members, usage),
        b"[DONE]",
    ]
    return Answer(b"".join(b"data: %s\n\n" % chunk for chunk in chunks))


@pytest.fixture(scope="module")
def upstream(certificates):
    running = ScriptedUpstream(certificates)
    yield running
    running.close()


@pytest.fixture(scope="module")
def gateway(certificates, upstream, tmp_path_factory):
    running = Gateway(certificates, upstream, tmp_path_factory.mktemp("hostile"), WORKERS="1", MAX_BODY_BYTES="64MiB")
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture
def protocol():
    """What JSON is does not depend on it."""
    return "HTTP/2"


@pytest.fixture
def send(http, gateway, upstream):
    """Sends a body; the answer. Qwen says `hello` unless told otherwise."""
    upstream.script = lambda request: content(b'"hello"', request.streams)
    upstream.requests.clear()

    def post(path, body):
        fields = {
            "authorization": f"Bearer {gateway.key}",
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
        }
        return http.post(f"{gateway.origin}{path}", content=body, headers=fields)

    return post


def refused(answer, *words: str):
    assert answer.status_code == 400, answer.text[:300]
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert all(word in error["message"] for word in words), error["message"]


# MARK: Size


def image_parts(picture: bytes) -> dict[str, bytes]:
    url = b'"data:image/png;base64,' + picture + b'"'
    return {
        "chat": b'[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":%s}}]' % url,
        "responses": b'[{"type":"input_text","text":"see"},{"type":"input_image","image_url":%s,"detail":"auto"}]' % url,
        "messages": b'[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64",'
        b'"media_type":"image/png","data":"%s"}}]' % picture,
    }


def peak_memory(process) -> int:
    """The most bytes that were resident since the last call."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    return peak


def upload(gateway, upstream, path, body, folder, version):
    """Sends a large body with curl: Python's HTTP/2 would take minutes. What was answered, and what Qwen got."""
    upstream.script = lambda request: content(b'"hello"', request.streams)
    upstream.requests.clear()
    (folder / "body").write_bytes(body)
    fields = [f"authorization: Bearer {gateway.key}", "content-type: application/json", "anthropic-version: 2023-06-01"]
    command = ["curl", "--silent", "--show-error", version, "--cacert", gateway.certificates.ca]
    command += [part for field in fields for part in ("--header", field)]
    command += ["--data-binary", f"@{folder / 'body'}", "--write-out", "\n%{http_code}", f"{gateway.origin}{path}"]
    peak_memory(gateway.process)
    output = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
    answer, _, status = output.rpartition(b"\n")
    assert status == b"200", output[:300]
    assert peak_memory(gateway.process) < 64e6 + 3.5 * len(body)
    return json.loads(answer)


VERSIONS = pytest.mark.parametrize("version", ["--http1.1", "--http2"])


@VERSIONS
@pytest.mark.parametrize("name", ["chat", "responses", "messages"])
def test_picture_of_45_megabytes(gateway, upstream, tmp_path, name, version):
    """It reaches Qwen byte for byte, and takes a few times its size in memory at most."""
    picture = base64.b64encode(os.urandom(45_000_000))
    wire = WIRES[name]
    answer = upload(gateway, upstream, wire.path, wire.body(image_parts(picture)[name]), tmp_path, version)
    assert "hello" in json.dumps(answer)
    (request,) = upstream.requests
    sent = request.document["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in sent if part["type"] == "image_url"]
    assert [url.encode() == b"data:image/png;base64," + picture for url in urls] == [True]


@pytest.mark.parametrize("name", ["chat", "completions", "responses", "messages", "count_tokens"])
def test_text_of_60_megabytes(gateway, upstream, tmp_path, name):
    text = b"lorem ipsum " * 5_000_000
    wire = WIRES["messages" if name == "count_tokens" else name]
    path = "/v1/messages/count_tokens" if name == "count_tokens" else wire.path
    answer = upload(gateway, upstream, path, wire.body(escaped(text)), tmp_path, "--http1.1")
    if name == "count_tokens":
        assert answer["input_tokens"] > 1_000_000
    else:
        (request,) = upstream.requests
        assert request.document["messages"][-1]["content"] == text.decode()


@pytest.mark.parametrize("name", ["chat", "completions", "responses", "messages"])
def test_answer_of_20_megabytes(send, upstream, name):
    """Of a length that no model reaches, yet whole."""
    text = b"lorem ipsum " * 1_600_000
    upstream.script = lambda request: content(escaped(text), request.streams)
    answer = send(WIRES[name].path, WIRES[name].body())
    assert answer.status_code == 200
    assert WIRES[name].text(answer.content, False) == text


# MARK: Depth


@EACH
@pytest.mark.parametrize("depth", [10_000, 1_000_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_depth(send, wire, depth, brackets):
    opening, closing = brackets
    nested = opening * depth + b"1" + closing * depth
    refused(send(wire.path, wire.body(more=b',"x":' + nested)), "nested")
    refused(send(wire.path, wire.body(nested)), "nested")
    refused(send(wire.path, wire.body(more=b',"x":' + opening * depth)), "nested")
    assert send(wire.path, wire.body()).status_code == 200


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/embeddings"])
def test_depth_elsewhere(send, path):
    for depth in (10_000, 1_000_000):
        refused(send(path, b'{"model":"m","input":' + b"[" * depth + b"]" * depth + b"}"), "nested")


@EACH
@FORMS
def test_depth_from_qwen(send, upstream, wire, streams):
    deep = b'"x":' + b"[" * 100_000 + b"]" * 100_000 + b","
    upstream.script = lambda request: content(b'"hello"', request.streams, before=deep)
    answer = send(wire.path, wire.body(streams=streams))
    assert answer.status_code == 502, answer.text[:300]
    upstream.script = lambda request: content(b'"hello"', request.streams)
    assert send(wire.path, wire.body(streams=streams)).status_code == 200


# MARK: Keys


@EACH
@pytest.mark.parametrize(
    "more", [b',"model":"a"', b',"mod\\u0065l":"a"', b',"x":1,"x":2', b',"\\u0078":1,"x":2', b',"stream":false,"stream":true']
)
def test_key_that_stands_twice(send, upstream, wire, more):
    refused(send(wire.path, wire.body(more=more)), "twice")
    assert not upstream.requests


@EACH
def test_escaped_key_is_the_key(send, upstream, wire):
    body = wire.body(streams=True).replace(b'"stream"', b'"str\\u0065am"').replace(b'"model"', b'"\\u006dodel"')
    answer = send(wire.path, body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert upstream.requests[-1].document["model"] == "qwen3-coder-plus"


@EACH
@FORMS
def test_escaped_keys_from_qwen(send, upstream, wire, streams):
    """They are the keys that they stand for."""

    def answer(request):
        plain = content(b'"hello"', request.streams)
        for key in ("choices", "delta", "message", "content", "finish_reason", "usage", "prompt_tokens"):
            plain.body = plain.body.replace(f'"{key}"'.encode(), f'"\\u{ord(key[0]):04x}{key[1:]}"'.encode())
        return plain

    upstream.script = answer
    got = send(wire.path, wire.body(streams=streams))
    assert got.status_code == 200, got.text
    text = re.sub(rb"\\u00([67][0-9a-f])", lambda escape: bytes.fromhex(escape.group(1).decode()), got.content)
    assert wire.text(text, streams) == b"hello"


@EACH
@FORMS
def test_key_that_stands_twice_from_qwen(send, upstream, wire, streams):
    """The last one counts, as it does for clients that read Qwen's own answer."""
    upstream.script = lambda request: content(b'"first","content":"hello"', request.streams)
    got = send(wire.path, wire.body(streams=streams))
    assert got.status_code == 200, got.text
    # Chat completions pass it on as it is.
    assert wire.text(got.content, streams) == (b"firsthello" if "chat" in wire.path else b"hello")


# MARK: Numbers


@pytest.mark.parametrize("number", [DIGITS, f"-0.{DIGITS}", f"{DIGITS}e-399", "1E400"])
def test_number_of_400_digits_goes_to_qwen(send, upstream, number):
    answer = send("/v1/chat/completions", WIRES["chat"].body(more=b',"unknown":[%s]' % number.encode()))
    assert answer.status_code == 200, answer.text
    assert f'"unknown":[{number}]'.encode() in upstream.requests[-1].body


@EACH
def test_temperature_of_400_digits_goes_to_qwen(send, upstream, wire):
    number = b"0." + DIGITS.encode()
    answer = send(wire.path, wire.body(more=b',"temperature":' + number))
    assert answer.status_code == 200, answer.text
    assert b'"temperature":' + number in upstream.requests[-1].body


@EACH
def test_limit_of_400_digits_is_no_crash(send, wire):
    body = wire.body(more=b"").replace(b'"max_tokens":100,', b"")
    name = b"max_output_tokens" if "responses" in wire.path else b"max_tokens"
    for number in (DIGITS, f"-{DIGITS}", f"1.{DIGITS}", "1e999"):
        answer = send(wire.path, body[:-1] + b',"%s":%s}' % (name, number.encode()))
        assert answer.status_code in (200, 400), answer.text


# MARK: Text


SURROGATES = [rb"\ud800", rb"a\udc00b", rb"\ud800\ud800", rb"\ud83d\ude00 \ude00\ud83d"]


@EACH
@FORMS
@pytest.mark.parametrize("text", SURROGATES)
def test_lone_surrogate(send, upstream, wire, streams, text):
    """It is kept as it is written, both ways."""
    upstream.script = lambda request: content(escaped(text), request.streams)
    answer = send(wire.path, wire.body(escaped(text), streams=streams))
    assert answer.status_code == 200, answer.text
    assert escaped(text) in upstream.requests[-1].body
    assert wire.text(answer.content, streams) == text


NOT_UTF8 = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"]


@EACH
@pytest.mark.parametrize("text", NOT_UTF8, ids=[text.hex() for text in NOT_UTF8])
def test_invalid_utf8(send, upstream, wire, text):
    refused(send(wire.path, wire.body(escaped(text))), "UTF-8")
    refused(send(wire.path, wire.body(more=b',"x":"%s"' % text)), "UTF-8")
    refused(send(wire.path, wire.body(more=b',"%s":1' % text)), "UTF-8")
    assert not upstream.requests


@EACH
@FORMS
@pytest.mark.parametrize("text", NOT_UTF8, ids=[text.hex() for text in NOT_UTF8])
def test_invalid_utf8_from_qwen(send, upstream, wire, streams, text):
    upstream.script = lambda request: content(escaped(text), request.streams)
    answer = send(wire.path, wire.body(streams=streams))
    assert answer.status_code == 502, answer.text
    assert text not in answer.content


@EACH
@FORMS
@pytest.mark.parametrize("text", [rb"\u0000", rb"\u2028\u2029", rb"\\\"\/\b\f\n\r\t", "é😀\u2028".encode(), b"\x7f"])
def test_odd_characters(send, upstream, wire, streams, text):
    upstream.script = lambda request: content(escaped(text), request.streams)
    answer = send(wire.path, wire.body(escaped(text), streams=streams))
    assert answer.status_code == 200, answer.text
    assert escaped(text) in upstream.requests[-1].body
    assert wire.text(answer.content, streams) == text

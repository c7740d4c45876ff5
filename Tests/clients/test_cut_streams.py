"""Answers of Qwen's, recorded and cut at each of their bytes: every SDK raises each time, in every dialect."""

import json

import pytest

from scripted_upstream import JSON, Answer, ScriptedUpstream
from servers import Gateway
from test_broken_upstream import DIALECTS, ERRORS, Completions


def frame(document: dict) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: dict, reason: str | None = None) -> bytes:
    return frame({"choices": [{"delta": delta, "finish_reason": reason, "index": 0}], "created": 1, "model": "m", "id": "c"})


def call(arguments: str, **more) -> dict:
    return {"tool_calls": [{"index": 0, "function": {"arguments": arguments} | more.pop("function", {}), **more}]}


def document(message: dict, reason: str = "stop") -> bytes:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant"} | message}
    whole = {"id": "c", "created": 1, "model": "m", "object": "chat.completion", "choices": [choice], "usage": USAGE}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
COUNTS = frame({"choices": [], "usage": USAGE, "created": 1, "model": "m", "id": "c"})
DONE = b"data: [DONE]\n\n"
"""Streams without their markers."""
STREAMS = {
    "text": chunk({"role": "assistant", "content": "Grüß"}) + chunk({"content": "e"}) + chunk({}, "stop") + COUNTS,
    "reasoning": chunk({"reasoning_content": "Hm"}) + chunk({"content": "a"}) + chunk({}, "stop") + COUNTS,
    "calls": chunk(call("", id="a", type="function", function={"name": "f"}))
    + chunk(call('{"city":'))
    + chunk(call('"Rom"}'))
    + chunk({}, "tool_calls")
    + COUNTS,
}
DOCUMENTS = {
    "text": document({"content": "Grüße"}),
    "reasoning": document({"content": "a", "reasoning_content": "Hm"}),
    "calls": document(
        {"content": "", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        "tool_calls",
    ),
}
KINDS = pytest.mark.parametrize("kind", STREAMS)
PROTOCOL = pytest.mark.parametrize("protocol", ["HTTP/2"], indirect=True)


def script(request) -> Answer:
    """The last message says what is sent, how much of it, and whether its response ends cleanly."""
    asked = request.document["messages"][-1]["content"]
    kind, place, manner = (asked if isinstance(asked, str) else asked[0]["text"]).split()
    body = STREAMS[kind] + DONE if request.streams else DOCUMENTS[kind]
    type_ = "text/event-stream" if request.streams else JSON
    return Answer(body[: int(place)], type_, is_clean=manner == "clean")


@pytest.fixture(scope="module")
def gateway(certificates, tmp_path_factory):
    upstream = ScriptedUpstream(certificates, script)
    running = Gateway(certificates, upstream, tmp_path_factory.mktemp("cut"), WORKERS="1")
    yield running
    assert running.stop() == 0, running.log()
    upstream.close()


@pytest.fixture
def outcome(sdk, claude, gateway, dialect, kind):
    """Asks for a cut answer: the exception, or else whether it looks like a whole one."""
    if dialect is Completions and kind == "calls":
        pytest.skip("has no tools")
    clients = sdk(gateway), claude(gateway)

    def get(place: int, is_clean: bool, form: str = "stream"):
        try:
            answer = dialect.ask(*clients, form, f"{kind} {place} {'clean' if is_clean else 'abrupt'}")
            return any([dialect.is_end(event) for event in answer]) if form == "stream" else True
        except ERRORS as error:
            return error

    return get


@DIALECTS
@KINDS
@PROTOCOL
def test_stream_cut_at_each_byte(outcome, dialect, kind):
    """Where nothing is missing but the marker, a clean end counts as one: some of Qwen's servings send none.

    All streams end alike: the end of one is cut.
    """
    counted = STREAMS[kind]
    whole = counted + DONE
    for place in range(len(whole) if kind == "text" else whole.index(COUNTS)):
        is_clean = place % 2 == 1 or place > len(whole) - 40
        got = outcome(place, is_clean)
        is_whole = place == len(counted) and is_clean
        assert (got is True) if is_whole else isinstance(got, ERRORS), f"{place} {is_clean}: {got}"
    for place in range(len(counted) - 2, len(whole)):
        assert isinstance(outcome(place, is_clean=False), ERRORS), place
    for is_clean in (False, True):
        assert outcome(len(whole), is_clean) is True


@DIALECTS
@KINDS
@PROTOCOL
@pytest.mark.parametrize("form", ["assembled", "whole"])
def test_document_cut_at_each_byte(outcome, dialect, kind, form):
    """A client that does not stream: Qwen's answer is a document, or a stream that the gateway puts together."""
    body = STREAMS[kind] if form == "assembled" else DOCUMENTS[kind]
    for place in range(len(body) if kind == "text" else body.index(b"usage")):
        got = outcome(place, place % 2 == 1, form)
        assert isinstance(got, ERRORS), f"{place}: {got}"
    assert isinstance(outcome(len(body), False, form), ERRORS)
    assert outcome(len(body), True, form) is True

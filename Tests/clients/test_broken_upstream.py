"""An answer of Qwen's that breaks: every SDK raises, in every dialect, and nothing looks complete."""

import anthropic
import httpx
import httpx2
import openai
import pytest

from chat import EACH_VERSION, MODEL, THINKER, ask

"""What the libraries raise. Anthropic's passes on what its HTTP client raises in mid-stream."""
ERRORS = (openai.APIError, anthropic.AnthropicError, httpx.HTTPError, httpx2.HTTPError)
FAULTS = [f"fail={kind}@{place}" for kind in ("cut", "reset", "end", "middle", "error") for place in (0, 3)]
"""All of the text has come, but not the end; or half of the end."""
LATE = ["fail=cut@9", "fail=end@9", "fail=middle@9"]
EVENTS = [
    f"error=allocation-quota envelope={envelope} at={place}"
    for envelope in ("E3", "E4", "E5", "E7", "E8", "E9")
    for place in (0, 3)
]
"""How an answer comes: streamed, put together of a stream, or whole from Qwen."""
FORMS = ["stream", "assembled", "whole"]


class Chat:
    @staticmethod
    def ask(openai_, anthropic_, form, steering):
        model = THINKER if form == "assembled" else MODEL
        return openai_.chat.completions.create(model=model, messages=ask(steering), stream=form == "stream")

    @staticmethod
    def is_end(chunk):
        return any(choice.finish_reason for choice in chunk.choices)


class Completions:
    @staticmethod
    def ask(openai_, anthropic_, form, steering):
        more = {"extra_body": {"enable_thinking": True}} if form == "assembled" else {}
        model = THINKER if form == "assembled" else MODEL
        return openai_.completions.create(model=model, prompt=steering, stream=form == "stream", **more)

    is_end = Chat.is_end


class Responses:
    @staticmethod
    def ask(openai_, anthropic_, form, steering):
        model = THINKER if form == "assembled" else MODEL
        return openai_.responses.create(model=model, input=steering, stream=form == "stream")

    @staticmethod
    def is_end(event):
        return event.type in ("response.completed", "response.incomplete")


class Messages:
    @staticmethod
    def ask(openai_, anthropic_, form, steering):
        model = THINKER if form == "assembled" else MODEL
        return anthropic_.messages.create(
            model=model, max_tokens=1000, messages=ask(steering), stream=form == "stream"
        )

    @staticmethod
    def is_end(event):
        return event.type in ("message_delta", "message_stop")


DIALECTS = pytest.mark.parametrize("dialect", [Chat, Completions, Responses, Messages])


def expect_break(dialect, openai_, anthropic_, form, steering, shows_reason=False):
    received = []
    with pytest.raises(ERRORS):
        answer = dialect.ask(openai_, anthropic_, form, steering)
        assert form == "stream", answer
        for event in answer:
            received.append(event)
    assert shows_reason or not any(dialect.is_end(event) for event in received)


@DIALECTS
@pytest.mark.parametrize("fault", FAULTS)
def test_broken_stream(sdk, claude, gateway, dialect, fault):
    """With either protocol on either side."""
    expect_break(dialect, sdk(gateway), claude(gateway), "stream", f"chunks=9 {fault}")


@EACH_VERSION
@DIALECTS
@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("fault", ["fail=cut@3", "fail=reset@3", "fail=end@3", "fail=error@0", "fail=middle@3"])
def test_broken_answer(sdk, claude, gateway, dialect, form, fault):
    expect_break(dialect, sdk(gateway), claude(gateway), form, f"chunks=9 think=0 {fault}")


@EACH_VERSION
@DIALECTS
@pytest.mark.parametrize("form", FORMS[:2])
@pytest.mark.parametrize("fault", LATE)
def test_break_at_the_end(sdk, claude, gateway, dialect, form, fault):
    """Chunks say why they end as soon as Qwen does; the SDK raises all the same."""
    shows = dialect in (Chat, Completions) and "middle" in fault
    expect_break(dialect, sdk(gateway), claude(gateway), form, f"chunks=9 think=0 {fault}", shows_reason=shows)


@DIALECTS
@pytest.mark.parametrize("fault", EVENTS)
@pytest.mark.parametrize(("simulator", "protocol"), [("h2", "HTTP/1.1")], indirect=True)
def test_error_event(sdk, claude, gateway, dialect, fault):
    expect_break(dialect, sdk(gateway), claude(gateway), "stream", f"chunks=9 {fault}")


@DIALECTS
@pytest.mark.parametrize(("simulator", "protocol"), [("http/1.1", "HTTP/2")], indirect=True)
def test_broken_tool_call(sdk, gateway, claude, dialect):
    if dialect is Completions:
        pytest.skip("has no tools")
    function = {"name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    with pytest.raises(ERRORS):
        if dialect is Messages:
            tools = [{"name": "f", "input_schema": function["parameters"]}]
            with claude(gateway).messages.stream(
                model=MODEL, max_tokens=9, messages=ask("call=1 args-pieces=5 fail=cut@4"), tools=tools
            ) as stream:
                stream.get_final_message()
        elif dialect is Responses:
            with sdk(gateway).responses.stream(
                model=MODEL, input="call=1 args-pieces=5 fail=cut@4", tools=[{"type": "function", **function}]
            ) as stream:
                stream.get_final_response()
        else:
            with sdk(gateway).chat.completions.stream(
                model=MODEL,
                messages=ask("call=1 args-pieces=5 fail=cut@4"),
                tools=[{"type": "function", "function": function}],
            ) as stream:
                stream.get_final_completion()


@DIALECTS
@pytest.mark.parametrize(("simulator", "protocol"), [("h2", "HTTP/2")], indirect=True)
def test_gateway_serves_on(sdk, claude, gateway, dialect):
    for _ in range(5):
        expect_break(dialect, sdk(gateway), claude(gateway), "stream", "chunks=9 fail=reset@3")
        assert any(dialect.is_end(event) for event in dialect.ask(sdk(gateway), claude(gateway), "stream", "chunks=2"))

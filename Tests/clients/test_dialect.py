"""Qwen's dialect made safe: what the OpenAI SDK puts together is what OpenAI's own answer would give."""

import json

import pytest

from chat import MODEL, ask

THINKER = "qwen3.7-plus"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    for name in ("get_weather", "get_time")
]


@pytest.mark.parametrize(
    "quirks", ["", "quirk=clean", "quirk=null", "quirk=reuse-index", "quirk=replay", "quirk=interleave"]
)
def test_tool_calls_are_put_together_by_the_sdk(sdk, gateway, quirks):
    messages = ask(f"call=2 args-pieces=4 {quirks}")
    with sdk(gateway).chat.completions.stream(model=MODEL, messages=messages, tools=TOOLS) as stream:
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert len({call.id for call in calls}) == 2
    for call in calls:
        assert "city" in json.loads(call.function.arguments)


def test_later_deltas_of_a_tool_call_have_no_empty_id_or_name(sdk, gateway):
    stream = sdk(gateway).chat.completions.create(
        model=MODEL, messages=ask("call=2 args-pieces=5"), tools=TOOLS, stream=True
    )
    seen = set()
    for chunk in stream:
        for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            first = call.index not in seen
            seen.add(call.index)
            assert bool(call.id) == first
            assert bool(call.function.name) == first
            given = call.model_dump(exclude_unset=True)
            assert first or ("id" not in given and "name" not in given["function"])
    assert seen == {0, 1}


@pytest.mark.parametrize("model", [f"{THINKER}:thinking", "qwq-plus", "qwen3-235b-a22b-thinking-2507"])
def test_thinking_without_streaming(sdk, gateway, model):
    """Qwen thinks in streams only: the gateway puts the answer together."""
    answer = sdk(gateway).chat.completions.create(model=model, messages=ask("chunks=20 size=10 think=5"))
    message = answer.choices[0].message
    assert answer.object == "chat.completion"
    assert answer.choices[0].finish_reason == "stop"
    assert len(message.content) == 200
    assert message.reasoning_content
    assert answer.usage.total_tokens > 0


def test_model_suffixes(sdk, gateway):
    def thoughts(model):
        answer = sdk(gateway).chat.completions.create(model=model, messages=ask("chunks=3"))
        return getattr(answer.choices[0].message, "reasoning_content", None)

    assert thoughts(f"{THINKER}:thinking")
    assert not thoughts(f"{THINKER}:no-think")


@pytest.mark.parametrize("usage", ["asked", "always", "finish"])
@pytest.mark.parametrize("asked", [True, False], ids=["asked", "unasked"])
def test_usage_follows_the_request(sdk, gateway, usage, asked):
    options = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(
        sdk(gateway).chat.completions.create(
            model=MODEL, messages=ask(f"chunks=3 usage={usage}"), stream=True, **options
        )
    )
    if not asked:
        assert not any("usage" in chunk.model_dump(exclude_unset=True) for chunk in chunks)
        assert all(chunk.choices for chunk in chunks)
        return
    assert chunks[-1].usage.total_tokens > 0 and chunks[-1].choices == []
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks[:-1])


def test_partial_answer_ends_for_its_length(sdk, gateway):
    answer = sdk(gateway).chat.completions.create(model=MODEL, messages=ask("chunks=5 partial=on"))
    assert answer.choices[0].finish_reason == "length"


def test_developer_role_and_new_names_are_understood(sdk, gateway):
    answer = sdk(gateway).chat.completions.create(
        model=MODEL,
        messages=[{"role": "developer", "content": "Be brief."}, *ask("chunks=2")],
        max_completion_tokens=100,
        tools=[],
    )
    assert answer.choices[0].message.content


def test_forced_tool_choice_while_thinking(sdk, gateway):
    answer = sdk(gateway).chat.completions.create(
        model=f"{THINKER}:thinking", messages=ask("call=1"), tools=TOOLS, tool_choice="required"
    )
    assert answer.choices[0].message.tool_calls


@pytest.mark.parametrize(
    "framing",
    ["split=1-7", "eol=crlf", "space=off", "heartbeat=1", "finish=two", "role=null", "done=off", "native=on"],
)
def test_text_is_the_same_however_it_is_framed(sdk, gateway, framing):
    stream = sdk(gateway).chat.completions.create(
        model=MODEL, messages=ask(f"chunks=20 text=日本{{}}é {framing}"), stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "日本{}é" * 20

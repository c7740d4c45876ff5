"""Random answers of an upstream of another make: each dialect's text, reasoning, tool arguments and usage are its own."""

import json
import random
from dataclasses import dataclass, field

import pytest

from chat import CITY, MODEL, THINKER, ask, valid
from responses import check_events
from scripted_upstream import JSON, Answer, ScriptedUpstream
from servers import Gateway
from test_messages_dialect import check_events as check_message_events

SEEDS = range(24)
TEXTS = ["Grüß ", "日本", "😀", "\u2028", "\n\n", "\\", '"', "{}", "data: [DONE]", "</think>", " ", "\x00", "a" * 300]
NAMES = ["get_weather", "get_time", "f"]


@dataclass
class Call:
    id: str
    name: str
    arguments: str


@dataclass
class Script:
    """What Qwen says."""

    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    usage: dict = field(default_factory=dict)

    @property
    def reason(self):
        return "tool_calls" if self.calls else "stop"


def make(seed: int, tools: bool = True) -> Script:
    dice = random.Random(seed)
    text = "".join(dice.choices(TEXTS, k=dice.randint(1, 9)))
    reasoning = "".join(dice.choices(TEXTS, k=dice.randint(0, 5)))
    calls = []
    for number in range(dice.randint(0, 3) if tools else 0):
        arguments = {"city": "".join(dice.choices(TEXTS, k=3)), "more": [dice.random(), {"a": None}]}
        spelled = json.dumps(arguments, ensure_ascii=dice.random() < 0.5)
        calls.append(Call(f"call_{seed}_{number}", dice.choice(NAMES), spelled))
    prompt, completion = dice.randint(1, 10**6), dice.randint(20, 10**6)
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": dice.randint(0, prompt)},
        "completion_tokens_details": {"reasoning_tokens": dice.randint(0, 20)},
    }
    return Script("" if calls and dice.random() < 0.5 else text, reasoning, calls, usage)


def cut(text: str, dice: random.Random) -> list[str]:
    places = sorted(dice.sample(range(1, len(text)), min(dice.randint(0, 6), len(text) - 1))) if len(text) > 1 else []
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)] if text else []


def events(script: Script, seed: int) -> Answer:
    """As a stream of Qwen's: pieces as they fall, written with escapes or without, sent in odd sizes."""
    dice = random.Random(seed)
    head = {"id": "chatcmpl-x", "created": 1, "model": "m", "object": "chat.completion.chunk", "usage": None}
    deltas = [{"role": "assistant", "content": None, "reasoning_content": ""}]
    deltas += [{"content": None, "reasoning_content": piece} for piece in cut(script.reasoning, dice)]
    deltas += [{"content": piece, "reasoning_content": None} for piece in cut(script.text, dice)]
    for index, call in enumerate(script.calls):
        first = {"name": call.name, "arguments": ""}
        deltas.append({"content": None, "tool_calls": [{"index": index, "id": call.id, "type": "function", "function": first}]})
        for piece in cut(call.arguments, dice):
            function = {"arguments": piece} | dice.choice([{}, {"name": None}, {"name": ""}])
            deltas.append({"content": None, "tool_calls": [{"index": index, "id": "", "type": "function", "function": function}]})
    chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(head | {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": script.reason}]})
    chunks.append(head | {"choices": [], "usage": script.usage})
    eol = dice.choice(["\n", "\r\n"])
    body = "".join(
        f"data:{dice.choice(['', ' '])}{json.dumps(chunk, ensure_ascii=dice.random() < 0.5)}{eol}{eol}" for chunk in chunks
    )
    return Answer((body + f"data: [DONE]{eol}{eol}").encode(), piece=dice.randint(1, 400))


def document(script: Script) -> Answer:
    calls = [
        {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(script.calls)
    ]
    message = {"role": "assistant", "content": script.text, "reasoning_content": script.reasoning}
    choice = {"index": 0, "finish_reason": script.reason, "message": message | ({"tool_calls": calls} if calls else {})}
    whole = {"id": "chatcmpl-x", "created": 1, "model": "m", "object": "chat.completion", "choices": [choice]}
    return Answer(json.dumps(whole | {"usage": script.usage}).encode(), JSON)


@pytest.fixture(scope="module")
def upstream(certificates):
    running = ScriptedUpstream(certificates)
    yield running
    running.close()


@pytest.fixture(scope="module")
def gateway(certificates, upstream, tmp_path_factory):
    running = Gateway(certificates, upstream, tmp_path_factory.mktemp("differential"), WORKERS="1")
    yield running
    assert running.stop() == 0, running.log()


"""Streamed to the client; whole, put together of a stream; whole, and so from Qwen."""
FORMS = pytest.mark.parametrize(("streams", "model"), [(True, MODEL), (False, THINKER), (False, MODEL)])
ONE_PROTOCOL = pytest.mark.parametrize("protocol", ["HTTP/2"], indirect=True)
TOOLS = [{"name": name, "parameters": CITY} for name in NAMES]


@pytest.fixture(params=SEEDS)
def script(request, upstream):
    said = make(request.param)
    upstream.script = lambda asked: events(said, request.param) if asked.streams else document(said)
    return said


@ONE_PROTOCOL
@FORMS
def test_chat(sdk, gateway, script, streams, model):
    tools = [{"type": "function", "function": tool} for tool in TOOLS]
    asked = {"model": model, "messages": ask("x"), "tools": tools}
    api = sdk(gateway).chat.completions
    if streams:
        with api.stream(**asked, stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "chunk":
                    valid(event.chunk, "index")
            answer = stream.get_final_completion()
    else:
        answer = valid(api.create(**asked), "index")
    (choice,) = answer.choices
    message = choice.message
    assert (message.content or "") == script.text
    assert choice.finish_reason == script.reason
    calls = [Call(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []]
    assert calls == script.calls
    assert answer.usage.model_dump(exclude_unset=True) == script.usage
    if not streams:
        assert (getattr(message, "reasoning_content", None) or "") == script.reasoning


@ONE_PROTOCOL
def test_reasoning_of_a_chat_stream(sdk, gateway, script):
    chunks = sdk(gateway).chat.completions.create(model=MODEL, messages=ask("x"), stream=True)
    pieces = [getattr(choice.delta, "reasoning_content", None) or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(pieces) == script.reasoning


@ONE_PROTOCOL
@FORMS
def test_responses(sdk, gateway, script, streams, model):
    asked = {"model": model, "input": "x", "tools": [{"type": "function", **tool, "strict": False} for tool in TOOLS]}
    api = sdk(gateway).responses
    if streams:
        got = list(api.create(**asked, stream=True))
        check_events(got)
        answer = got[-1].response
    else:
        answer = valid(api.create(**asked))
    assert answer.output_text == script.text
    assert "".join(item.summary[0].text for item in answer.output if item.type == "reasoning") == script.reasoning
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [Call(call.call_id, call.name, call.arguments) for call in calls] == script.calls
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (
        script.usage["prompt_tokens"],
        script.usage["completion_tokens"],
        script.usage["total_tokens"],
    )
    assert usage.input_tokens_details.cached_tokens == script.usage["prompt_tokens_details"]["cached_tokens"]
    reasoning = script.usage["completion_tokens_details"]["reasoning_tokens"]
    assert usage.output_tokens_details.reasoning_tokens == reasoning


@ONE_PROTOCOL
@FORMS
def test_messages(claude, gateway, script, streams, model):
    tools = [{"name": tool["name"], "input_schema": CITY} for tool in TOOLS]
    thinking = {"type": "enabled", "budget_tokens": 1024} if model == THINKER else {"type": "disabled"}
    asked = {"model": model, "max_tokens": 2000, "messages": ask("x"), "tools": tools, "thinking": thinking}
    api = claude(gateway).messages
    if streams:
        check_message_events(list(api.create(**asked, stream=True)))
        with api.stream(**asked) as stream:
            answer = stream.get_final_message()
    else:
        answer = valid(api.create(**asked))
    assert "".join(block.text for block in answer.content if block.type == "text") == script.text
    if model == THINKER:
        assert "".join(block.thinking for block in answer.content if block.type == "thinking") == script.reasoning
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [(call.id, call.name, call.input) for call in calls] == [
        (call.id, call.name, json.loads(call.arguments)) for call in script.calls
    ]
    assert answer.stop_reason == ("tool_use" if script.calls else "end_turn")
    usage = answer.usage
    cached = script.usage["prompt_tokens_details"]["cached_tokens"]
    assert usage.cache_read_input_tokens == cached
    assert usage.input_tokens + cached == script.usage["prompt_tokens"]
    assert usage.output_tokens == script.usage["completion_tokens"]


@ONE_PROTOCOL
@FORMS
@pytest.mark.parametrize("seed", SEEDS)
def test_completions(sdk, gateway, upstream, seed, streams, model):
    said = make(seed, tools=False)
    upstream.script = lambda asked: events(said, seed) if asked.streams else document(said)
    more = {"extra_body": {"enable_thinking": True}} if model == THINKER else {}
    api = sdk(gateway).completions
    if streams:
        chunks = list(api.create(model=model, prompt="x", stream=True, stream_options={"include_usage": True}, **more))
        text = "".join(valid(chunk, "finish_reason").choices[0].text for chunk in chunks if chunk.choices)
        usage = chunks[-1].usage
    else:
        answer = valid(api.create(model=model, prompt="x", **more))
        text, usage = answer.choices[0].text, answer.usage
    assert text == said.text
    assert (usage.prompt_tokens, usage.completion_tokens) == (
        said.usage["prompt_tokens"],
        said.usage["completion_tokens"],
    )

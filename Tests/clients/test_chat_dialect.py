"""Chat completions, as the OpenAI SDK reads them."""

import json

import openai
import pydantic
import pytest

from chat import CALLS, CITY, EACH_VERSION, MODEL, PNG, STREAM, THINKER, ZONE, ask, calling, valid

pytestmark = EACH_VERSION

TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": CITY, "strict": True}},
    {"type": "function", "function": {"name": "get_time", "parameters": ZONE}},
]

LENIENT = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}


@pytest.fixture
def chat(sdk, gateway):
    return sdk(gateway).chat.completions


def complete(chat, stream, **request):
    """The whole answer; the SDK puts it together where it streams."""
    if not stream:
        return valid(chat.create(**request))
    chunks = [valid(chunk) for chunk in chat.create(**request, stream=True)]
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    with chat.stream(**request, stream_options={"include_usage": True}) as events:
        return events.get_final_completion()


@STREAM
def test_text_and_usage(chat, stream):
    answer = complete(chat, stream, model=MODEL, messages=ask("chunks=7 size=9"))
    assert len(answer.choices[0].message.content) == 63
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == MODEL
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (22, 7, 29)


@pytest.mark.parametrize("usage", ["asked", "always", "finish"])
def test_usage_has_a_chunk_of_its_own(chat, usage):
    asked = {"model": MODEL, "messages": ask(f"chunks=3 usage={usage}"), "stream": True}
    chunks = list(chat.create(**asked, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 3
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize("usage", ["asked", "always", "finish"])
def test_no_usage_unless_asked_for(chat, usage):
    chunks = list(chat.create(model=MODEL, messages=ask(f"chunks=3 usage={usage}"), stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


SHAPES = ["split=1-5 eol=crlf", "space=off heartbeat=1", "finish=two role=null", "created=typo", "created=absent"]


@pytest.mark.parametrize("shape", SHAPES)
def test_frames_of_every_shape(chat, shape):
    answer = complete(chat, True, model=MODEL, messages=ask(f"chunks=20 size=5 {shape}"))
    assert len(answer.choices[0].message.content) == 100


@CALLS
def test_tools_are_called(chat, stream, count, quirk):
    steering = calling(count, quirk, "args-pieces=4")
    # A call that gives way to another one is over for the SDK's helper, which then parses the arguments of a strict
    # tool. Calls that alternate go by their index, as Qwen sends them.
    tools = [LENIENT, *TOOLS[1:]] if quirk == "interleave" else TOOLS
    answer = complete(chat, stream, model=MODEL, messages=ask(steering), tools=tools)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    called = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls]
    assert called == [("get_weather", {"city": "Paris"}), ("get_time", {"zone": "Paris", "hours": 1})][:count]
    assert len({call.id for call in choice.message.tool_calls} - {"", None}) == count


@STREAM
def test_tool_results_go_back(chat, stream):
    messages = ask(calling(2))
    first = complete(chat, stream, model=MODEL, messages=messages, tools=TOOLS).choices[0].message
    messages.append(first.model_dump(exclude_none=True, exclude={"parsed"}, warnings=False))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "20 °C"} for call in first.tool_calls]
    answer = complete(chat, stream, model=MODEL, messages=messages, tools=TOOLS)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_time"}}])
def test_a_call_is_forced_of_a_model_that_thinks(chat, choice):
    answer = chat.create(model=THINKER, messages=ask("hello"), tools=TOOLS, tool_choice=choice)
    assert answer.choices[0].message.tool_calls


@STREAM
@pytest.mark.parametrize("asked", [{"reasoning_effort": "high"}, {"extra_body": {"enable_thinking": True}}])
def test_reasoning(chat, stream, asked):
    request = {"model": THINKER, "messages": ask("think=12 chunks=2 text=x"), **asked}
    if stream:
        pieces = [chunk.choices[0].delta for chunk in chat.create(**request, stream=True)]
        text = "".join(piece.content or "" for piece in pieces)
        thoughts = "".join(getattr(piece, "reasoning_content", None) or "" for piece in pieces)
    else:
        message = chat.create(**request).choices[0].message
        text, thoughts = message.content, message.reasoning_content
    assert text == "xx"
    assert thoughts.startswith("Okay, somebody asks me something. I know what to say. Okay, ")


@pytest.mark.parametrize(("alias", "thinks"), [("gpt-4o", False), ("o3", True)])
def test_alias_decides_on_thinking(chat, simulator, alias, thinks):
    message = chat.create(model=alias, messages=ask("hello")).choices[0].message
    assert bool(getattr(message, "reasoning_content", None)) == thinks
    assert simulator.last_body()["model"] == THINKER


@STREAM
def test_image(chat, simulator, stream):
    url = f"data:image/png;base64,{PNG}"
    parts = [{"type": "text", "text": "chunks=2"}, {"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    answer = complete(chat, stream, model="qwen3-vl-plus", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content
    assert simulator.last_body()["messages"][-1]["content"][1]["image_url"]["url"] == url


@STREAM
@pytest.mark.parametrize("model", [MODEL, THINKER])
def test_json_object_without_the_word(chat, stream, model):
    answer = complete(
        chat, stream, model=model, messages=ask('chunks=1 text={"a":1}'), response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content) == {"a": 1}


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_structured_output(chat, simulator):
    request = {"model": MODEL, "messages": ask('chunks=1 text={"name":"Ada","age":36}'), "response_format": Person}
    assert chat.parse(**request).choices[0].message.parsed == Person(name="Ada", age=36)
    assert simulator.last_body()["response_format"]["json_schema"]["name"] == "Person"
    with chat.stream(**request) as events:
        assert events.get_final_completion().choices[0].message.parsed == Person(name="Ada", age=36)


def test_answer_that_is_cut_by_its_limit_is_not_parsed(chat):
    with pytest.raises(openai.LengthFinishReasonError):
        chat.parse(model=MODEL, messages=ask('chunks=1 text={"name":1 reason=length'), response_format=Person)


@pytest.mark.parametrize(
    ("request_", "exception", "param"),
    [
        ({"model": 7}, openai.BadRequestError, "model"),
        ({"messages": "hello"}, openai.BadRequestError, "messages"),
        ({"stream_options": 1}, openai.BadRequestError, "stream_options"),
        ({"temperature": 2}, openai.BadRequestError, None),
    ],
)
def test_refused_requests(chat, request_, exception, param):
    with pytest.raises(exception) as caught:
        chat.create(**({"model": MODEL, "messages": ask("hello")} | request_))
    assert caught.value.body["message"]
    assert param is None or caught.value.param == param


@pytest.mark.parametrize(
    ("steering", "exception", "code"),
    [
        ("error=throttling", openai.RateLimitError, "rate_limit_exceeded"),
        ("error=quota", openai.RateLimitError, "insufficient_quota"),
        ("error=model-not-found", openai.NotFoundError, "model_not_found"),
        ("error=input-too-long", openai.BadRequestError, "context_length_exceeded"),
        ("error=moderation envelope=E3", openai.BadRequestError, "content_filter"),
        ("error=invalid-key", openai.InternalServerError, "upstream_auth_error"),
        ("error=html", openai.InternalServerError, "upstream_error"),
        ("error=unavailable", openai.InternalServerError, "upstream_unavailable"),
    ],
)
@STREAM
def test_errors_have_their_class(chat, stream, steering, exception, code):
    with pytest.raises(exception) as caught:
        chat.create(model=MODEL, messages=ask(steering), stream=stream)
    assert caught.value.code == code

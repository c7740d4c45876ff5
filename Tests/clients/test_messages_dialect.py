"""Messages, as the Anthropic SDK reads them."""

import json

import anthropic
import pytest

from chat import CALLS, CITY, EACH_VERSION, MODEL, PNG, STREAM, THINKER, ZONE, ask, calling, valid

pytestmark = EACH_VERSION

TOOLS = [{"name": "get_weather", "input_schema": CITY}, {"name": "get_time", "input_schema": ZONE}]
DELTAS = {"text": {"text_delta"}, "tool_use": {"input_json_delta"}, "thinking": {"thinking_delta", "signature_delta"}}


@pytest.fixture
def api(claude, gateway):
    return claude(gateway).messages


def send(api, stream, **request):
    """The message; the events of a stream are checked one by one."""
    request = {"model": MODEL, "max_tokens": 1000} | request
    if not stream:
        return valid(api.create(**request))
    check_events(list(api.create(**request, stream=True)))
    with api.stream(**request) as helped:
        return valid(helped.get_final_message())


def check_events(events):
    """A whole stream: types and order. The SDK drops pings by itself."""
    for event in events:
        valid(event)
    assert [event.type for event in (events[0], *events[-2:])] == ["message_start", "message_delta", "message_stop"]
    assert events[0].message.content == [] and events[0].message.stop_reason is None
    assert events[-2].delta.stop_reason
    place, block = -1, None
    for event in events[1:-2]:
        if event.type == "content_block_start":
            assert block is None
            place, block = place + 1, event.content_block
        elif event.type == "content_block_delta":
            assert event.delta.type in DELTAS[block.type]
        else:
            assert event.type == "content_block_stop"
            block = None
        assert event.index == place
    assert block is None


@STREAM
def test_text_and_usage(api, stream):
    message = send(api, stream, messages=ask("chunks=5 text=hey"), system="Be brief.")
    assert [block.text for block in message.content] == ["hey" * 5]
    assert (message.stop_reason, message.stop_sequence, message.model) == ("end_turn", None, MODEL)
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens) == (22, 5, 0)


@pytest.mark.parametrize("shape", ["split=1-5 eol=crlf", "finish=two usage=finish", "done=off", "created=typo"])
def test_frames_of_every_shape(api, shape):
    message = send(api, True, messages=ask(f"chunks=20 text=ab {shape}"))
    assert message.content[0].text == "ab" * 20


@CALLS
def test_tools_are_called(api, stream, count, quirk):
    message = send(api, stream, messages=ask(calling(count, quirk, "args-pieces=4")), tools=TOOLS)
    called = [(block.name, block.input) for block in message.content]
    assert called == [("get_weather", {"city": "Paris"}), ("get_time", {"zone": "Paris", "hours": 1})][:count]
    assert message.stop_reason == "tool_use"
    assert len({block.id for block in message.content}) == count


@STREAM
def test_tool_results_go_back(api, simulator, stream):
    turns = ask("call=2")
    first = send(api, stream, messages=turns, tools=TOOLS)
    turns.append({"role": "assistant", "content": first.content})
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "20 °C"} for block in first.content]
    results[1] |= {"is_error": True, "content": [{"type": "text", "text": "no clock"}]}
    turns.append({"role": "user", "content": results})
    second = send(api, stream, messages=turns, tools=TOOLS)
    assert second.stop_reason == "end_turn" and second.content[0].text
    sent = simulator.last_body()["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
    assert [message["tool_call_id"] for message in sent[2:]] == [block.id for block in first.content]


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_time"}])
def test_a_call_is_forced(api, choice):
    message = send(api, False, model=THINKER, messages=ask("hello"), tools=TOOLS, tool_choice=choice)
    assert message.content[-1].type == "tool_use"


@STREAM
def test_thinking_and_its_way_back(api, stream):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    turns = ask("think=12 chunks=2 text=x")
    asked = {"model": THINKER, "max_tokens": 4000, "thinking": thinking}
    message = send(api, stream, messages=turns, **asked)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking.startswith("Okay, somebody asks me something.")
    assert message.content[1].text == "xx"
    turns += [{"role": "assistant", "content": message.content}, *ask("chunks=1 text=y")]
    assert send(api, stream, messages=turns, **asked).content[-1].text == "y"


def test_no_thinking_where_it_is_disabled(api):
    message = send(api, True, model=THINKER, messages=ask("chunks=2 text=x"), thinking={"type": "disabled"})
    assert [block.type for block in message.content] == ["text"]


@STREAM
def test_image(api, simulator, stream):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    content = [image, {"type": "text", "text": "chunks=1"}]
    send(api, stream, model="qwen3-vl-plus", messages=[{"role": "user", "content": content}])
    parts = simulator.last_body()["messages"][-1]["content"]
    assert parts[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"


@STREAM
def test_structured_output(api, simulator, stream):
    schema = {"type": "json_schema", "schema": CITY}
    asked = {"output_config": {"format": schema}, "messages": ask('chunks=1 text={"city":"Paris"}')}
    assert json.loads(send(api, stream, **asked).content[0].text) == {"city": "Paris"}
    assert simulator.last_body()["response_format"]["json_schema"]["schema"] == CITY


@STREAM
def test_answer_that_is_cut_by_its_limit(api, stream):
    message = send(api, stream, messages=ask("chunks=3 text=x reason=length"), max_tokens=3)
    assert message.stop_reason == "max_tokens"


def test_beta_path_and_system_blocks(claude, gateway, simulator):
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=00000;"},
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
    ]
    message = claude(gateway).beta.messages.create(
        model=MODEL, max_tokens=10, system=system, messages=ask("chunks=1 text=x"), betas=["some-beta-2025-01-01"]
    )
    assert valid(message).content[0].text == "x"
    sent = simulator.last_body()["messages"][0]
    assert sent["role"] == "system"
    assert "Be brief." in json.dumps(sent) and "billing" not in json.dumps(sent)


def test_count_tokens(api):
    short = valid(api.count_tokens(model=MODEL, messages=ask("hello"))).input_tokens
    long = api.count_tokens(model=MODEL, messages=ask("hello " * 1000), tools=TOOLS, system="Be brief.")
    assert 0 < short < 50
    assert 1000 < long.input_tokens < 4000


@pytest.mark.parametrize(
    "request_",
    [
        {"max_tokens": 0},
        {"messages": []},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"extra_body": {"temperature": "hot"}},
        {"tools": [{"name": "x"}]},
    ],
)
@STREAM
def test_refused_requests(api, stream, request_):
    with pytest.raises(anthropic.BadRequestError) as caught:
        api.create(**({"model": MODEL, "max_tokens": 10, "messages": ask("hi"), "stream": stream} | request_))
    assert caught.value.body["error"]["type"] == "invalid_request_error"
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("steering", "exception", "kind"),
    [
        ("error=throttling", anthropic.RateLimitError, "rate_limit_error"),
        ("error=quota", anthropic.RateLimitError, "rate_limit_error"),
        ("error=model-not-found", anthropic.NotFoundError, "not_found_error"),
        ("error=moderation envelope=E3", anthropic.BadRequestError, "invalid_request_error"),
        ("error=invalid-key", anthropic.InternalServerError, "api_error"),
        ("error=unavailable", anthropic.InternalServerError, None),
    ],
)
@STREAM
def test_errors_have_their_class(api, stream, steering, exception, kind):
    with pytest.raises(exception) as caught:
        api.create(model=MODEL, max_tokens=10, messages=ask(steering), stream=stream)
    body = caught.value.body
    assert body["type"] == "error" and body["error"]["message"]
    assert kind is None or body["error"]["type"] == kind


def test_key_and_version(claude, gateway, http):
    with pytest.raises(anthropic.AuthenticationError) as caught:
        claude(gateway, key="sk-wrong").messages.create(model=MODEL, max_tokens=1, messages=ask("hi"))
    assert caught.value.body["error"]["type"] == "authentication_error"
    answer = http.post(f"{gateway.url}/messages", json={}, headers={"x-api-key": gateway.key})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"

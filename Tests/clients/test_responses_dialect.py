"""Responses, as the OpenAI SDK reads them."""

import json

import openai
import pydantic
import pytest

from chat import CALLS, CITY, EACH_VERSION, MODEL, PNG, STREAM, THINKER, ZONE, calling, valid
from responses import check_events

pytestmark = EACH_VERSION

TOOLS = [
    {"type": "function", "name": "get_weather", "parameters": CITY, "strict": True},
    {"type": "function", "name": "get_time", "parameters": ZONE, "strict": False},
]


@pytest.fixture
def responses(sdk, gateway):
    return sdk(gateway).responses


def respond(responses, stream, **request):
    """The response; the events of a stream are checked one by one."""
    if not stream:
        return valid(responses.create(**request))
    events = list(responses.create(**request, stream=True))
    check_events(events)
    with responses.stream(**request) as helped:
        helped.until_done()
    return events[-1].response


@STREAM
def test_text_and_usage(responses, stream):
    response = respond(responses, stream, model=MODEL, input="chunks=5 text=hey", metadata={"a": "b"})
    assert response.output_text == "hey" * 5
    assert (response.status, response.model, response.metadata) == ("completed", MODEL, {"a": "b"})
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (22, 5, 27)
    assert usage.output_tokens_details.reasoning_tokens == usage.input_tokens_details.cached_tokens == 0


@pytest.mark.parametrize("shape", ["split=1-5 eol=crlf", "finish=two usage=finish", "done=off", "created=typo"])
def test_frames_of_every_shape(responses, shape):
    assert respond(responses, True, model=MODEL, input=f"chunks=20 text=ab {shape}").output_text == "ab" * 20


@CALLS
def test_tools_are_called(responses, stream, count, quirk):
    response = respond(responses, stream, model=MODEL, input=calling(count, quirk, "args-pieces=4"), tools=TOOLS)
    called = [(call.name, json.loads(call.arguments)) for call in response.output]
    assert called == [("get_weather", {"city": "Paris"}), ("get_time", {"zone": "Paris", "hours": 1})][:count]
    assert len({call.call_id for call in response.output}) == len({call.id for call in response.output}) == count


@STREAM
def test_tool_results_go_back(responses, stream):
    items = [{"role": "user", "content": "call=2"}]
    first = respond(responses, stream, model=MODEL, input=items, tools=TOOLS)
    items += first.output
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": "20 °C"} for call in first.output]
    second = respond(responses, stream, model=MODEL, input=items, tools=TOOLS)
    assert second.output_text


@STREAM
def test_reasoning_comes_before_the_text(responses, stream):
    asked = {"reasoning": {"effort": "high", "summary": "auto"}}
    response = respond(responses, stream, model=THINKER, input="think=12 chunks=2 text=x", **asked)
    reasoning, message = response.output
    assert (reasoning.type, message.type) == ("reasoning", "message")
    assert reasoning.summary[0].text.startswith("Okay, somebody asks me something.")
    assert response.output_text == "xx"
    assert response.usage.output_tokens_details.reasoning_tokens == 12
    items = [{"role": "user", "content": "hello"}, *response.output, {"role": "user", "content": "chunks=1 text=y"}]
    assert respond(responses, stream, model=MODEL, input=items).output_text == "y"


@STREAM
def test_image(responses, simulator, stream):
    url = f"data:image/png;base64,{PNG}"
    parts = [{"type": "input_text", "text": "chunks=1"}, {"type": "input_image", "image_url": url, "detail": "auto"}]
    respond(responses, stream, model="qwen3-vl-plus", input=[{"role": "user", "content": parts}])
    assert simulator.last_body()["messages"][-1]["content"][1]["image_url"]["url"] == url


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_structured_output(responses, simulator):
    asked = {"model": MODEL, "input": 'chunks=1 text={"name":"Ada","age":36}', "text_format": Person}
    assert responses.parse(**asked).output_parsed == Person(name="Ada", age=36)
    assert simulator.last_body()["response_format"]["json_schema"]["name"] == "Person"
    with responses.stream(**asked) as events:
        assert events.get_final_response().output_parsed == Person(name="Ada", age=36)


@STREAM
def test_json_object(responses, stream):
    asked = {"text": {"format": {"type": "json_object"}}, "input": 'chunks=1 text={"a":1}'}
    assert json.loads(respond(responses, stream, model=MODEL, **asked).output_text) == {"a": 1}


@STREAM
def test_answer_that_is_cut_by_its_limit(responses, stream):
    response = respond(responses, stream, model=MODEL, input="chunks=3 text=x reason=length", max_output_tokens=16)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


@STREAM
def test_conversation_that_is_stored(responses, simulator, stream):
    first = respond(responses, stream, model=MODEL, input="chunks=2 text=one", store=True, instructions="Be brief.")
    again = valid(responses.retrieve(first.id))
    assert again.output_text == first.output_text == "oneone"
    asked = {"model": MODEL, "store": True, "previous_response_id": first.id}
    second = respond(responses, False, input="chunks=2 text=two", **asked)
    assert second.previous_response_id == first.id
    third = respond(
        responses, stream, model=MODEL, input="chunks=1 text=three", store=True, previous_response_id=second.id
    )
    assert third.output_text == "three"
    messages = simulator.last_body()["messages"]
    texts = [message["content"] for message in messages]
    roles = [message["role"] for message in messages]
    assert roles == ["user", "assistant", "user", "assistant", "user"], "instructions are not carried over"
    assert texts[1::2] == ["oneone", "twotwo"]
    for kept in (first, second, third):
        responses.delete(kept.id)
        with pytest.raises(openai.NotFoundError):
            responses.retrieve(kept.id)
    with pytest.raises(openai.NotFoundError):
        responses.delete(first.id)


@STREAM
def test_input_of_a_stored_response(responses, stream):
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"}
    parts = [{"type": "input_text", "text": "chunks=1 text=a"}]
    items = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}, {"role": "user", "content": parts}]
    first = respond(responses, stream, model=MODEL, input=items, store=True, instructions="Be brief.")
    second = respond(
        responses,
        stream,
        model="qwen3-vl-plus",
        input=[{"role": "user", "content": [*parts, image]}],
        store=True,
        previous_response_id=first.id,
    )
    listed = list(responses.input_items.list(first.id, order="asc"))
    assert [(item.type, item.role, item.content[0].text) for item in listed] == [
        ("message", "user", "hello"),
        ("message", "assistant", "hi"),
        ("message", "user", "chunks=1 text=a"),
    ]
    for item in listed:
        valid(item)
    # The newest first, page by page; the conversation is part of the input.
    page = responses.input_items.list(second.id, limit=2)
    assert page.has_more and len(page.data) == 2
    everything = list(page)
    assert [item.id for item in everything[1:]] == [first.output[0].id, *[item.id for item in reversed(listed)]]
    assert everything[0].content[1].image_url == image["image_url"]
    again = [{"type": "item_reference", "id": listed[0].id}, {"role": "user", "content": "chunks=1 text=z"}]
    assert respond(responses, False, model=MODEL, input=again).output_text == "z"
    with pytest.raises(openai.BadRequestError):
        responses.input_items.list(first.id, after="none").data
    responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        responses.input_items.list(first.id).data


def test_what_only_background_responses_have_is_refused(responses, http, gateway):
    kept = responses.create(model=MODEL, input="chunks=1", store=True)
    for asked in ({"stream": True}, {"stream": True, "starting_after": 1}):
        with pytest.raises(openai.BadRequestError) as caught:
            responses.retrieve(kept.id, **asked)
        assert caught.value.param in asked
    with pytest.raises(openai.BadRequestError) as caught:
        responses.cancel(kept.id)
    assert "background" in caught.value.message
    for missing in (lambda: responses.cancel("resp_none"), lambda: responses.retrieve("resp_none", stream=True)):
        with pytest.raises(openai.NotFoundError):
            missing()
    assert responses.retrieve(kept.id, include=["message.output_text.logprobs"]).id == kept.id


@STREAM
def test_tool_results_refer_to_a_stored_response(responses, stream):
    first = respond(responses, False, model=MODEL, input="call=1", tools=TOOLS, store=True)
    output = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "20 °C"}
    second = respond(responses, stream, model=MODEL, input=[output], tools=TOOLS, previous_response_id=first.id)
    assert second.output_text


@STREAM
def test_nothing_is_stored_unless_asked_for(responses, stream):
    response = respond(responses, stream, model=MODEL, input="chunks=1")
    assert response.store is False
    with pytest.raises(openai.NotFoundError):
        responses.retrieve(response.id)
    with pytest.raises(openai.APIStatusError) as caught:
        responses.create(model=MODEL, input="hello", previous_response_id=response.id)
    assert caught.value.status_code in (400, 404)
    assert caught.value.param == "previous_response_id"


def test_what_is_stored_belongs_to_its_key(responses, sdk, gateway):
    kept = responses.create(model=MODEL, input="chunks=1", store=True)
    other = sdk(gateway, key=gateway.keys[1]).responses
    with pytest.raises(openai.NotFoundError):
        other.retrieve(kept.id)
    with pytest.raises(openai.NotFoundError):
        other.delete(kept.id)
    assert responses.retrieve(kept.id).id == kept.id


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": 7}, "input"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ],
)
@STREAM
def test_refused_requests(responses, stream, request_, param):
    with pytest.raises(openai.BadRequestError) as caught:
        responses.create(**({"model": MODEL, "input": "hello", "stream": stream} | request_))
    assert caught.value.param.startswith(param)


@pytest.mark.parametrize(
    ("steering", "exception", "code"),
    [
        ("error=throttling", openai.RateLimitError, "rate_limit_exceeded"),
        ("error=quota", openai.RateLimitError, "insufficient_quota"),
        ("error=model-not-found", openai.NotFoundError, "model_not_found"),
        ("error=moderation envelope=E3", openai.BadRequestError, "content_filter"),
        ("error=unavailable", openai.InternalServerError, "upstream_unavailable"),
    ],
)
@STREAM
def test_errors_have_their_class(responses, stream, steering, exception, code):
    with pytest.raises(exception) as caught:
        responses.create(model=MODEL, input=steering, stream=stream)
    assert caught.value.code == code

"""LangChain's ChatOpenAI, which n8n's nodes and many agents are built on, over chat completions and responses."""

import httpx
import httpx2
import openai
import pydantic
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from chat import EACH_VERSION, MODEL, PNG, QUIRKS, THINKER

pytestmark = EACH_VERSION
BOTH = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"20 °C in {city}"


@tool
def get_time(zone: str, hours: int) -> str:
    """The time of a zone."""
    return f"{hours} o'clock in {zone}"


class Person(pydantic.BaseModel):
    """Somebody."""

    name: str
    age: int


@pytest.fixture
def model(http, gateway):
    def make(responses, name=MODEL, **settings):
        return ChatOpenAI(
            model=name, api_key=gateway.key, base_url=gateway.url, http_client=http, max_retries=0,
            use_responses_api=responses, **settings,
        )

    return make


def summed(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


@BOTH
def test_answer(model, responses):
    answer = model(responses).invoke("chunks=4 text=hey")
    assert answer.text == "hey" * 4
    assert answer.usage_metadata["input_tokens"] == 22 and answer.usage_metadata["output_tokens"] == 4


@BOTH
def test_stream(model, responses):
    chunks = list(model(responses, stream_usage=True).stream("chunks=20 text=hey"))
    assert [chunk.text for chunk in chunks if chunk.text] == ["hey"] * 20
    assert summed(chunks).usage_metadata["total_tokens"] == 42


@BOTH
@pytest.mark.parametrize(("stream", "quirk"), [(False, ""), *((True, quirk) for quirk in QUIRKS)])
def test_tools_and_their_results(model, responses, stream, quirk):
    bound = model(responses).bind_tools([get_weather, get_time])

    def ask(messages):
        return summed(bound.stream(messages)) if stream else bound.invoke(messages)

    messages = [HumanMessage(f"call=2 args-pieces=4 {quirk and f'quirk={quirk}'}")]
    answer = ask(messages)
    called = [(call["name"], call["args"]) for call in answer.tool_calls]
    assert called == [("get_weather", {"city": "Paris"}), ("get_time", {"zone": "Paris", "hours": 1})]
    assert not answer.invalid_tool_calls
    tools = {"get_weather": get_weather, "get_time": get_time}
    results = [tools[call["name"]].invoke(call) for call in answer.tool_calls]
    assert all(isinstance(result, ToolMessage) for result in results)
    assert ask([*messages, answer, *results]).text


@BOTH
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(model, responses, method):
    text = 'chunks=1 text={"name":"Ada","age":36}' if method == "json_schema" else 'args={"name":"Ada","age":36}'
    asked = model(responses).with_structured_output(Person, method=method)
    assert asked.invoke(text) == Person(name="Ada", age=36)


@BOTH
def test_image(model, responses, simulator):
    url = f"data:image/png;base64,{PNG}"
    parts = [{"type": "text", "text": "chunks=1"}, {"type": "image_url", "image_url": {"url": url}}]
    assert model(responses, "qwen3-vl-plus").invoke([HumanMessage(parts)]).text
    assert simulator.last_body()["messages"][-1]["content"][1]["image_url"]["url"] == url


def test_reasoning(model):
    asked = model(True, THINKER, reasoning={"effort": "medium", "summary": "auto"})
    answer = summed(asked.stream("think=12 chunks=2 text=x"))
    assert answer.text == "xx"
    assert answer.usage_metadata["output_token_details"]["reasoning"] == 12
    assert any(block["type"] == "reasoning" for block in answer.content_blocks)
    assert asked.invoke([HumanMessage("hello"), answer, HumanMessage("chunks=1 text=y")]).text == "y"


def test_conversation_by_reference(model):
    asked = model(True, store=True, use_previous_response_id=True)
    first = asked.invoke("chunks=1 text=one")
    assert asked.invoke([HumanMessage("hi"), first, HumanMessage("chunks=1 text=two")]).text == "two"


@BOTH
@pytest.mark.parametrize("fault", ["cut@0", "cut@3", "end@3"])
def test_broken_stream_is_an_error(model, responses, fault):
    # Of a failed response LangChain makes a ValueError with the gateway's words.
    with pytest.raises((openai.APIError, httpx.HTTPError, httpx2.HTTPError, ValueError)):
        list(model(responses).stream(f"chunks=9 fail={fault}"))


@BOTH
def test_errors(model, responses):
    with pytest.raises(openai.RateLimitError):
        model(responses).invoke("error=throttling")
    with pytest.raises(openai.NotFoundError):
        list(model(responses).stream("error=model-not-found"))


def test_embeddings(http, gateway):
    embeddings = OpenAIEmbeddings(
        model="text-embedding-v4", api_key=gateway.key, base_url=gateway.url, http_client=http, max_retries=0,
        check_embedding_ctx_length=False, dimensions=64,
    )
    texts = [f"text {number}" for number in range(25)]
    vectors = embeddings.embed_documents(texts)
    assert vectors[13] == embeddings.embed_query(texts[13])
    assert len({tuple(vector) for vector in vectors}) == 25

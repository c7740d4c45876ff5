"""The requests that n8n makes, as it shapes them."""

import json

import pytest

from chat import CITY, EACH_VERSION, MODEL

pytestmark = EACH_VERSION


@pytest.fixture
def n8n(http, gateway):
    """Sends a request below a base URL. n8n adds a field of its own to each."""

    def send(method, path, body=None, base="/v1"):
        fields = {
            "Authorization": f"Bearer {gateway.key}",
            "openai-platform": "org-qkmJQuJ2WnvoIKMr2UJwIJkZ",
            "User-Agent": "OpenAI/JS 6.9.0",
            "X-Stainless-Lang": "js",
            "X-Stainless-Retry-Count": "0",
        }
        return http.request(method, f"{gateway.origin}{base}{path}", json=body, headers=fields)

    return send


def events(answer) -> list[dict]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@pytest.mark.parametrize("path", ["/models", "/models/", "/v1/models"])
def test_credential_test_and_model_list(n8n, path):
    """The embeddings node offers what has `embed` in its name; the old nodes double the version."""
    answer = n8n("GET", path)
    assert answer.status_code == 200
    assert any("embed" in model["id"] for model in answer.json()["data"])


def test_chat_node_speaks_responses(n8n, simulator):
    body = {
        "model": MODEL,
        "input": [
            {"type": "message", "role": "developer", "content": "Be brief."},
            {"type": "message", "role": "user", "content": "chunks=3 text=hi"},
        ],
        "stream": True,
        "temperature": 0.7,
        "text": {"format": {"type": "text"}},
        "tools": [{"type": "function", "name": "calculator", "parameters": CITY, "strict": False, "description": None}],
        "parallel_tool_calls": True,
    }
    got = events(n8n("POST", "/responses", body))
    assert got[-1]["type"] == "response.completed"
    assert got[-1]["response"]["output"][0]["content"][0]["text"] == "hihihi"
    names = {name.lower() for name, _ in simulator.requests()[-1]["fields"]}
    assert not {name for name in names if name.startswith(("openai-", "x-stainless"))}


def test_agent_keeps_the_transcript_itself(n8n):
    """A second turn in which the calls and their results come as items, with the ids of the first."""
    tools = [{"type": "function", "name": "calculator", "parameters": CITY, "strict": False}]
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "call=2"}]}]
    first = n8n("POST", "/responses", {"model": MODEL, "input": items, "tools": tools}).json()
    calls = first["output"]
    assert [call["type"] for call in calls] == ["function_call"] * 2
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "4"} for call in calls]
    second = n8n("POST", "/responses", {"model": MODEL, "input": items + calls + results, "tools": tools}).json()
    assert second["status"] == "completed"
    assert second["output"][0]["type"] == "message"


def test_pdf_of_the_agent(n8n):
    """What the model can not read is refused with words, or reaches it: it never vanishes."""
    part = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}
    content = [{"type": "input_text", "text": "chunks=1"}, part]
    answer = n8n("POST", "/responses", {"model": MODEL, "input": [{"role": "user", "content": content}]})
    if answer.status_code != 200:
        assert answer.status_code == 400
        assert answer.json()["error"]["param"]


def test_old_chat_node_streams_with_tools(n8n):
    body = {
        "model": MODEL,
        "messages": [{"role": "system", "content": "You are helpful"}, {"role": "user", "content": "call=1"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.7,
        "top_p": 1,
        "n": 1,
        "tools": [{"type": "function", "function": {"name": "calculator", "description": None, "parameters": CITY}}],
    }
    got = events(n8n("POST", "/chat/completions", body))
    assert got[-1]["usage"]["total_tokens"] > 0
    assert [chunk["choices"][0]["finish_reason"] for chunk in got[:-1]][-1] == "tool_calls"


def test_embeddings_in_batches_of_512(n8n):
    texts = [f"chunk {number}" for number in range(512)]
    answer = n8n("POST", "/embeddings", {"model": "text-embedding-v4", "input": texts, "dimensions": 64})
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert [one["index"] for one in data] == list(range(512))
    last = n8n("POST", "/embeddings", {"model": "text-embedding-v4", "input": texts[-1:], "dimensions": 64})
    assert last.json()["data"][0]["embedding"] == data[-1]["embedding"]

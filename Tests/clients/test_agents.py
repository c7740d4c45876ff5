"""The requests of coding agents and of the SDKs' own helpers, as they shape them, turn after turn."""

import asyncio
import json

import anthropic
import httpx
import httpx2
import openai
import pydantic
import pytest

from chat import CITY, EACH_VERSION, MODEL, PNG, THINKER, ask

pytestmark = EACH_VERSION


# MARK: Codex: responses, always streamed, nothing stored

SHELL = {
    "type": "function",
    "name": "shell",
    "description": "Runs a command.",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"command": {"type": "array", "items": {"type": "string"}}, "workdir": {"type": "string"}},
        "required": ["command"],
        "additionalProperties": False,
    },
}


@pytest.fixture
def codex(http, gateway):
    def send(items):
        body = {
            "model": THINKER,
            "instructions": "You are a coding agent running in a terminal.",
            "input": items,
            "tools": [SHELL, {"type": "web_search", "external_web_access": False}],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "store": False,
            "stream": True,
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "0199a213-81c0-7800-8aa1-bbab2a035a53",
            "text": {"verbosity": "low"},
            "client_metadata": {"x-codex-installation-id": "1"},
        }
        fields = {
            "Authorization": f"Bearer {gateway.key}",
            "Accept": "text/event-stream",
            "OpenAI-Beta": "responses=experimental",
            "conversation_id": "0199a213",
            "session_id": "0199a213",
            "originator": "codex_cli_rs",
            "User-Agent": "codex_cli_rs/0.60.0 (Debian 12; x86_64) xterm",
        }
        answer = http.post(f"{gateway.url}/responses", json=body, headers=fields)
        assert answer.status_code == 200, answer.text
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines]

    return send


def message(role: str, text: str) -> dict:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def test_codex_turns(codex, simulator):
    """It keeps the items that are done, and sends them again without their ids."""
    items = [
        message("developer", "<permissions instructions>Read only.</permissions instructions>"),
        message("user", "<environment_context>\n  <cwd>/work</cwd>\n</environment_context>"),
        message("user", "call=1 think=5"),
    ]
    events = codex(items)
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["usage"]["total_tokens"] > 0
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [item["type"] for item in done] == ["reasoning", "function_call"]
    for item in done:
        item.pop("id")
    done[0] |= {"content": None, "encrypted_content": None}
    output = {"type": "function_call_output", "call_id": done[1]["call_id"], "output": '{"output":"a\\n","metadata":{}}'}
    events = codex([*items, *done, output, message("assistant", "Done."), message("user", "chunks=2 text=ok")])
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert text == "okok"
    sent = simulator.last_body()["messages"]
    assert [turn["role"] for turn in sent][-5:] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent[-4]["tool_calls"][0]["id"] == sent[-3]["tool_call_id"]


# MARK: Claude Code: messages, with all its members


@pytest.fixture
def claude_code(http, gateway):
    def send(messages, **more):
        ephemeral = {"type": "ephemeral"}
        body = {
            "model": "claude-sonnet-4-5",
            "max_tokens": 32000,
            "messages": messages,
            "system": [
                {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli; cch=0;"},
                {"type": "text", "text": "You are Claude Code.", "cache_control": ephemeral},
                {"type": "text", "text": "Be brief.", "cache_control": ephemeral | {"ttl": "1h"}},
            ],
            "tools": [
                {"name": "Bash", "description": "Runs a command.", "input_schema": CITY, "eager_input_streaming": True},
                {"name": "Read", "description": "Reads.", "input_schema": CITY, "cache_control": ephemeral},
            ],
            "metadata": {"user_id": "user_0_account__session_1"},
            "thinking": {"type": "enabled", "budget_tokens": 31999},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            "temperature": 1,
            "stream": True,
        } | more
        fields = {
            "Authorization": f"Bearer {gateway.key}",
            "anthropic-version": "2023-06-01",
            "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27",
            "anthropic-dangerous-direct-browser-access": "true",
            "x-app": "cli",
            "User-Agent": "claude-cli/2.1.0 (external, cli)",
        }
        return http.post(f"{gateway.url}/messages?beta=true", json=body, headers=fields)

    return send


def events(answer) -> list[dict]:
    assert answer.status_code == 200, answer.text
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines]


def test_claude_code_turns(simulator, claude_code):
    more = {"model": THINKER}
    turns = [{"role": "user", "content": [{"type": "text", "text": "call=2 think=5", "cache_control": {"type": "ephemeral"}}]}]
    got = events(claude_code(turns, **more))
    blocks = [event["content_block"] for event in got if event["type"] == "content_block_start"]
    assert [block["type"] for block in blocks] == ["thinking", "tool_use", "tool_use"]
    assert got[-2]["delta"]["stop_reason"] == "tool_use"
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    calls = [block | {"input": {"city": "Rom"}} for block in blocks[1:]]
    turns.append({"role": "assistant", "content": [thinking, *calls]})
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    results = [
        {"type": "tool_result", "tool_use_id": calls[0]["id"], "content": "a", "is_error": False},
        {"type": "tool_result", "tool_use_id": calls[1]["id"], "content": [{"type": "text", "text": "b"}, picture]},
        {"type": "text", "text": "<system-reminder>Think.</system-reminder>"},
        {"type": "text", "text": "chunks=2 text=ok", "cache_control": {"type": "ephemeral"}},
    ]
    turns.append({"role": "user", "content": results})
    got = events(claude_code(turns, **more))
    deltas = [event["delta"] for event in got if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in deltas) == "okok"
    sent = simulator.last_body()
    assert [turn["role"] for turn in sent["messages"]][:4] == ["system", "user", "assistant", "tool"]
    assert "billing" not in json.dumps(sent)
    assert sent["enable_thinking"] is True
    assert '"cache_control"' in json.dumps(sent["messages"])


def test_claude_code_quota_probe(claude_code):
    """What it asks to learn whether its key works."""
    asked = {"model": MODEL, "max_tokens": 1, "thinking": {"type": "disabled"}, "tools": [], "stream": False}
    answer = claude_code([{"role": "user", "content": "quota"}], **asked)
    assert answer.status_code == 200, answer.text


# MARK: The SDKs' helpers


class Step(pydantic.BaseModel):
    city: str
    hours: int


def test_responses_stream_with_tools_reasoning_and_a_form(sdk, gateway):
    tool = openai.pydantic_function_tool(Step, name="get_weather")
    tool = {"type": "function", **tool["function"]}
    api = sdk(gateway).responses
    asked = {"model": THINKER, "reasoning": {"effort": "low", "summary": "auto"}, "tools": [tool], "text_format": Step}
    with api.stream(**asked, input='think=3 chunks=1 text={"city":"Rom","hours":2}') as stream:
        kinds = {event.type for event in stream}
        answer = stream.get_final_response()
    assert {"response.reasoning_summary_text.delta", "response.output_text.delta", "response.completed"} <= kinds
    assert answer.output_parsed == Step(city="Rom", hours=2)
    with api.stream(**asked, input="call=1 args-pieces=4") as stream:
        answer = stream.get_final_response()
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert call.parsed_arguments


def test_chat_parse_with_tools_and_a_form(sdk, gateway):
    api = sdk(gateway).chat.completions
    tool = openai.pydantic_function_tool(Step, name="get_weather")
    asked = {"model": MODEL, "response_format": Step, "tools": [tool]}
    answer = api.parse(**asked, messages=ask('chunks=1 text={"city":"Rom","hours":2}'))
    assert answer.choices[0].message.parsed == Step(city="Rom", hours=2)
    with api.stream(**asked, messages=ask('chunks=1 text={"city":"Rom","hours":2}')) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Step(city="Rom", hours=2)


def test_raw_responses(sdk, gateway):
    client = sdk(gateway)
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ask("chunks=1 text=x"))
    assert raw.parse().choices[0].message.content == "x"
    assert raw.headers["x-request-id"] == raw.request_id
    with client.responses.with_streaming_response.create(model=MODEL, input="chunks=1 text=x", stream=True) as raw:
        assert [event.type for event in raw.parse()][-1] == "response.completed"


def test_asynchronous_clients(certificates, gateway, protocol):
    async def ask_all():
        context = certificates.client_context()
        async with (
            httpx.AsyncClient(verify=context, http2=protocol == "HTTP/2", trust_env=False) as http,
            httpx2.AsyncClient(verify=context, http2=protocol == "HTTP/2", trust_env=False) as other,
        ):
            client = openai.AsyncOpenAI(api_key=gateway.key, base_url=gateway.url, http_client=http, max_retries=0)
            claude = anthropic.AsyncAnthropic(
                api_key=gateway.key, base_url=gateway.origin, http_client=other, max_retries=0
            )

            async def chat():
                stream = await client.chat.completions.create(model=MODEL, messages=ask("chunks=9 text=a"), stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

            async def messages():
                async with claude.messages.stream(
                    model=MODEL, max_tokens=99, messages=ask("chunks=9 text=a")
                ) as stream:
                    return await stream.get_final_text()

            async def responses():
                return (await client.responses.create(model=MODEL, input="chunks=9 text=a")).output_text

            return await asyncio.gather(*(one() for one in [chat, messages, responses] * 8))

    assert asyncio.run(ask_all()) == ["a" * 9] * 24


def test_parts_of_every_kind(sdk, gateway, simulator):
    """What Qwen takes passes as it is."""
    parts = [
        {"type": "text", "text": "chunks=1 text=x"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ]
    sdk(gateway).chat.completions.create(model="qwen3-vl-plus", messages=[{"role": "user", "content": parts}])
    assert simulator.last_body()["messages"][-1]["content"] == parts


def test_stop_sequences_and_tool_choice(claude, gateway, simulator):
    api = claude(gateway).messages
    api.create(model=MODEL, max_tokens=9, messages=ask("chunks=1"), stop_sequences=["\n\nHuman:"], extra_body={"top_k": 5})
    sent = simulator.last_body()
    assert (sent["stop"], sent["top_k"], sent["max_tokens"]) == (["\n\nHuman:"], 5, 9)

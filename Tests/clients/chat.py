"""What the tests ask for. The simulator is steered by the words of the last message: see `qwen-simulator --help`."""

import pydantic
import pytest

MODEL = "qwen3-coder-plus"
THINKER = "qwen3.7-plus"
"""The gateway that tests share has these aliases."""
ALIASES = f"gpt-4o={THINKER}:no-think,o3={THINKER}:thinking,text-embedding-3-small=text-embedding-v4"

"""A test of a dialect runs twice: with HTTP/2 on both sides of the gateway, and with HTTP/1.1."""
EACH_VERSION = pytest.mark.parametrize(
    ("simulator", "protocol"), [("h2", "HTTP/2"), ("http/1.1", "HTTP/1.1")], ids=["h2", "h1"], indirect=True
)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
"""How Qwen's pieces of tool calls differ; none of it may reach a client."""
QUIRKS = ["", "clean", "null", "late-id", "interleave", "null,late-id,interleave"]

"""One pixel."""
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
ZONE = {"type": "object", "properties": {"zone": {"type": "string"}, "hours": {"type": "integer"}}}


"""Calls of tools: how many, and the quirk; quirks are those of streams."""
CALLS = pytest.mark.parametrize(
    ("stream", "count", "quirk"),
    [(False, 1, ""), (False, 2, ""), (True, 1, ""), (True, 1, "null,late-id"), *((True, 2, quirk) for quirk in QUIRKS)],
)


def ask(steering: str) -> list[dict]:
    return [{"role": "user", "content": steering}]


def deltas(stream) -> list[str]:
    """The text of each chunk of a stream, in order."""
    return [
        chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content
    ]


def streamed(client, steering: str) -> list[str]:
    return deltas(client.chat.completions.create(model=MODEL, messages=ask(steering), stream=True))


def answered(client, steering: str) -> str:
    return client.chat.completions.create(model=MODEL, messages=ask(steering)).choices[0].message.content


def valid(answer, *unless: str):
    """The answer or event, as its type wants it: the SDKs themselves take anything.

    Members named in `unless` may differ: OpenAI's own do, too.
    """
    try:
        type(answer).model_validate(answer.model_dump(mode="json", warnings=False, by_alias=True, exclude_unset=True))
    except pydantic.ValidationError as error:
        if faults := [fault for fault in error.errors() if fault["loc"][-1] not in unless]:
            raise AssertionError(f"{faults}") from error
    return answer


def calling(count: int, quirk: str = "", more: str = "") -> str:
    """Steers to an answer that calls tools."""
    return f"call={count}" + (f" quirk={quirk}" if quirk else "") + (f" {more}" if more else "")

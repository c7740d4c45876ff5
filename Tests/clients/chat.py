"""What the tests ask for. The simulator is steered by the words of the last message: see `qwen-simulator --help`."""

MODEL = "qwen3-coder-plus"


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

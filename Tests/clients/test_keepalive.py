"""Signs of life while Qwen is silent: seen by what watches the stream, and not by who puts it together."""

import json

import pytest

from chat import MODEL, ask, streamed


@pytest.fixture(scope="module")
def alive(certificates, simulator, tmp_path_factory):
    from servers import Gateway

    running = Gateway(certificates, simulator, tmp_path_factory.mktemp("alive"), STREAM_KEEPALIVE="1s")
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("silence", ["first=5800", "idle=5800@2"])
def test_text_is_the_same_with_and_without(http, sdk, alive, silence):
    headers = {"Authorization": f"Bearer {alive.key}"}
    body = {"model": MODEL, "messages": ask(f"chunks=4 {silence}"), "stream": True}
    with http.stream("POST", f"{alive.url}/chat/completions", json=body, headers=headers) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert lines.count(": keep-alive") >= 3
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    empty = [chunk for chunk in chunks if not chunk["choices"][0]["delta"].get("content")]
    # The opening and the finish are empty as well.
    assert len(empty) >= 3
    assert len({chunk["id"] for chunk in chunks if chunk["choices"][0]["delta"].get("content")}) == 1
    roles = [chunk["choices"][0]["delta"].get("role") for chunk in chunks]
    assert roles.count("assistant") == 1
    assert lines[-1] == "data: [DONE]"
    assert "".join(streamed(sdk(alive), f"chunks=4 {silence}")) == "".join(streamed(sdk(alive), "chunks=4"))

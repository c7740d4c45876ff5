"""The OpenAI Python SDK against the gateway, over HTTP/1.1 and HTTP/2."""

import asyncio

import httpx
import openai
import pytest

from chat import MODEL, answered, ask, deltas, streamed


def test_answer_is_what_qwen_sent(sdk, qwen, gateway):
    steering = "chunks=20 size=50"
    assert answered(sdk(gateway), steering) == answered(qwen, steering) != ""


def test_stream_is_what_qwen_sent(sdk, qwen, gateway):
    steering = "chunks=200 size=50"
    through = streamed(sdk(gateway), steering)
    assert len(through) == 200
    assert through == streamed(qwen, steering)


def test_stream_arrives_while_it_is_produced(sdk, gateway):
    """The first chunk must not wait for the last, which would be a minute away."""
    stream = sdk(gateway).chat.completions.create(model=MODEL, messages=ask("chunks=600 delay=100"), stream=True)
    assert next(iter(stream)).object == "chat.completion.chunk"
    stream.close()


def test_identical_chunks_arrive_whole(sdk, gateway):
    """Repetition is content: 6666666666 must not become 666."""
    assert streamed(sdk(gateway), "chunks=500 text=6") == ["6"] * 500


def test_long_stream_with_large_chunks(sdk, gateway):
    """About 4 MB: more than every window and buffer on the way."""
    chunks = streamed(sdk(gateway), "chunks=1000 size=4000")
    assert len(chunks) == 1000
    assert {len(chunk) for chunk in chunks} == {4000}


def test_usage_comes_with_the_last_chunk_when_asked_for(sdk, gateway):
    stream = sdk(gateway).chat.completions.create(
        model=MODEL, messages=ask("chunks=3"), stream=True, stream_options={"include_usage": True}
    )
    assert list(stream)[-1].usage.total_tokens > 0


def test_many_streams_at_once_stay_apart(certificates, gateway, protocol):
    """On HTTP/2 all of them share one connection."""

    async def run():
        http2 = protocol == "HTTP/2"
        http = httpx.AsyncClient(verify=certificates.client_context(), http1=not http2, http2=http2, trust_env=False)
        async with openai.AsyncOpenAI(api_key=gateway.key, base_url=gateway.url, http_client=http, max_retries=0) as sdk:

            async def one(number):
                stream = await sdk.chat.completions.create(
                    model=MODEL, messages=ask(f"chunks=50 delay=2 text={number}"), stream=True
                )
                return deltas([chunk async for chunk in stream])

            return await asyncio.gather(*(one(number) for number in range(40)))

    assert asyncio.run(run()) == [[str(number)] * 50 for number in range(40)]


def test_sdk_as_installed(certificates, gateway, monkeypatch):
    """Without an HTTP client of the test's own: only the CA is named, as users do."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    with openai.OpenAI(api_key=gateway.key, base_url=gateway.url, max_retries=0) as client:
        assert len(streamed(client, "chunks=5")) == 5


@pytest.mark.parametrize("key", ["sk-wrong", "x" * 5000])
def test_wrong_key(sdk, gateway, key):
    with pytest.raises(openai.AuthenticationError) as caught:
        answered(sdk(gateway, key=key), "chunks=1")
    assert caught.value.code == "invalid_api_key"


def test_second_key_of_the_list(sdk, gateway):
    assert answered(sdk(gateway, key=gateway.keys[1]), "chunks=1")


def test_key_as_x_api_key(http, gateway):
    body = {"model": MODEL, "messages": ask("chunks=1")}
    answer = http.post(f"{gateway.url}/chat/completions", json=body, headers={"x-api-key": gateway.key})
    assert answer.status_code == 200


def test_no_key(http, gateway):
    answer = http.post(f"{gateway.url}/chat/completions", json={"model": MODEL, "messages": ask("chunks=1")})
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_default_model(http, gateway):
    answer = http.post(
        f"{gateway.url}/chat/completions",
        json={"messages": ask("chunks=1")},
        headers={"Authorization": f"Bearer {gateway.key}"},
    )
    assert answer.json()["model"] == "qwen3-coder-plus"


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (400, openai.BadRequestError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_errors_of_qwen(sdk, gateway, status, exception, stream):
    with pytest.raises(exception) as caught:
        sdk(gateway).chat.completions.create(model=MODEL, messages=ask(f"status={status}"), stream=stream)
    assert caught.value.body["message"]


@pytest.mark.parametrize("fault", ["cut@0", "cut@5", "reset@5", "end@0", "end@5"])
def test_broken_stream_is_an_error(sdk, gateway, fault):
    """What Qwen did not finish is never shown as finished."""
    received = []
    with pytest.raises(openai.APIError):
        for chunk in sdk(gateway).chat.completions.create(
            model=MODEL, messages=ask(f"chunks=10 fail={fault}"), stream=True
        ):
            received.append(chunk)
    assert len(deltas(received)) <= int(fault.partition("@")[2])
    assert not any(chunk.choices and chunk.choices[0].finish_reason for chunk in received)


def test_gateway_serves_on_after_broken_streams(sdk, gateway):
    client = sdk(gateway)
    for _ in range(20):
        with pytest.raises(openai.APIError):
            streamed(client, "chunks=10 fail=cut@3")
        assert len(streamed(client, "chunks=10")) == 10

"""Embeddings, as the OpenAI SDK reads them, which asks for base64 by default."""

import base64
import struct

import openai
import pytest

from chat import EACH_VERSION, valid

pytestmark = EACH_VERSION
MODEL = "text-embedding-v4"


@pytest.fixture
def embeddings(sdk, gateway):
    return sdk(gateway).embeddings


def vectors(answer) -> list[list[float]]:
    valid(answer)
    assert [embedding.index for embedding in answer.data] == list(range(len(answer.data)))
    return [embedding.embedding for embedding in answer.data]


def single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def test_base64_is_bit_for_bit_the_floats(embeddings, http, gateway):
    text = "The food was delicious."
    floats = vectors(embeddings.create(model=MODEL, input=text, encoding_format="float"))[0]
    assert vectors(embeddings.create(model=MODEL, input=text))[0] == [single(value) for value in floats]
    raw = http.post(
        f"{gateway.url}/embeddings",
        json={"model": MODEL, "input": text, "encoding_format": "base64"},
        headers={"Authorization": f"Bearer {gateway.key}"},
    ).json()
    assert base64.b64decode(raw["data"][0]["embedding"]) == struct.pack(f"<{len(floats)}f", *floats)


@pytest.mark.parametrize("count", [1, 10, 11, 25, 100])
def test_many_inputs_in_order(embeddings, qwen, count):
    texts = [f"text number {number}" * (number % 7 + 1) for number in range(count)]
    answer = embeddings.create(model=MODEL, input=texts, dimensions=64)
    direct = [
        qwen.embeddings.create(model=MODEL, input=texts[start : start + 10], dimensions=64)
        for start in range(0, count, 10)
    ]
    assert vectors(answer) == [[single(x) for x in one.embedding] for part in direct for one in part.data]
    assert answer.usage.prompt_tokens == sum(part.usage.prompt_tokens for part in direct)
    assert answer.usage.total_tokens == sum(part.usage.total_tokens for part in direct)


def test_dimensions_and_alias(embeddings):
    assert len(vectors(embeddings.create(model="text-embedding-3-small", input="x"))[0]) == 1024
    assert len(vectors(embeddings.create(model=MODEL, input="x", dimensions=256))[0]) == 256


@pytest.mark.parametrize(
    ("request_", "exception"),
    [
        ({"input": [1, 2, 3]}, openai.BadRequestError),
        ({"input": [[1, 2], [3]]}, openai.BadRequestError),
        ({"input": []}, openai.BadRequestError),
        ({"dimensions": 0}, openai.BadRequestError),
        ({"dimensions": 65}, openai.BadRequestError),
        ({"encoding_format": "hex"}, openai.BadRequestError),
        ({"model": "no-such-embedding"}, openai.NotFoundError),
    ],
)
def test_refused_requests(embeddings, request_, exception):
    with pytest.raises(exception) as caught:
        embeddings.create(**({"model": MODEL, "input": "x"} | request_))
    assert caught.value.body["message"]

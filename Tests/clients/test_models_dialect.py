"""The list of models, as both SDKs read it."""

import anthropic
import openai
import pytest

from chat import EACH_VERSION, MODEL, valid

pytestmark = EACH_VERSION
ALIASED = {"gpt-4o", "o3", "text-embedding-3-small"}


def test_list(sdk, gateway):
    models = [valid(model) for model in sdk(gateway).models.list()]
    names = [model.id for model in models]
    assert len(names) == len(set(names))
    assert {MODEL, "qwen3.8-max", "text-embedding-v4"} | ALIASED <= set(names)


@pytest.mark.parametrize("name", [MODEL, *sorted(ALIASED)])
def test_retrieve(sdk, gateway, name):
    assert valid(sdk(gateway).models.retrieve(name)).id == name


def test_unknown_model(sdk, claude, gateway):
    with pytest.raises(openai.NotFoundError) as caught:
        sdk(gateway).models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError):
        claude(gateway).models.retrieve("gpt-9")


def test_list_for_anthropic(claude, gateway):
    pages = claude(gateway).models.list(limit=5)
    assert len(pages.data) == 5 and pages.has_more
    names = [valid(model).id for model in pages]
    assert len(names) == len(set(names)) > 20
    assert ALIASED <= set(names)
    assert valid(claude(gateway).models.retrieve(MODEL)).display_name


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/", "/v1/v1/models", "/v1/v1/models/"])
def test_paths_that_clients_build(http, gateway, path):
    answer = http.get(f"{gateway.origin}{path}", headers={"Authorization": f"Bearer {gateway.key}"})
    assert answer.status_code == 200
    assert MODEL in [model["id"] for model in answer.json()["data"]]

"""Completions, as the OpenAI SDK reads them."""

import openai
import pytest

from chat import EACH_VERSION, MODEL, STREAM, THINKER, valid

pytestmark = EACH_VERSION


@pytest.fixture
def completions(sdk, gateway):
    return sdk(gateway).completions


def complete(completions, stream, **request):
    """The texts and reasons to end of the choices by their places, and the usage if there is any."""
    texts, reasons, usage = {}, {}, None
    answer = completions.create(**request, stream=stream)
    for part in answer if stream else [answer]:
        # Chunks have null there until the end, whatever the type says.
        valid(part, *["finish_reason"] * stream)
        assert part.object == "text_completion"
        for choice in part.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
            if choice.finish_reason:
                assert choice.index not in reasons
                reasons[choice.index] = choice.finish_reason
        usage = part.usage or usage
    return [texts[place] for place in sorted(texts)], [reasons[place] for place in sorted(reasons)], usage


@STREAM
def test_one_prompt(completions, stream):
    texts, reasons, usage = complete(completions, stream, model=MODEL, prompt="chunks=4 text=word")
    assert (texts, reasons) == (["word" * 4], ["stop"])
    assert (usage is None) == stream


def test_usage_of_a_stream(completions):
    options = {"include_usage": True}
    asked = {"model": MODEL, "prompt": ["chunks=4", "chunks=5"], "stream_options": options}
    _, _, usage = complete(completions, True, **asked)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (44, 9, 53)
    assert usage == complete(completions, False, model=MODEL, prompt=["chunks=4", "chunks=5"])[2]


@STREAM
def test_several_prompts_in_order(completions, stream):
    prompts = [f"chunks=3 text={number} delay={20 - 2 * number}" for number in range(10)]
    texts, reasons, _ = complete(completions, stream, model=MODEL, prompt=prompts)
    assert texts == [str(number) * 3 for number in range(10)]
    assert reasons == ["stop"] * 10


@STREAM
def test_several_choices_and_echo(completions, stream):
    prompts = ["chunks=2 text=a", "chunks=2 text=b"]
    texts, _, _ = complete(completions, stream, model=MODEL, prompt=prompts, n=2, echo=True)
    assert texts == ["chunks=2 text=aaa", "chunks=2 text=aaa", "chunks=2 text=bbb", "chunks=2 text=bbb"]


def test_best_of(completions):
    texts, _, _ = complete(completions, False, model=MODEL, prompt="chunks=1 text=a", n=2, best_of=3)
    assert texts == ["a", "a"]


@STREAM
def test_suffix_is_filled_in_for(completions, simulator, stream):
    asked = {"model": MODEL, "prompt": "def f(): chunks=2 text=x ", "suffix": " return y"}
    assert complete(completions, stream, **asked)[0] == ["xx"]
    content = simulator.last_body()["messages"][-1]["content"]
    assert content == "<|fim_prefix|>def f(): chunks=2 text=x <|fim_suffix|> return y<|fim_middle|>"


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"model": "qwen-plus", "suffix": "end"}, "suffix"),
        ({"prompt": [1, 2, 3]}, "prompt"),
        ({"prompt": [[1, 2], [3]]}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": 3, "best_of": 2}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"extra_body": {"messages": []}}, "messages"),
    ],
)
@STREAM
def test_refused_requests(completions, stream, request_, param):
    with pytest.raises(openai.BadRequestError) as caught:
        completions.create(**({"model": MODEL, "prompt": "hello", "stream": stream} | request_))
    assert caught.value.param == param


@STREAM
def test_model_does_not_think_unless_told_to(completions, simulator, stream):
    assert complete(completions, stream, model=THINKER, prompt="chunks=2 text=a")[0] == ["aa"]
    assert simulator.last_body()["enable_thinking"] is False
    asked = {"model": THINKER, "prompt": "chunks=2 text=a", "extra_body": {"enable_thinking": True}}
    assert complete(completions, stream, **asked)[0] == ["aa"]
    assert simulator.last_body()["enable_thinking"] is True


@STREAM
def test_error_of_one_prompt_is_an_error_of_all(completions, stream):
    with pytest.raises(openai.APIError):
        complete(completions, stream, model=MODEL, prompt=["chunks=2", "error=throttling", "chunks=2"])

"""Completions that Qwen's own endpoint makes, which the simulator does not have."""

import json

from chat import STREAM
from scripted_upstream import JSON, Answer, ScriptedUpstream


def text(answer) -> str:
    parts = [answer] if hasattr(answer, "choices") else answer
    return "".join(choice.text for part in parts for choice in part.choices)


@STREAM
def test_suffix_goes_to_the_endpoint_that_some_models_have(certificates, gateway_before, sdk, stream):
    def script(request):
        choice = {"index": 0, "text": "return x", "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        whole = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
        if not request.streams:
            return Answer(json.dumps(whole | {"usage": usage}).encode(), JSON)
        chunks = [whole | {"choices": [choice | {"text": "return", "finish_reason": None}]}]
        chunks += [whole | {"choices": [choice | {"text": " x"}]}, whole | {"choices": [], "usage": usage}]
        return Answer(b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n")

    upstream = ScriptedUpstream(certificates, script)
    completions = sdk(gateway_before(upstream)).completions
    asked = {"model": "qwen-coder-turbo", "prompt": "def f(x):", "suffix": "\n"}
    assert text(completions.create(**asked, stream=stream)) == "return x"
    (request,) = upstream.requests
    upstream.close()
    assert request.path == "/v1/completions"
    assert request.fields["accept"] == ("text/event-stream" if stream else "application/json")
    assert request.document["prompt"] == "<|fim_prefix|>def f(x):<|fim_suffix|>\n<|fim_middle|>"

"""What goes wrong at Qwen, as the users of the OpenAI SDK see it: the exception that they expect, in Qwen's words."""

import openai
import pytest

from chat import MODEL, ask, deltas

ERRORS = {
    "throttling": (openai.RateLimitError, "rate_limit_exceeded", "Requests throttling triggered."),
    "quota": (openai.RateLimitError, "insufficient_quota", "Free allocated quota exceeded."),
    "arrearage": (openai.RateLimitError, "insufficient_quota", "account is in good standing"),
    "moderation": (openai.BadRequestError, "content_filter", "inappropriate content"),
    "input-too-long": (openai.BadRequestError, "context_length_exceeded", "Range of input length"),
    "model-not-found": (openai.NotFoundError, "model_not_found", "does not exist"),
    "access-denied": (openai.PermissionDeniedError, "permission_denied", "Access denied."),
    "invalid-key": (openai.InternalServerError, "upstream_auth_error", "your key is fine"),
    "internal": (openai.InternalServerError, "upstream_error", "internal error"),
    "unavailable": (openai.InternalServerError, "upstream_unavailable", "unavailable"),
    "html": (openai.InternalServerError, "upstream_error", "web page"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_exception_before_the_first_chunk(sdk, new_simulator, gateway_before, error):
    simulator = new_simulator()
    exception, code, words = ERRORS[error]
    client = sdk(gateway_before(simulator))
    for stream in (False, True):
        with pytest.raises(exception) as caught:
            client.chat.completions.create(model=MODEL, messages=ask(f"error={error}"), stream=stream)
        assert caught.value.code == code
        assert words in caught.value.body["message"]
        assert caught.value.request_id


@pytest.mark.parametrize("envelope", ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"])
def test_exception_inside_a_stream(sdk, gateway, envelope):
    """What was said before the error arrives; then comes the error, and never an end that looks whole."""
    received = []
    steering = f"chunks=5 error=moderation envelope={envelope} at=2"
    with pytest.raises(openai.APIError) as caught:
        for chunk in sdk(gateway).chat.completions.create(model=MODEL, messages=ask(steering), stream=True):
            received.append(chunk)
    assert caught.value.code == "content_filter"
    assert "inappropriate content" in caught.value.message
    assert len(deltas(received)) == 2
    assert not any(chunk.choices and chunk.choices[0].finish_reason for chunk in received)


def test_sdk_does_not_retry_a_spent_quota(certificates, http, new_simulator, gateway_before):
    simulator = new_simulator("error=quota")
    gateway = gateway_before(simulator)
    client = openai.OpenAI(api_key=gateway.key, base_url=gateway.url, http_client=http, max_retries=5)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=ask("chunks=1"))
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert 3590 <= int(caught.value.response.headers["retry-after"]) <= 3600
    assert len(gateway.access_lines()) <= 1
    assert simulator.stats()["started"] == 1

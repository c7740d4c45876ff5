"""curl against the gateway: protocols, methods, statuses, the redirect of plain HTTP."""

import functools
import json
import subprocess

import pytest

import curl as curl_client
from curl import VERSIONS, chat_arguments as chat, curl_command


@pytest.fixture(params=VERSIONS)
def curl(request, gateway, tmp_path):
    """Runs curl with one HTTP version; its answer has status, version, headers (a dict of lists) and body."""
    run = functools.partial(curl_client.curl, gateway, request.param, output=tmp_path / "body")
    run.version = VERSIONS[request.param]
    return run


def expect_error(answer, status):
    assert answer.status == status
    assert answer.headers["content-type"][0].startswith("application/json")
    error = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"] and error["type"]


def test_answer(curl, gateway):
    answer = curl(*chat(gateway, '{"messages":[{"role":"user","content":"chunks=3"}]}'))
    assert (answer.status, answer.version) == (200, curl.version)
    assert json.loads(answer.body)["choices"][0]["finish_reason"] == "stop"


def test_stream(curl, gateway):
    answer = curl("-N", *chat(gateway, '{"stream":true,"messages":[{"role":"user","content":"chunks=3"}]}'))
    assert (answer.status, answer.version) == (200, curl.version)
    assert answer.headers["content-type"][0].startswith("text/event-stream")
    events = [line for line in answer.body.split("\n") if line]
    assert all(line.startswith("data: ") for line in events)
    assert events[-1] == "data: [DONE]"


@pytest.mark.parametrize("stream", ["false", "true"])
def test_http_1_0(gateway, tmp_path, stream):
    """curl offers the protocol by its own name. An answer ends with its length, or with the connection."""
    body = '{"stream":%s,"messages":[{"role":"user","content":"chunks=3"}]}' % stream
    answer = curl_client.curl(gateway, "--http1.0", *chat(gateway, body), output=tmp_path / "body")
    assert answer.status == 200
    assert "transfer-encoding" not in answer.headers
    assert answer.body.endswith("data: [DONE]\n\n") if stream == "true" else json.loads(answer.body)


@pytest.mark.parametrize("path", ["/", "/health"])
def test_get_and_head(curl, gateway, path):
    get, head = curl(gateway.origin + path), curl("--head", gateway.origin + path)
    assert get.status == head.status == 200
    assert get.body
    assert "content-length" in head.headers


def test_unknown_path(curl, gateway):
    expect_error(curl("-H", f"Authorization: Bearer {gateway.key}", f"{gateway.url}/nowhere"), 404)


def test_wrong_method(curl, gateway):
    answer = curl("-H", f"Authorization: Bearer {gateway.key}", f"{gateway.url}/chat/completions")
    expect_error(answer, 405)
    assert "POST" in answer.headers["allow"][0]


def test_wrong_media_type(curl, gateway):
    expect_error(curl(*chat(gateway, "model=x", "application/x-www-form-urlencoded")), 415)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"messages":[]} x', '{"model":"a","model":"b","messages":[]}', "\x01"])
def test_unusable_json(curl, gateway, body):
    expect_error(curl(*chat(gateway, body)), 400)


def test_body_too_large(curl, gateway, tmp_path):
    """Refused by its declared length, before it was sent."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    answer = curl(
        *("--request", "POST", "--upload-file", large, "-H", f"Authorization: Bearer {gateway.key}"),
        *("-H", "Content-Type: application/json", "-H", "Expect: 100-continue", f"{gateway.url}/chat/completions"),
    )
    expect_error(answer, 413)


def test_key_is_checked_before_the_body(curl, gateway, tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    answer = curl(
        *("--request", "POST", "--upload-file", large, "-H", "Authorization: Bearer wrong"),
        *("-H", "Content-Type: application/json", "-H", "Expect: 100-continue", f"{gateway.url}/chat/completions"),
    )
    expect_error(answer, 401)


def test_request_id(curl, gateway):
    given = curl("-H", "X-Request-Id: from-the-client-1", f"{gateway.origin}/health")
    assert given.headers["x-request-id"] == ["from-the-client-1"]
    first, second = (curl(f"{gateway.origin}/health").headers["x-request-id"] for _ in range(2))
    assert first != second


def output_of(gateway, *arguments) -> str:
    return subprocess.run(curl_command(gateway, *arguments), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_connection_is_reused(gateway, version):
    """Two requests, one connection."""
    health = ("-o", "/dev/null", f"{gateway.origin}/health")
    assert output_of(gateway, version, "--write-out", "%{num_connects} ", *health, *health) == "1 0 "


def test_plain_http_is_redirected(gateway):
    report = ("-o", "/dev/null", "--write-out", "%{response_code} %{redirect_url}")
    assert output_of(gateway, *report, f"http://localhost:{gateway.port}/v1/models?x=1") == (
        f"308 {gateway.origin}/v1/models?x=1"
    )


@pytest.mark.parametrize(("version", "works"), [("1.0", False), ("1.1", False), ("1.2", True), ("1.3", True)])
def test_tls_is_1_2_or_newer(gateway, version, works):
    """The client would accept the old versions: security level 0."""
    versions = (f"--tlsv{version}", "--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0")
    result = subprocess.run(
        curl_command(gateway, *versions, "-o", "/dev/null", f"{gateway.origin}/health"), capture_output=True
    )
    assert (result.returncode == 0) == works

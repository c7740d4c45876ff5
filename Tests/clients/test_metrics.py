"""What Prometheus reads from the admin address: its form, and that it counts what happened."""

import re
import shutil
import subprocess

import httpx
import pytest

from servers import eventually

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (\S+)$')


@pytest.fixture
def gateway(new_simulator, gateway_before):
    return gateway_before(new_simulator(), ADMIN_ADDRESS="127.0.0.1:0")


def scrape(gateway) -> str:
    response = httpx.get(f"http://{gateway.admin_address}/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return response.text


def value(text: str, name: str, **labels) -> float:
    """The sum of the samples with these labels."""
    total = 0.0
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, f"no sample: {line!r}"
        if match[1] == name and all(f'{key}="{text}"' in (match[2] or "") for key, text in labels.items()):
            total += float(match[3])
    return total


def test_requests_tokens_and_refusals_are_counted(gateway):
    with httpx.Client(base_url=gateway.origin, http2=True, verify=gateway.certificates.client_context()) as client:
        body = {"model": "qwen3-coder-plus", "messages": [{"role": "user", "content": "chunks=5 delay=5"}]}
        headers = {"authorization": f"Bearer {gateway.key}"}
        for _ in range(3):
            assert client.post("/v1/chat/completions", json=body, headers=headers).status_code == 200
        with client.stream("POST", "/v1/chat/completions", json=body | {"stream": True}, headers=headers) as answer:
            answer.read()
        assert client.post("/v1/chat/completions", json=body).status_code == 401
    text = scrape(gateway)
    route = {"route": "/v1/chat/completions", "protocol": "HTTP/2"}
    assert value(text, "qwen_gateway_requests_total", status="200", **route) == 4
    assert value(text, "qwen_gateway_requests_total", status="401", **route) == 1
    assert value(text, "qwen_gateway_rejected_total", reason="missing_key") == 1
    assert value(text, "qwen_gateway_request_duration_seconds_count", route="/v1/chat/completions") == 5
    assert value(text, "gen_ai_server_request_duration_seconds_count", gen_ai_operation_name="chat") == 4
    assert value(text, "gen_ai_server_time_to_first_token_seconds_count", gen_ai_operation_name="chat") == 1
    assert value(text, "qwen_gateway_tokens_total", gen_ai_token_type="output") > 0
    assert value(text, "qwen_gateway_chunk_gap_seconds_count") > 0
    assert value(text, "qwen_gateway_upstream_connections") >= 1
    assert value(text, "qwen_gateway_upstream_calls") == 0
    assert value(text, "qwen_gateway_credentials", state="healthy") == 1
    assert value(text, "process_open_fds") > 3
    assert gateway.key not in text


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
        ("/v1/completions", {"prompt": "hello"}),
        ("/v1/embeddings", {"model": "text-embedding-v4", "input": "hello"}),
    ],
)
def test_a_trace_is_passed_on_and_logged(gateway, path, words):
    parent = f"00-{TRACE}-00f067aa0ba902b7-01"
    body = {"model": "qwen3-coder-plus"} | words
    headers = {"authorization": f"Bearer {gateway.key}", "traceparent": parent, "tracestate": "vendor=1"}
    with httpx.Client(base_url=gateway.origin, http2=True, verify=gateway.certificates.client_context()) as client:
        assert client.post(path, json=body, headers=headers).status_code == 200
        assert client.post(path, json=body, headers=headers | {"traceparent": "00-junk"}).status_code == 200
    traced, untraced = (dict(request["fields"]) for request in gateway.simulator.requests(2))
    assert traced["traceparent"] == parent and traced["tracestate"] == "vendor=1"
    assert "traceparent" not in untraced
    lines = eventually(lambda: len(found := gateway.access_lines()) >= 2 and found, 5, "two lines in the access log")
    assert lines[0]["trace_id"] == TRACE and "trace_id" not in lines[1]


def test_the_public_address_does_not_show_them(gateway):
    with httpx.Client(base_url=gateway.origin, verify=gateway.certificates.client_context()) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"authorization": f"Bearer {gateway.key}"}).status_code == 403


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_to_say(gateway):
    checked = subprocess.run(["promtool", "check", "metrics"], input=scrape(gateway), text=True, capture_output=True)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr

"""Start, drain and end of the gateway, and what its log says and keeps to itself."""

import json
import os
import signal
import socket
import subprocess

import openai
import pytest

from chat import MODEL, answered, ask, streamed
from curl import VERSIONS, chat_arguments, curl_command
from servers import eventually, gateway_command


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture
def start_streams(tmp_path):
    """Starts a curl with that many streams at once: on one connection in HTTP/2, on one each in HTTP/1.1."""
    started = []

    def start(gateway, version, number, steering):
        outputs = [tmp_path / f"stream{index}" for index in range(number)]
        body = json.dumps({"stream": True, "messages": ask(steering)})
        *request, url = chat_arguments(gateway, body)
        arguments = [version, "--no-buffer", "--parallel", "--parallel-immediate", "--parallel-max", number, *request]
        for output in outputs:
            arguments += ["--output", output, url]
        process = subprocess.Popen(curl_command(gateway, *arguments), stderr=subprocess.PIPE, text=True)
        started.append(process)

        def all_have_begun():
            return all(output.exists() and output.stat().st_size for output in outputs)

        eventually(all_have_begun, 20, "every stream has begun")
        return process, outputs

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=lambda sign: sign.name)
def test_running_streams_finish_and_new_connections_are_refused(new_gateway, start_streams, version, sign):
    gateway = new_gateway(SHUTDOWN_TIMEOUT="30s")
    client, outputs = start_streams(gateway, version, 20, "chunks=100 delay=25 text=whole")
    gateway.process.send_signal(sign)
    eventually(lambda: refuses(gateway.port), 1.5, "new connections are refused while streams run")
    assert client.poll() is None and gateway.process.poll() is None
    _, complaints = client.communicate(timeout=30)
    assert client.returncode == 0, complaints
    for output in outputs:
        text = output.read_text()
        assert text.count('"whole"') == 100
        assert text.endswith("data: [DONE]\n\n")
    assert gateway.process.wait(10) == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_drain_ends_at_its_limit(new_gateway, start_streams, version):
    """A stream longer than SHUTDOWN_TIMEOUT does not keep the gateway, and the client sees that it was cut."""
    gateway = new_gateway(SHUTDOWN_TIMEOUT="1s")
    client, (output,) = start_streams(gateway, version, 1, "chunks=1000 delay=100")
    gateway.process.send_signal(signal.SIGTERM)
    client.communicate(timeout=10)
    assert client.returncode != 0
    assert "[DONE]" not in output.read_text()
    gateway.process.wait(5)


def test_secrets_stay_out_of_the_log(sdk, http, new_gateway):
    gateway = new_gateway(LOG_LEVEL="debug", DEBUG_MODE="true")
    wrong, canary = "sk-wrong-4711-canary", "prompt-canary-0815"
    client = sdk(gateway)
    assert answered(client, f"chunks=1 {canary}")
    assert streamed(client, f"chunks=3 {canary}")
    for steering in ("status=429", "status=500", "chunks=5 fail=cut@2"):
        with pytest.raises(openai.APIError):
            streamed(client, f"{steering} {canary}")
    with pytest.raises(openai.AuthenticationError):
        answered(sdk(gateway, key=wrong), "chunks=1")
    http.post(f"{gateway.url}/chat/completions?key={wrong}", content=b"{", headers={"x-api-key": gateway.key})
    http.get(f"{gateway.origin}/health", headers={"Cookie": wrong, "X-Request-Id": gateway.key})
    assert gateway.stop() == 0
    log = gateway.log()
    for secret in (*gateway.secrets(), wrong, canary):
        assert secret not in log


def test_access_log_is_whole_at_the_end(http, new_gateway):
    """What was written shortly before the end must not be lost in a buffer."""
    gateway = new_gateway()
    for _ in range(20):
        assert http.get(f"{gateway.origin}/health").status_code == 200
    assert gateway.stop() == 0
    assert [line["status"] for line in gateway.access_lines() if line["path"] == "/health"] == [200] * 20


def test_outcomes_in_the_access_log(sdk, http, new_gateway):
    gateway = new_gateway()
    client = sdk(gateway)
    streamed(client, "chunks=3")
    with pytest.raises(openai.APIError):
        streamed(client, "chunks=5 fail=cut@2")
    next(client.chat.completions.create(model=MODEL, messages=ask("chunks=1000 delay=50"), stream=True))
    http.close()
    lines = eventually(lambda: len(lines := gateway.access_lines()) >= 3 and lines, 5, "three access lines")
    assert sorted(line["outcome"] for line in lines) == ["client_cancelled", "completed", "upstream_truncated"]
    assert all(line["path"] == "/v1/chat/completions" and line["model"] == MODEL for line in lines)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"GATEWAY_API_KEYS": None}, "GATEWAY_API_KEYS"),
        ({"QWEN_API_KEY": None}, "QWEN_API_KEY"),
        ({"TLS_CERT_FILE": "/nonexistent.pem"}, "/nonexistent.pem"),
        ({"TLS_KEY_FILE": "ca.key"}, "match"),
        ({"SERVER_PORT": "70000"}, "SERVER_PORT"),
        ({"SHUTDOWN_TIMEOUT": "soon"}, "SHUTDOWN_TIMEOUT"),
        ({"SERVER_PORT": "taken"}, "use"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_start_that_cannot_work_says_why(gateway, tmp_path, change, names):
    settings = gateway.settings | change
    if settings["TLS_KEY_FILE"] == "ca.key":
        settings["TLS_KEY_FILE"] = str(gateway.certificates.folder / "ca.key")
    if settings["SERVER_PORT"] == "taken":
        settings["SERVER_PORT"] = str(gateway.port)
    result = subprocess.run(
        gateway_command(),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]} | {name: value for name, value in settings.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.returncode not in (0, -signal.SIGILL, -signal.SIGTRAP, -signal.SIGSEGV)
    assert names in result.stdout + result.stderr
    for secret in gateway.secrets():
        assert secret not in result.stdout + result.stderr

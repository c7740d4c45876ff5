"""The commands beside `serve`: what they show, what they say of wrong input, and their exit codes."""

import json
import socket
import subprocess

import pytest

from servers import built


@pytest.fixture
def gateway(new_simulator, gateway_before):
    return gateway_before(new_simulator(), MODEL_ALIASES="gpt-4o=qwen3.7-plus")


def test_check_says_where_each_value_comes_from(gateway):
    checked = gateway.command("check", DEFAULT_MODEL="qwen3-max")
    assert checked.returncode == 0, checked.stderr
    lines = {line.split()[0]: line for line in checked.stdout.splitlines()}
    assert lines["DEFAULT_MODEL"].split(maxsplit=1)[1] == "qwen3-max  (environment)"
    assert lines["LOG_FORMAT"].split(maxsplit=1)[1] == "json  (default)"
    assert lines["QWEN_API_KEY"].split(maxsplit=1)[1] == "[redacted]  (environment)"
    for secret in gateway.secrets():
        assert secret not in checked.stdout


def test_check_in_json(gateway):
    checked = gateway.command("check", "--json")
    settings = {each["variable"]: each for each in json.loads(checked.stdout)["settings"]}
    assert settings["SERVER_HOST"] == {"variable": "SERVER_HOST", "value": "127.0.0.1", "source": "environment"}


def test_check_tells_every_fault(gateway):
    checked = gateway.command("check", SERVER_PORT="high", LOG_LEVEL="loud")
    assert checked.returncode == 78
    assert "SERVER_PORT" in checked.stderr and "LOG_LEVEL" in checked.stderr
    assert not checked.stdout


def test_doctor_finds_a_gateway_that_works_well(gateway):
    found = gateway.command("doctor", "--json")
    findings = {each["subject"]: each for each in json.loads(found.stdout)}
    assert found.returncode == 0, found.stdout
    assert findings["certificate"]["state"] == "ok"
    assert findings["credential QWEN_API_KEY"]["state"] == "ok"
    assert findings["clock"]["state"] == "ok"
    assert findings["port"]["state"] == "ok"


def test_doctor_says_what_to_do(gateway, tmp_path):
    key = tmp_path / "other.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        found = gateway.command(
            "doctor",
            TLS_KEY_FILE=str(key),
            QWEN_API_KEY="sk-wrong",
            SERVER_PORT=str(other.getsockname()[1]),
        )
    assert found.returncode == 1
    assert "PROBLEM  certificate" in found.stdout and "does not match" in found.stdout
    assert "PROBLEM  credential QWEN_API_KEY" in found.stdout and "QWEN_REGION" in found.stdout
    assert "warning  port" in found.stdout and "SERVER_PORT" in found.stdout


def test_doctor_notices_a_clock_that_is_wrong(gateway):
    gateway.simulator.behave("clock=-300")
    found = gateway.command("doctor")
    assert found.returncode == 1
    assert "PROBLEM  clock: It is 300 s ahead of Qwen's" in found.stdout.replace("299", "300").replace("301", "300")


def test_doctor_of_a_host_that_is_not_there(gateway):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = gateway.command("doctor", API_BASE_URL=f"https://localhost:{port}/v1")
    assert found.returncode == 1
    assert f"PROBLEM  reach localhost:{port}" in found.stdout and "firewall" in found.stdout


def test_doctor_does_not_trust_any_certificate(gateway):
    found = gateway.command("doctor", UPSTREAM_CA_FILE="")
    assert found.returncode == 1
    assert "UPSTREAM_CA_FILE" in found.stdout


def test_models(gateway):
    listed = gateway.command("models")
    assert listed.returncode == 0, listed.stderr
    names = listed.stdout.split()
    assert "gpt-4o" in names and "qwen3-coder-plus" in names
    document = json.loads(gateway.command("models", "--json").stdout)
    assert [each["id"] for each in document["data"]] == names


def test_version(gateway):
    shown = json.loads(gateway.command("version", "--json").stdout)
    assert shown["openssl"].startswith("3.") and shown["nghttp2"].startswith("1.")
    assert gateway.command("--version").stdout.split()[-1] == shown["qwen-gateway"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell):
    script = subprocess.run(
        [built("GATEWAY_BIN", "qwen-gateway"), f"--generate-completion-script={shell}"], capture_output=True, text=True
    )
    assert script.returncode == 0 and "doctor" in script.stdout


@pytest.mark.parametrize("arguments", [["serv"], ["check", "--yaml"], ["models", "extra"], ["doctor", "--json=1"]])
def test_wrong_input_is_explained(gateway, arguments):
    refused = gateway.command(*arguments)
    assert refused.returncode == 64
    assert "Usage:" in refused.stderr and "--help" in refused.stderr

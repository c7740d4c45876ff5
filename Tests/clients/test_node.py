"""Node's clients against the gateway: https, http2 and fetch, which n8n and the OpenAI Node SDK are built on."""

import json
import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("node_client.mjs")


@pytest.mark.parametrize(("client", "version"), [("https", "1.1"), ("http2", "h2"), ("fetch", None)])
def test_node(gateway, client, version):
    result = subprocess.run(
        ["node", SCRIPT, client, gateway.origin, gateway.key],
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(gateway.certificates.ca)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)
    assert {kind: (answer["status"], answer["version"]) for kind, answer in answers.items()} == {
        "stream": (200, version),
        "whole": (200, version),
    }
    *events, done = [event for event in answers["stream"]["body"].split("\n\n") if event]
    assert done == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    content = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert content == "é" * 30
    assert json.loads(answers["whole"]["body"])["choices"][0]["message"]["content"]

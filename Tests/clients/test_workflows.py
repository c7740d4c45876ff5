"""The workflows of ops/n8n: that n8n can take them, and that what they send is answered."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from servers import ROOT

FOLDER = ROOT / "ops/n8n"
FILES = sorted(FOLDER.glob("*.json"))
REPLAY = Path(__file__).with_name("n8n_replay.mjs")
"""Types of nodes, and the versions of each that n8n 2 has."""
VERSIONS = {
    "@n8n/n8n-nodes-langchain.agent": {2.2, 2.3, 3, 3.1},
    "@n8n/n8n-nodes-langchain.chatTrigger": {1, 1.1},
    "@n8n/n8n-nodes-langchain.documentDefaultDataLoader": {1, 1.1},
    "@n8n/n8n-nodes-langchain.embeddingsOpenAi": {1, 1.1},
    "@n8n/n8n-nodes-langchain.lmChatOpenAi": {1, 1.1, 1.2, 1.3, 1.4},
    "@n8n/n8n-nodes-langchain.memoryBufferWindow": {1.1, 1.3},
    "@n8n/n8n-nodes-langchain.textSplitterRecursiveCharacterTextSplitter": {1},
    "@n8n/n8n-nodes-langchain.toolCalculator": {1},
    "@n8n/n8n-nodes-langchain.vectorStoreInMemory": {1, 1.1},
    "n8n-nodes-base.httpRequest": {4.2, 4.3, 4.4},
    "n8n-nodes-base.if": {2.2},
    "n8n-nodes-base.manualTrigger": {1},
    "n8n-nodes-base.respondToWebhook": {1, 1.1},
    "n8n-nodes-base.set": {3.4},
    "n8n-nodes-base.webhook": {2, 2.1},
}
CALLERS = ("httpRequest", "lmChatOpenAi", "embeddingsOpenAi")


def test_there_are_four():
    assert [file.stem for file in FILES] == ["agent", "chatbot", "moderation", "vector-store"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_n8n_can_take_it(file):
    workflow = json.loads(file.read_text())
    names = [node["name"] for node in workflow["nodes"]]
    assert len(set(names)) == len(names)
    assert len({node["id"] for node in workflow["nodes"]}) == len(names)
    for node in workflow["nodes"]:
        assert node["typeVersion"] in VERSIONS[node["type"]], node["name"]
        if node["type"].endswith(CALLERS):
            assert node["credentials"] == {"openAiApi": {"id": "qwenGateway", "name": "Qwen gateway"}}
    for source, outputs in workflow["connections"].items():
        assert source in names
        for kind, targets in outputs.items():
            for target in [target for output in targets for target in output]:
                assert target["node"] in names and target["type"] == kind
    text = file.read_text()
    assert not re.search(r"sk-|Bearer |http://|\"(apiKey|token|password)\"", text)


@pytest.fixture
def play(gateway):
    def run(name, given):
        played = subprocess.run(
            ["node", REPLAY, FOLDER / f"{name}.json", gateway.url, gateway.key, json.dumps(given)],
            env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(gateway.certificates.ca)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert played.returncode == 0, played.stderr
        return json.loads(played.stdout)

    return run


def test_chatbot(play):
    played = play("chatbot", {"session": "a", "message": "chunks=2 text=hi"})
    assert played["result"] == {"status": 200, "body": {"answer": "hihi"}}
    assert [(request["path"], request["stream"]) for request in played["requests"]] == [("/responses", False)]


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 422)])
def test_moderation(play, simulator, allowed, status):
    verdict = {"allowed": allowed, "reasons": [] if allowed else ["threats"]}
    text = json.dumps(verdict, separators=(",", ":"))
    played = play("moderation", {"text": f"chunks=1 text={text}"})
    assert played["result"] == {"status": status, "body": verdict}
    sent = simulator.last_body()
    assert sent["response_format"] == {"type": "json_object"} and sent["temperature"] == 0
    assert "JSON" in sent["messages"][0]["content"]


def test_agent_uses_its_tool(play):
    steering = 'call=1 function=calculator args={"input":"6*7"}'
    played = play("agent", {"chatInput": steering})
    assert [request["stream"] for request in played["requests"]] == [True, True]
    assert played["result"]["output"]


def test_vector_store_is_filled_and_searched(play):
    steering = 'call=1 function=documents args={"input":"keys"}'
    played = play("vector-store", {"chatInput": steering})
    stored, answered = played["result"]
    assert stored == {"stored": 1, "dimensions": 1024} and answered["output"]
    paths = [request["path"] for request in played["requests"]]
    assert paths == ["/embeddings", "/responses", "/embeddings", "/responses"]

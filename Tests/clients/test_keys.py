"""Client keys from the command line: made, used, limited, rotated and revoked while the gateway runs."""

import json
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from chat import MODEL, ask
from servers import eventually

NOBODYS_KEY = f"qgw_00000000_{'0' * 43}"


def made(result: subprocess.CompletedProcess) -> str:
    """The key that a command has printed, alone."""
    assert result.returncode == 0, result.stderr
    key = result.stdout.strip()
    assert key.startswith("qgw_") and len(key) == 56 and key in result.stdout and key not in result.stderr
    return key


def completion(client: openai.OpenAI, **options):
    return client.chat.completions.create(model=MODEL, messages=ask("hello"), **options)


def lets_in(client: openai.OpenAI) -> bool:
    try:
        client.models.list()
    except (openai.AuthenticationError, openai.RateLimitError):
        return False
    return True


@pytest.fixture
def gateway(new_gateway):
    return new_gateway(RATE_LIMIT_RPS="10")


def test_a_key_is_made_used_limited_rotated_and_revoked(gateway, sdk):
    key = made(gateway.command("keys", "add", "n8n", "--rps", "0.01", "--burst", "3", "--models", "qwen*"))
    client = sdk(gateway, key)
    eventually(lambda: lets_in(client), 5, "the key is taken over")
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ask("hello"))
    assert raw.headers["x-ratelimit-limit-requests"] == "3"
    assert raw.headers["x-ratelimit-remaining-requests"] == "1"
    with completion(client, stream=True) as stream:
        assert stream.response.headers["x-ratelimit-remaining"] == "0"
    with pytest.raises(openai.RateLimitError) as error:
        completion(client)
    assert error.value.code == "rate_limit_exceeded" and error.value.type == "rate_limit_error"
    assert 1 <= int(error.value.response.headers["retry-after"]) <= 100

    new = made(gateway.command("keys", "rotate", "n8n", "--grace", "1h"))
    assert new != key and new[:13] == key[:13]
    # The limit is the client's, whichever key it uses.
    eventually(lambda: refusal(sdk(gateway, new)) == LIMITED, 5, "the new key is taken over")
    assert refusal(client) == LIMITED

    listed = json.loads(gateway.command("keys", "list", "--json").stdout)
    assert [line["name"] for line in listed] == ["n8n"] and listed[0]["id"] == key[4:12]
    assert listed[0]["limits"]["requests_per_second"] == 0.01 and listed[0]["models"] == ["qwen*"]
    assert gateway.command("keys", "revoke", "n8n").returncode == 0
    for revoked in (new, key):
        eventually(lambda: refusal(sdk(gateway, revoked)) in UNKNOWN, 5, "the key is revoked")
    assert refusal(sdk(gateway)) is None
    assert gateway.stop() == 0
    assert key not in gateway.log() and new not in gateway.log()


def refusal(client: openai.OpenAI) -> str | None:
    """The code that a request is refused with."""
    try:
        completion(client)
    except openai.APIStatusError as error:
        return error.code
    return None


LIMITED = "rate_limit_exceeded"
# Who asks again and again with a revoked key is told to wait.
UNKNOWN = ("invalid_api_key", "too_many_failures")


def test_keys_alone_are_enough_and_none_at_all_says_what_to_do(gateway, new_gateway, sdk, tmp_path):
    empty = gateway.settings | {"GATEWAY_API_KEYS": "", "QWEN_DIR": str(tmp_path / "qwen")}
    refused = gateway.command("serve", **empty)
    assert refused.returncode == 78 and "qwen-gateway keys add" in refused.stderr
    key = made(gateway.command("keys", "add", "only", "--admin", **empty))
    running = new_gateway(GATEWAY_API_KEYS="", QWEN_DIR=empty["QWEN_DIR"])
    assert completion(sdk(running, key)).choices
    assert refusal(sdk(running, NOBODYS_KEY)) == "invalid_api_key"
    assert running.stop() == 0
    # What the key was used for is known after a restart.
    line = json.loads(running.command("keys", "list", "--json").stdout)[0]
    assert line["last_used"] and line["admin"] is True


def test_the_files_hold_digests_and_are_their_owners_alone(gateway):
    key = made(gateway.command("keys", "add", "a"))
    folder = gateway.output.parent / ".qwen" / "keys"
    for path in (folder, folder / "keys.json"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert key not in (folder / "keys.json").read_text() and key[13:] not in (folder / "keys.json").read_text()
    os.chmod(folder / "keys.json", 0o644)
    result = gateway.command("keys", "list")
    assert result.returncode == 1 and "chmod 600" in result.stderr


def test_many_commands_at_once_lose_nothing(gateway):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: made(gateway.command("keys", "add", f"key-{number}")), range(16)))
    names = {line["name"] for line in json.loads(gateway.command("keys", "list", "--json").stdout)}
    assert names == {f"key-{number}" for number in range(16)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add",), "<name>"),
        (("add", "Team A"), "is no name for a key"),
        (("add", "env-1"), "take another name"),
        (("add", "x", "--rps", "fast"), "requests per second such as 10 or 0.5"),
        (("add", "x", "--burst", "0"), "--burst must be in 1..."),
        (("add", "x", "--tpm", "-1"), "--tpm"),
        (("add", "x", "--cidr", "10.0.0.1/8"), "write 10.0.0.0/8 for the block"),
        (("add", "x", "--cidr", "here"), "here is neither an IP address nor a block"),
        (("add", "x", "--models", "a*b"), "beginnings of names with a star"),
        (("add", "x", "--models", "qwen3-max:thinking"), "write the model without :thinking"),
        (("add", "x", "--expires", "soon"), "12h or 90d, or a date such as 2027-06-30"),
        (("add", "x", "--expires", "2020-01-01"), "in the past"),
        (("add", "x", "--expires", "2027-02-29"), "a date such as"),
        (("revoke", "nobody"), 'there is no key "nobody"'),
        (("rotate", "nobody"), 'there is no key "nobody"'),
        (("rotate", "x", "--grace", "2027-06-30"), "30m, 24h or 7d"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_input_is_answered_with_a_sentence_that_helps(shared, arguments, words):
    result = shared.command("keys", *arguments)
    assert result.returncode != 0 and words in result.stderr and not result.stdout, result.stderr


@pytest.fixture(scope="module")
def shared(certificates, simulator, tmp_path_factory):
    """For commands alone: nothing that they are given is kept."""
    from servers import Gateway

    running = Gateway(certificates, simulator, tmp_path_factory.mktemp("keys"))
    yield running
    assert running.stop() == 0


def test_a_name_is_given_once(gateway):
    made(gateway.command("keys", "add", "team-a"))
    again = gateway.command("keys", "add", "team-a")
    assert again.returncode == 1 and "keys rotate team-a" in again.stderr
    table = gateway.command("keys", "list").stdout
    assert "team-a" in table and "never" in table

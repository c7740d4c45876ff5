"""`qwen-gateway credentials`, `login` and `logout`: by hand and by script, beside a gateway that runs."""

import json
import secrets
import stat
import time

import openai
import pytest

from chat import answered
from servers import eventually


@pytest.fixture
def simulator(new_simulator):
    return new_simulator("oauth.interval=1 oauth.pending=0 portal.auth=any")


@pytest.fixture
def gateway(gateway_before, simulator, tmp_path):
    """A gateway that has what the commands give it only; its own login never gets a code."""
    running = gateway_before(
        simulator,
        QWEN_API_KEY="",
        QWEN_DIR=str(tmp_path / "state" / "qwen"),
        QWEN_CREDENTIALS_SECRET=secrets.token_hex(32),
        QWEN_OAUTH_BASE_URL=f"https://localhost:{simulator.port}",
        QWEN_OAUTH_DEVICE_AUTH_URL=f"https://localhost:{simulator.port}/nothing-here",
        ADMIN_ADDRESS="127.0.0.1:0",
    )
    yield running
    log = running.log()
    assert simulator.key not in log and running.settings["QWEN_CREDENTIALS_SECRET"] not in log


def state(gateway, name):
    found = [item for item in gateway.admin("/health/detailed")["credentials"] if item["name"] == name]
    return found[0]["state"] if found else None


def login(gateway, simulator, *arguments):
    device = f"https://localhost:{simulator.port}/api/v1/oauth2/device/code"
    return gateway.command("login", *arguments, QWEN_OAUTH_DEVICE_AUTH_URL=device)


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_added_key_is_used_and_removed_key_is_not(gateway, simulator, sdk, tmp_path):
    added = gateway.command("credentials", "add", "team-a", "--base-url", simulator.url, standard_input=simulator.key)
    assert added.returncode == 0, added.stderr
    assert simulator.key not in added.stdout + added.stderr
    eventually(lambda: state(gateway, "team-a") == "healthy", 2, "the key is in use")
    assert answered(sdk(gateway), "chunks=1")

    folder = tmp_path / "state" / "qwen"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = modes(folder)
    assert found.pop("credentials") == 0o700
    assert set(found.values()) == {0o600}, found
    assert all(simulator.key.encode() not in path.read_bytes() for path in folder.rglob("*") if path.is_file())

    listed = gateway.command("credentials", "list")
    assert listed.returncode == 0
    assert "team-a" in listed.stdout and simulator.url in listed.stdout
    assert simulator.key not in listed.stdout
    (entry,) = json.loads(gateway.command("credentials", "list", "--json").stdout)
    assert (entry["name"], entry["kind"]) == ("team-a", "api_key")

    removed = gateway.command("credentials", "remove", "team-a")
    assert removed.returncode == 0
    eventually(lambda: state(gateway, "team-a") is None, 2, "the key is let go")
    assert gateway.command("credentials", "list").stdout.strip() == "No credentials are kept."


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (["credentials", "add", "team-a"], "", "no key was given"),
        (["credentials", "add", "team-a"], "sk-a b", "space"),
        (["credentials", "add", "Team A"], "sk-0123456789", "Team A"),
        (["credentials", "add", "../evil"], "sk-0123456789", "evil"),
        (["credentials", "add", "plan", "--region", "intl"], "sk-sp-0123456789", "dashscope-intl.aliyuncs.com"),
        (["credentials", "add", "a", "--region", "mars"], "sk-0123456789", "--region"),
        (["credentials", "add", "a", "--base-url", "http://x.example"], "sk-0123456789", "--base-url"),
        (["credentials", "add", "a", "--region", "cn", "--base-url", "https://x.example"], "sk-0123456789", "exclude"),
        (["credentials", "remove", "nobody"], "", "nobody"),
        (["credentials", "import", "/nonexistent.json"], "", "/nonexistent.json"),
        (["logout"], "", "qwen"),
    ],
)
def test_wrong_input_is_refused_with_a_reason(gateway, arguments, given, words):
    result = gateway.command(*arguments, standard_input=given)
    assert result.returncode not in (0, None) and result.returncode > 0
    assert words in result.stderr, result.stderr
    assert not given or given not in result.stdout + result.stderr
    assert gateway.command("credentials", "list").stdout.strip() == "No credentials are kept."


def test_plan_key_warns_of_its_terms(gateway):
    result = gateway.command(
        "credentials", "add", "plan", "--base-url", "https://coding.dashscope.aliyuncs.com/v1",
        standard_input="sk-sp-0123456789abcdef",
    )
    assert result.returncode == 0
    assert "terms exclude" in result.stderr


def test_without_a_secret_the_commands_say_how_to_set_one(gateway):
    for arguments in (["credentials", "list"], ["login"], ["logout"]):
        result = gateway.command(*arguments, QWEN_CREDENTIALS_SECRET="")
        assert result.returncode == 78
        assert "QWEN_CREDENTIALS_SECRET" in result.stderr and "openssl rand" in result.stderr


def test_short_secret_is_refused(gateway):
    result = gateway.command("credentials", "list", QWEN_CREDENTIALS_SECRET="fifteen-bytes-x")
    assert result.returncode == 78
    assert "QWEN_CREDENTIALS_SECRET" in result.stderr and "fifteen-bytes-x" not in result.stderr


def test_wrong_secret_names_the_file_and_leaves_it(gateway, simulator, tmp_path):
    gateway.command("credentials", "add", "team-a", "--base-url", simulator.url, standard_input=simulator.key)
    file = tmp_path / "state" / "qwen" / "credentials" / "team-a.sealed"
    sealed = file.read_bytes()
    wrong = {"QWEN_CREDENTIALS_SECRET": "another-secret-0123456789"}
    listed = gateway.command("credentials", "list", **wrong)
    assert listed.returncode == 1
    assert "team-a.sealed" in listed.stdout and "QWEN_CREDENTIALS_SECRET" in listed.stdout
    started = gateway.command("serve", **wrong)
    assert started.returncode == 78
    assert "team-a.sealed" in started.stderr and "QWEN_CREDENTIALS_SECRET" in started.stderr
    assert file.read_bytes() == sealed
    # With the right one as the previous secret it is opened, and sealed anew.
    moved = gateway.command(
        "credentials", "list", **wrong, QWEN_CREDENTIALS_SECRET_PREVIOUS=gateway.settings["QWEN_CREDENTIALS_SECRET"]
    )
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert file.read_bytes() != sealed
    assert gateway.command("credentials", "list", **wrong).returncode == 0


def test_login_and_logout(gateway, simulator, sdk):
    result = login(gateway, simulator)
    assert result.returncode == 0, result.stderr
    assert "confirm the code" in result.stderr and "/authorize?user_code=" in result.stderr
    assert "█" in result.stderr or "▀" in result.stderr
    eventually(lambda: state(gateway, "qwen") == "healthy", 2, "the login is in use")
    assert answered(sdk(gateway), "chunks=1")
    assert gateway.admin("/auth")["state"] == "logged_in"
    assert gateway.command("logout").returncode == 0
    eventually(lambda: state(gateway, "qwen") is None, 2, "the login is let go")


def test_login_serves_chat_alone(gateway, simulator, sdk):
    """What the portal does not have is never sent there."""
    assert login(gateway, simulator).returncode == 0
    eventually(lambda: state(gateway, "qwen") == "healthy", 2, "the login is in use")
    client = sdk(gateway)
    calls = [
        lambda: client.embeddings.create(model="text-embedding-v4", input="x"),
        lambda: client.completions.create(model="qwen-coder-turbo", prompt="a", suffix="b"),
    ]
    before = simulator.stats()["started"]
    for call, what in zip(calls, ("embeddings", "completions"), strict=True):
        with pytest.raises(openai.InternalServerError) as caught:
            call()
        assert f"no {what}: set QWEN_API_KEY" in caught.value.message
        assert caught.value.response.headers["x-should-retry"] == "false"
    assert simulator.stats()["started"] == before
    assert answered(client, "chunks=1")
    gateway.command("credentials", "add", "team-a", "--base-url", simulator.url, standard_input=simulator.key)
    eventually(lambda: state(gateway, "team-a") == "healthy", 2, "the key is in use")
    for _ in range(4):
        assert calls[0]().data


def test_key_and_login_do_not_replace_each_other(gateway, simulator):
    assert login(gateway, simulator).returncode == 0
    key = gateway.command("credentials", "add", "qwen", "--base-url", simulator.url, standard_input=simulator.key)
    assert key.returncode == 1 and "is a login" in key.stderr
    gateway.command("credentials", "add", "team-a", "--base-url", simulator.url, standard_input=simulator.key)
    other = login(gateway, simulator, "--name", "team-a")
    assert other.returncode == 1 and "is an API key" in other.stderr
    # Wrong usage, found before Qwen is asked.
    assert login(gateway, simulator, "--name", "Bad Name").returncode == 64


def test_dead_login_answers_within_fifty_milliseconds(gateway, simulator, http):
    assert login(gateway, simulator).returncode == 0
    eventually(lambda: state(gateway, "qwen") == "healthy", 2, "the login is in use")
    simulator.control("/simulator/revoke", "")

    def request():
        began = time.monotonic()
        answer = http.post(
            f"{gateway.url}/chat/completions",
            json={"messages": [{"role": "user", "content": "hello"}]},
            headers={"Authorization": f"Bearer {gateway.key}"},
        )
        assert answer.status_code == 502
        assert "qwen-gateway login" in answer.json()["error"]["message"]
        return time.monotonic() - began

    request()
    assert state(gateway, "qwen") == "dead"
    assert min(request() for _ in range(5)) < 0.05


def test_login_without_qr_under_another_name(gateway, simulator):
    result = login(gateway, simulator, "--no-qr", "--name", "second")
    assert result.returncode == 0, result.stderr
    assert "█" not in result.stderr and "▀" not in result.stderr
    assert "second" in gateway.command("credentials", "list").stdout


def test_failed_login_says_why(gateway, simulator):
    simulator.behave("oauth.poll=denied")
    result = login(gateway, simulator)
    assert result.returncode == 1
    assert "declined" in result.stderr


def plaintext(**changes):
    return json.dumps(
        {
            "access_token": "access-canary-0123456789",
            "refresh_token": "refresh-canary-0123456789",
            "token_type": "Bearer",
            "resource_url": "portal.qwen.ai",
            "expiry_date": int(time.time() * 1000) + 3_600_000,
        }
        | changes
    )


def test_import_leaves_the_file_and_says_what_is_wrong_with_another(gateway, tmp_path):
    file = tmp_path / "oauth_creds.json"
    file.write_text(plaintext())
    result = gateway.command("credentials", "import", str(file), "--name", "imported")
    assert result.returncode == 0, result.stderr
    assert file.exists()
    assert "imported" in gateway.command("credentials", "list").stdout
    file.write_text(plaintext(refresh_token=""))
    bad = gateway.command("credentials", "import", str(file), "--name", "bad")
    assert bad.returncode == 1
    assert "refresh_token" in bad.stderr and "canary" not in bad.stdout + bad.stderr


def test_plain_file_in_the_directory_is_sealed_and_removed(gateway, tmp_path, gateway_before, simulator):
    folder = tmp_path / "state" / "qwen"
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / "oauth_creds.json"
    plain.write_text(plaintext(resource_url=f"localhost:{simulator.port}"))
    plain.chmod(0o600)
    second = gateway_before(simulator, **{
        name: gateway.settings[name]
        for name in ("QWEN_API_KEY", "QWEN_DIR", "QWEN_CREDENTIALS_SECRET", "QWEN_OAUTH_BASE_URL", "ADMIN_ADDRESS")
    })
    assert not plain.exists()
    assert (folder / "credentials" / "qwen.sealed").exists()
    assert "sealed a plain credential file" in second.log()
    for text in (second.log(), gateway.log(), json.dumps(second.admin("/health/detailed"))):
        assert "canary" not in text
    for path in folder.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes()

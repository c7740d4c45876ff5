"""The console in a real browser: what an operator sees, and what must not happen to one."""

import json
import os
import secrets
import threading
from pathlib import Path

import httpx
import pytest

from browser import COMMAND, Browser
from servers import eventually

pytestmark = pytest.mark.skipif(
    COMMAND is None, reason="Chromium is not installed (Debian: apt-get install chromium, about 400 MB)"
)

# Keeps what the tests take pictures of.
PICTURES = os.environ.get("CONSOLE_PICTURES")
HOSTILE = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>'
ADMIN_KEY = f"sk-admin-{secrets.token_hex(16)}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    running = Browser(tmp_path_factory.mktemp("chromium"))
    yield running
    running.close()


@pytest.fixture
def gateway(new_simulator, gateway_before):
    return gateway_before(new_simulator(), ADMIN_ADDRESS="127.0.0.1:0", GATEWAY_ADMIN_KEYS=ADMIN_KEY)


def admin_origin(gateway) -> str:
    return f"http://{gateway.admin_address}"


class Traffic:
    """Requests that stay under way until the end of the block, and some that are refused."""

    def __init__(self, gateway, models=("qwen3-coder-plus",)):
        self.client = httpx.Client(
            base_url=gateway.origin, http2=True, verify=gateway.certificates.client_context(), timeout=60,
            headers={"authorization": f"Bearer {gateway.key}"},
        )  # fmt: skip
        self.models = models
        self.over = threading.Event()
        self.threads = []

    def __enter__(self):
        for model in self.models:
            self.threads.append(threading.Thread(target=self.stream, args=[model]))
            self.threads[-1].start()
        return self

    def stream(self, model):
        body = {
            "model": model, "stream": True, "messages": [{"role": "user", "content": "chunks=2000 delay=50"}]
        }  # fmt: skip
        with self.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            for _ in answer.iter_raw():
                if self.over.is_set():
                    return

    def chat(self, message="hello", **headers):
        body = {"messages": [{"role": "user", "content": message}]}
        return self.client.post("/v1/chat/completions", json=body, headers=headers)

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.client.close()


def picture(page, name):
    if PICTURES:
        page.screenshot(Path(PICTURES) / f"{name}.png")


def test_it_shows_what_happens_and_takes_names_for_text(gateway, browser):
    with Traffic(gateway, ["qwen3-coder-plus", "qwen3.7-plus", HOSTILE]) as traffic:
        assert traffic.chat().status_code == 200
        assert traffic.chat(authorization="Bearer wrong").status_code == 401
        traffic.client.get(f"/wrong/{HOSTILE}")
        page = browser.open(admin_origin(gateway) + "/")
        page.wait("document.querySelectorAll('#requests tbody tr').length === 3")
        page.wait("[...document.querySelectorAll('#requests .pill')].every((pill) => pill.textContent === 'Answering')")
        requests = page.text("#requests")
        assert "qwen3.7-plus" in requests and "POST /v1/chat/completions" in requests and "HTTP/2" in requests
        assert HOSTILE in requests
        errors = page.text("#errors")
        assert "invalid_api_key" in errors and "401" in errors and "Refused" in errors
        assert "unknown_url" in errors and "/wrong/" in errors
        assert "QWEN_API_KEY" in page.text("#credentials") and "Healthy" in page.text("#credentials")
        assert "localhost" in page.text("#certificates") and "left" in page.text("#certificates")
        assert "Administrator" in page.text("#keys")
        assert page.text("#serving") == "Serving"
        assert "Version" in page.text("#version")
        # The first sample of the history comes ten seconds after the start.
        page.wait("/\\d\\/s/.test(document.querySelector('#chart-requests .legend').textContent)", 30)
        assert page.value("document.querySelector('#chart-requests svg title').textContent").startswith("Requests, ")
        # It goes on by itself.
        seen = len(page.requests())
        eventually(lambda: len(page.requests()) > seen + 1, 20, "it asks again")
        assert page.value("window.hacked ?? null") is None
        assert page.value("document.querySelectorAll('main img, main script').length") == 0
        assert page.problems() == []
        assert all(url.startswith(admin_origin(gateway)) for url in page.requests())
    page.wait("document.querySelector('#requests .empty') !== null")
    for secret in [*gateway.secrets(), ADMIN_KEY]:
        assert secret not in page.value("document.documentElement.outerHTML")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 1090, 900, 390, 360])
def test_no_width_scrolls_sideways(gateway, browser, width, scheme):
    with Traffic(gateway, ["qwen3-coder-plus", "a-model-" + "with-a-very-long-name-" * 4]) as traffic:
        traffic.chat(authorization="Bearer wrong", **{"x-request-id": "long-" * 25})
        page = browser.open(admin_origin(gateway), width, 900, scheme)
        page.wait("document.querySelectorAll('#requests tbody tr').length === 2")
        page.wait("document.querySelectorAll('#errors tbody tr').length === 1")
        assert page.overflow() <= 0
        picture(page, f"width-{width}-{scheme}")
        assert page.problems() == []


def test_the_public_address_shows_nothing_without_an_administrators_key(gateway, browser):
    page = browser.open(gateway.origin + "/")
    page.wait("!document.querySelector('#door').hidden")
    picture(page, "door")
    # Nothing was asked for, so that nothing could be refused.
    assert not any("/console/state" in url for url in page.requests())
    assert page.value("document.activeElement.id") == "door-key"
    for key, answer in [("wrong", "does not know this key"), (gateway.key, "operator"), ("schlüssel", "can not be")]:
        page.write(key)
        page.press("Enter", 13, "\r")
        page.wait(f"document.querySelector('#door-problem').textContent.includes({json.dumps(answer)})")
        assert page.value("document.querySelector('#content').hidden")
        page.value("document.querySelector('#door-key').value = ''")
    page.write(ADMIN_KEY)
    page.press("Enter", 13, "\r")
    page.wait("!document.querySelector('#content').hidden")
    page.wait("document.querySelectorAll('#credentials tbody tr').length === 1")
    assert page.value("document.cookie") == ""
    assert page.value("localStorage.length") == 0
    assert ADMIN_KEY not in page.value("document.documentElement.outerHTML")
    assert not any(ADMIN_KEY in url for url in page.requests())
    # A reload finds the key, a new tab does not.
    page.reload()
    page.wait("!document.querySelector('#content').hidden")
    page.value("document.querySelector('#forget').click()")
    page.wait("document.querySelector('#content').hidden && !document.querySelector('#door').hidden")
    assert page.value("sessionStorage.length") == 0
    assert page.problems(allowed=("status of 401", "status of 403")) == []


def test_it_says_when_the_gateway_is_gone(gateway, browser):
    page = browser.open(admin_origin(gateway))
    page.wait("!document.querySelector('#content').hidden")
    gateway.kill()
    page.wait("!document.querySelector('#unreachable').hidden")
    assert "can not be reached" in page.text("#unreachable")
    assert "last answered at" in page.text("#unreachable")
    assert page.text("#contact") == "Unreachable"


def test_it_rests_while_nobody_looks(gateway, browser):
    page = browser.open(admin_origin(gateway))
    page.wait("!document.querySelector('#content').hidden")

    def hide(isHidden):
        page.value(
            f"Object.defineProperty(document, 'hidden', {{ value: {json.dumps(isHidden)}, configurable: true }});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )

    hide(True)
    page.wait("document.querySelector('#contact').textContent.startsWith('Paused')")
    seen = len(page.requests())
    # Longer than it would take to ask again.
    page.value("new Promise((done) => setTimeout(done, 3000))")
    assert len(page.requests()) == seen
    hide(False)
    eventually(lambda: len(page.requests()) > seen, 10, "it asks again")


def test_a_login_is_begun_shown_and_confirmed(new_simulator, gateway_before, browser):
    simulator = new_simulator("oauth.approval=manual oauth.interval=1 portal.auth=tokens oauth.device=refused")
    gateway = gateway_before(
        simulator, ADMIN_ADDRESS="127.0.0.1:0", QWEN_API_KEY="", QWEN_CREDENTIALS_SECRET=secrets.token_hex(16),
        QWEN_OAUTH_BASE_URL=f"https://localhost:{simulator.port}",
    )  # fmt: skip
    page = browser.open(admin_origin(gateway))
    page.wait("document.querySelector('#login .pill')?.textContent === 'Failed'")
    assert "qwen-gateway credentials add" in page.text("#credentials")
    assert "no working credential" in page.text("#serving")
    simulator.behave("oauth.approval=manual oauth.interval=1 portal.auth=tokens oauth.device=normal")
    page.value("document.querySelector('#begin-login').click()")
    page.wait("document.querySelector('#login .qr') !== null")
    picture(page, "login")
    code = page.text("#login .code")
    assert code and code in page.value("document.querySelector('#login a').href")
    assert page.value("document.querySelector('#login a').rel") == "noopener noreferrer"
    assert "Valid for another" in page.text("#login")
    assert page.value("document.querySelector('#begin-login').hidden")
    simulator.control(f"/simulator/approve?user_code={code}", "")
    page.wait("document.querySelector('#login .pill').textContent === 'Logged in'")
    page.wait("document.querySelector('#credentials tbody .pill')?.textContent === 'Healthy'")
    assert page.text("#serving") == "Serving"
    assert page.problems() == []


def test_keys_come_and_go_with_what_they_have_used(gateway, browser):
    made = gateway.command("keys", "add", "n8n", "--daily-tokens", "50000", "--expires", "90d")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    page = browser.open(admin_origin(gateway))
    page.wait("document.querySelector('#keys').textContent.includes('n8n')")
    assert "not used yet, 0 of 50 k tokens today, until 20" in page.text("#keys")
    with Traffic(gateway, []) as traffic:
        assert traffic.chat(authorization=f"Bearer {key}").status_code == 200
    page.wait("/used within the last minute, [1-9]\\d* of 50 k tokens/.test(document.querySelector('#keys').textContent)")
    assert gateway.command("keys", "revoke", "n8n").returncode == 0
    page.wait("!document.querySelector('#keys').textContent.includes('n8n')")
    assert key not in page.value("document.documentElement.outerHTML")


def test_a_long_table_shows_its_first_rows_and_all_when_told(gateway, browser):
    with Traffic(gateway, []) as traffic:
        for number in range(14):
            traffic.client.get(f"/wrong/{number}")
    page = browser.open(admin_origin(gateway))
    page.wait("document.querySelectorAll('#errors tbody tr').length === 10")
    assert "/wrong/13" in page.text("#errors tbody tr:first-child")
    assert page.text("#errors button") == "Show all 14"
    page.value("document.querySelector('#errors button').click()")
    assert page.value("document.querySelectorAll('#errors tbody tr').length") == 14
    assert page.value("document.querySelector('#errors button').getAttribute('aria-expanded')") == "true"
    # It stays so, and its rows stay the same elements, when the state is asked for again.
    page.value("document.querySelector('#errors tbody tr').marked = true")
    seen = len(page.requests())
    eventually(lambda: len(page.requests()) > seen + 1, 20, "it asks again")
    assert page.value("document.querySelectorAll('#errors tbody tr').length") == 14
    assert page.value("document.querySelector('#errors tbody tr').marked")


def test_values_are_written_with_their_units(gateway, browser):
    page = browser.open(admin_origin(gateway))
    page.wait("!document.querySelector('#content').hidden")
    written = page.value(
        """import('/console/format.js').then((format) => [
          format.number(null), format.number(0), format.number(0.256), format.number(1234), format.number(45678),
          format.number(2_500_000), format.time(0.5), format.time(999), format.time(2500), format.time(61_000),
          format.duration(0.4), format.duration(59), format.duration(3661), format.duration(90_000),
          format.bytes(999), format.bytes(1500), format.bytes(2_000_000),
        ])"""
    )
    assert written == [
        "–", "0", "0.26", "1,234", "45.7 k", "2.5 M", "0.5 ms", "999 ms", "2.5 s", "1 min 1 s",
        "0 s", "59 s", "1 h 1 min", "1 d 1 h", "999 B", "1.5 kB", "2 MB",
    ]  # fmt: skip


def test_it_can_be_used_and_read_without_a_mouse_or_eyes(gateway, browser):
    with Traffic(gateway):
        page = browser.open(admin_origin(gateway), 390)
        page.wait("document.querySelectorAll('#requests tbody tr').length === 1")
        page.press("Tab", 9)
        assert page.value("document.activeElement.className") == "skip"
        nodes = page.send("Accessibility.getFullAXTree")["nodes"]
        roles = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]}
        for role in ["banner", "main", "region", "table", "columnheader", "row", "cell", "status"]:
            assert any(found == role for found, _ in roles), f"{role}: {sorted(roles)}"
        assert ("heading", "qwen-gateway") in roles
        assert any(role == "image" and name.startswith("Requests, the last half hour") for role, name in roles)
        assert any(role == "table" and name == "Requests under way" for role, name in roles)

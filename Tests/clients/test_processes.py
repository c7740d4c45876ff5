"""Several gateways on one QWEN_DIR: every expiry costs one refresh, and no token is lost."""

import json
import secrets
import ssl
import urllib.request
from concurrent.futures import ThreadPoolExecutor

PROCESSES, EXPIRIES = 8, 15


def test_one_refresh_per_expiry(new_simulator, gateway_before, tmp_path, certificates):
    simulator = new_simulator("oauth.interval=1 oauth.pending=0 portal.auth=tokens")
    shared = {
        "QWEN_API_KEY": "",
        "QWEN_DIR": str(tmp_path / "state"),
        "QWEN_CREDENTIALS_SECRET": secrets.token_hex(32),
        "QWEN_OAUTH_BASE_URL": f"https://localhost:{simulator.port}",
        "UPSTREAM_RETRY_BUDGET": "20s",
        "WORKERS": "1",
    }
    gateways = [gateway_before(simulator, ADMIN_ADDRESS="127.0.0.1:0", **shared)]
    assert gateways[0].command("login", "--no-qr").returncode == 0
    gateways += [gateway_before(simulator, **shared) for _ in range(PROCESSES - 1)]
    before = simulator.control("/simulator/state")["login"]["refreshes"]
    context: ssl.SSLContext = certificates.client_context()

    def ask(gateway):
        request = urllib.request.Request(
            f"{gateway.url}/chat/completions",
            json.dumps({"messages": [{"role": "user", "content": "chunks=1"}]}).encode(),
            {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status

    with ThreadPoolExecutor(2 * PROCESSES) as pool:
        for expiry in range(1, EXPIRIES + 1):
            simulator.control("/simulator/expire", "")
            assert list(pool.map(ask, gateways * 2)) == [200] * (2 * PROCESSES)
            state = simulator.control("/simulator/state")["login"]
            assert state["refreshes"] - before == expiry, state
    assert state["reused"] == 0 and state["refreshes_refused"] == 0, state
    assert len({gateway.process.poll() for gateway in gateways}) == 1
    # What is stored is what is good: one that starts now needs no refresh.
    assert ask(gateway_before(simulator, **shared)) == 200
    assert simulator.control("/simulator/state")["login"]["refreshes"] == state["refreshes"]

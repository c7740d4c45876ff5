"""What the tests of this folder share: an upstream of another make, a gateway before it, and what they assert."""

from types import SimpleNamespace

import httpx
import pytest

from odd_upstream import DONE, OddUpstream
from servers import Gateway


@pytest.fixture(scope="module", params=["h2", "http/1.1"], ids=["upstream-h2", "upstream-h1"])
def upstream(request, certificates):
    running = OddUpstream(certificates, request.param)
    yield running
    running.close()


@pytest.fixture(scope="module")
def gateway(certificates, upstream, tmp_path_factory):
    running = Gateway(
        certificates, upstream, tmp_path_factory.mktemp("upstreams"), WORKERS="1", LOG_LEVEL="debug"
    )
    yield running
    assert running.stop() == 0, running.log()
    for secret in running.secrets():
        assert secret not in running.log()


@pytest.fixture(autouse=True)
def own_connections(upstream):
    upstream.arrivals.clear()
    yield
    upstream.settings = {}
    upstream.delay = 0
    upstream.on_connect = None


@pytest.fixture
def ask(http, gateway):
    """Sends a chat completion that asks for a behaviour; what came of it, and whether it broke off."""

    def send(name, stream=True, client=http):
        body = {"stream": stream, "messages": [{"role": "user", "content": name}]}
        headers = {"Authorization": f"Bearer {gateway.key}"}
        got, error = b"", None
        with client.stream("POST", f"{gateway.url}/chat/completions", json=body, headers=headers) as answer:
            try:
                for piece in answer.iter_bytes():
                    got += piece
            except httpx.RemoteProtocolError as caught:
                error = caught
        return SimpleNamespace(
            status=answer.status_code, body=got, broke=error is not None, done=got.endswith(DONE)
        )

    return send


@pytest.fixture
def fresh(ask, upstream):
    """The next request opens a connection: the old ones are closed from the upstream's side."""
    upstream.close_connections()

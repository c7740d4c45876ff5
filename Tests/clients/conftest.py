"""Fixtures: certificates, a simulated Qwen and a gateway that the tests of a run share, and clients for them."""

import functools
import itertools

import anthropic
import httpx
import httpx2
import openai
import pytest

from chat import ALIASES
from recording_upstream import RecordingUpstream
from servers import Certificates, Gateway, Simulator


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="session", params=["h2", "http/1.1"], ids=["upstream-h2", "upstream-h1"])
def simulator(request, certificates, tmp_path_factory):
    """Qwen over either protocol: every test that uses it runs with both."""
    running = Simulator(certificates, tmp_path_factory.mktemp("simulator"), protocols=request.param)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def own_simulator(certificates, tmp_path_factory):
    """A simulator of a module's own, which speaks either protocol, for modules to whose tests Qwen's side is all one."""
    running = Simulator(certificates, tmp_path_factory.mktemp("own-simulator"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def gateway(certificates, simulator, tmp_path_factory):
    """The gateway that tests share. At the end it must stop properly and have kept every secret."""
    running = Gateway(certificates, simulator, tmp_path_factory.mktemp("gateway"), MODEL_ALIASES=ALIASES)
    yield running
    assert running.stop() == 0, running.log()
    for secret in running.secrets():
        assert secret not in running.log()


@pytest.fixture(scope="session")
def recording(certificates):
    """An upstream of another make that keeps the bytes of every request."""
    running = RecordingUpstream(certificates)
    yield running
    running.close()


@pytest.fixture(scope="session")
def front(certificates, recording, tmp_path_factory):
    """A gateway before it, for clients that break the rules."""
    running = Gateway(certificates, recording, tmp_path_factory.mktemp("front"))
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture
def new_simulator(certificates, tmp_path):
    """Starts simulators of a test's own, with switches of its own."""
    started = []

    def start(switches=""):
        folder = tmp_path / f"simulator{len(started)}"
        started.append(Simulator(certificates, folder, switches=switches))
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.fixture
def gateway_before(certificates, tmp_path):
    """Starts gateways of a test's own, with settings of its own, before the simulator that is given."""
    started = []
    numbers = itertools.count()

    def start(simulator, **settings):
        started.append(Gateway(certificates, simulator, tmp_path / f"gateway{next(numbers)}", **settings))
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.fixture
def new_gateway(gateway_before, simulator):
    """Starts gateways of a test's own, with settings of its own, before the simulator that all tests share."""
    return functools.partial(gateway_before, simulator)


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def protocol(request):
    """The HTTP version between client and gateway."""
    return request.param


@pytest.fixture
def http(certificates, protocol):
    """An HTTP client that speaks the protocol, trusts the development CA and checks the version of each answer."""

    def check(response):
        assert response.http_version == protocol

    client = httpx.Client(
        verify=certificates.client_context(),
        http1=protocol == "HTTP/1.1",
        http2=protocol == "HTTP/2",
        event_hooks={"response": [check]},
        timeout=30,
        trust_env=False,
    )
    with client:
        yield client


@pytest.fixture
def sdk(http):
    """Makes an OpenAI client for a gateway; it does not retry."""

    def make(gateway, key=None):
        return openai.OpenAI(api_key=key or gateway.key, base_url=gateway.url, http_client=http, max_retries=0)

    return make


@pytest.fixture
def claude(certificates, protocol):
    """Makes an Anthropic client for a gateway; it does not retry. It takes no HTTP client but httpx2's."""
    http2 = protocol == "HTTP/2"
    with httpx2.Client(verify=certificates.client_context(), http1=not http2, http2=http2, trust_env=False) as http:

        def make(gateway, key=None):
            return anthropic.Anthropic(
                api_key=key or gateway.key, base_url=gateway.origin, http_client=http, max_retries=0
            )

        yield make


@pytest.fixture
def qwen(certificates, simulator):
    """An OpenAI client that asks the simulator, past the gateway."""
    with httpx.Client(verify=certificates.client_context(), http2=True, trust_env=False) as client:
        yield openai.OpenAI(api_key=simulator.key, base_url=simulator.url, http_client=client, max_retries=0)

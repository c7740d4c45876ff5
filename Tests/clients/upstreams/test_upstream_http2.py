"""What HTTP/2 lets an upstream do to a stream, to all of them, and to the settings that they live by."""

import concurrent.futures
import time

import h2.events
import httpx
import pytest

from expect import assert_failed, assert_truncated, assert_whole
from odd_upstream import DONE, EVENTS, STREAM, behaviour, chunk

INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS = 4, 3
pytestmark = pytest.mark.parametrize("upstream", ["h2"], indirect=True)


@behaviour
def settings_amid(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    with a.connection.lock:
        a.h2.update_settings({1: 0, 4: 100, 5: 32_768})
        a.connection.send()
    a.data(chunk("two"))
    with a.connection.lock:
        a.h2.ping(b"odd-ping")
        a.h2.increment_flow_control_window(1000)
        a.connection.send()
    a.data(chunk("", "stop") + DONE, pad_length=17)
    a.end()


@behaviour
def goaway_amid(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    a.goaway(a.stream)
    time.sleep(0.05)
    a.data(STREAM[len(chunk("one")) :])
    a.end()


@behaviour
def goaway_with_an_error_amid(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    a.goaway(a.stream, 2)
    time.sleep(0.05)
    a.cut()


def tries(a) -> int:
    return len(a.connection.upstream.named(a.arrival.name))


@behaviour
def goaway_unprocessed(a):
    if tries(a) > 1:
        return a.whole()
    a.goaway(a.stream - 2 if a.stream > 1 else 0)


@behaviour
def refused_once(a):
    a.reset(7) if tries(a) == 1 else a.whole()


@behaviour
def refused_always(a):
    a.reset(7)


@behaviour
def reset_before_the_head(a):
    a.reset(2)


@behaviour
def cancelled_before_the_head(a):
    a.reset(8)


@behaviour
def reset_amid(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    a.reset(2)


@behaviour
def reset_without_error_amid(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    a.reset(0)


@behaviour
def refused_amid(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    a.reset(7)


@behaviour
def push(a):
    a.head(200, EVENTS)
    a.data(chunk("one"))
    stream = a.stream.to_bytes(4, "big")
    a.raw(b"\0\0\x05\x05\x04" + stream + b"\0\0\0\x02\x82")
    a.wait_until_cancelled(2)


@behaviour
def head_without_status(a):
    a.raw(b"\0\0\x05\x01\x04" + a.stream.to_bytes(4, "big") + b"\0\x01a\x01b")
    a.wait_until_cancelled(2)


def test_settings_and_pings_amid_a_stream(ask):
    assert_whole(ask("settings_amid"))


def test_goaway_lets_the_stream_finish(ask, upstream):
    assert_whole(ask("goaway_amid"))
    assert_whole(ask("plain"))
    assert upstream.arrivals[0].connection != upstream.arrivals[1].connection


@pytest.mark.parametrize("name", ["goaway_unprocessed", "refused_once"])
def test_unprocessed_request_is_sent_again(ask, upstream, name):
    assert_whole(ask(name))
    first, second = upstream.arrivals
    assert first.connection != second.connection


def test_refusals_come_to_an_end(ask, upstream):
    assert_failed(ask("refused_always"), 502, 503)
    assert len(upstream.arrivals) == 2


@pytest.mark.parametrize(
    "name", ["reset_before_the_head", "cancelled_before_the_head", "head_without_status"]
)
def test_reset_before_the_head_is_an_error(ask, upstream, name):
    assert_failed(ask(name))
    assert len(upstream.arrivals) == 1


@pytest.mark.parametrize(
    "name", ["reset_amid", "reset_without_error_amid", "refused_amid", "goaway_with_an_error_amid", "push"]
)
def test_http2_stream_that_broke_off(ask, upstream, name):
    assert_truncated(ask(name))
    assert len(upstream.arrivals) == 1


@pytest.fixture
def burst(certificates, gateway, ask):
    """Sends so many requests at once, over one connection."""

    def send(number, name):
        context = certificates.client_context()
        with httpx.Client(verify=context, http2=True, timeout=20, trust_env=False) as client:
            with concurrent.futures.ThreadPoolExecutor(number) as pool:
                return list(pool.map(lambda _: ask(name, client=client), range(number)))

    return send


@behaviour
def slow(a):
    time.sleep(0.1)
    a.whole()


def test_upstream_that_takes_one_stream_at_a_time(burst, upstream, fresh):
    """Requests gather while the connection is opened; its limit comes with its SETTINGS, a moment later."""
    upstream.settings = {MAX_CONCURRENT_STREAMS: 1}
    upstream.delay = 0.3
    for answer in burst(6, "slow"):
        assert_whole(answer)


def test_upstream_whose_window_is_closed_at_first(ask, upstream, fresh):
    upstream.settings = {INITIAL_WINDOW_SIZE: 0}

    def open_slowly(connection):
        def handle(event, original=connection._handle):
            original(event)
            if isinstance(event, h2.events.SettingsAcknowledged):
                for stream in list(connection.bodies):
                    connection.h2.increment_flow_control_window(7, stream)

        def took(event):
            connection.h2.increment_flow_control_window(7, event.stream_id)

        connection._handle = handle
        connection.took = took

    upstream.on_connect = open_slowly
    assert_whole(ask("plain"))
    upstream.on_connect = None

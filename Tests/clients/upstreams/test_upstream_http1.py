"""HTTP/1.1 responses that are odd and legal, and those whose end is in doubt."""

import time

import pytest

from expect import assert_failed, assert_truncated, assert_whole
from odd_upstream import DOCUMENT, STREAM, behaviour, chunk

pytestmark = pytest.mark.parametrize("upstream", ["http/1.1"], indirect=True)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EVENT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def raw_answer(name, *parts: bytes, end="keep", pause=0.0):
    """A behaviour that sends bytes as they are, and then keeps, closes, or cuts the connection."""

    def answer(a):
        for part in parts:
            a.raw(part)
            time.sleep(pause)
        if end != "keep":
            a.cut(clean=end == "close")

    answer.__name__ = name
    behaviour(answer)
    return name


COUNTED = b"Content-Length: %d\r\n\r\n" % len(DOCUMENT) + DOCUMENT
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ONE_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(DOCUMENT), DOCUMENT)
EXTENDED_CHUNK = b'%x;a="b;\\"";c\r\n%s\r\n000;z\r\n\r\n' % (len(DOCUMENT), DOCUMENT)
GOOD_DOCUMENTS = [
    raw_answer("no_reason_phrase", b"HTTP/1.1 200 \r\n" + HEAD[17:] + COUNTED),
    raw_answer("no_space_after_status", b"HTTP/1.1 200\r\n" + HEAD[17:] + COUNTED),
    raw_answer("odd_reason_phrase", b"HTTP/1.1 200 \xc3\x9cber  gut\r\n" + HEAD[17:] + COUNTED),
    raw_answer("chunk_extensions", HEAD + CHUNKED + EXTENDED_CHUNK),
    raw_answer("http_1_0", b"HTTP/1.0 200 OK\r\n" + HEAD[17:] + COUNTED, end="close"),
    raw_answer("close_delimited", HEAD + b"\r\n" + DOCUMENT, end="close"),
    raw_answer("connection_close", HEAD + b"Connection: close\r\n" + COUNTED, end="close"),
    raw_answer("byte_by_byte_raw", *(bytes([byte]) for byte in HEAD + COUNTED)),
]
BAD_DOCUMENTS = [
    raw_answer("close_delimited_cut", HEAD + b"\r\n" + DOCUMENT, end="cut"),
    raw_answer("length_and_coding", HEAD + b"Content-Length: 5\r\n" + CHUNKED + ONE_CHUNK),
    raw_answer("two_lengths", HEAD + b"Content-Length: 5\r\n" + COUNTED),
    raw_answer("signed_length", HEAD + COUNTED.replace(b": ", b": +", 1)),
    raw_answer("unknown_coding", HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + DOCUMENT, end="close"),
    raw_answer("coding_in_http_1_0", b"HTTP/1.0 200 OK\r\n" + HEAD[17:] + CHUNKED + ONE_CHUNK, end="close"),
    raw_answer("bad_chunk_size", HEAD + CHUNKED + ONE_CHUNK.replace(b"\r\n", b"x\r\n", 1)),
    raw_answer("chunk_without_end", HEAD + CHUNKED + ONE_CHUNK.replace(b"\r\n0\r\n", b"0\r\n")),
    raw_answer("no_last_chunk", HEAD + CHUNKED + ONE_CHUNK[:-5], end="close"),
    raw_answer("no_last_line", HEAD + CHUNKED + ONE_CHUNK[:-2], end="close"),
    raw_answer("obs_fold", HEAD + b"X: a\r\n b\r\n" + COUNTED),
    raw_answer("bare_line_feeds", (HEAD + COUNTED).replace(b"\r\n", b"\n")),
    raw_answer("nul_in_field", HEAD + b"X: a\0b\r\n" + COUNTED),
    raw_answer("space_before_colon", HEAD + b"X : a\r\n" + COUNTED),
    raw_answer("status_of_two_digits", b"HTTP/1.1 20 OK\r\n" + HEAD[17:] + COUNTED),
    raw_answer("switching_protocols", b"HTTP/1.1 101 Up\r\nUpgrade: h2c\r\n\r\n" + HEAD + COUNTED),
    raw_answer("not_http", b"SSH-2.0-OpenSSH_9.2\r\n"),
    raw_answer("http_2_line", b"HTTP/2 200 OK\r\n" + HEAD[17:] + COUNTED),
]


@pytest.mark.parametrize("name", GOOD_DOCUMENTS)
def test_http1_answer_that_is_legal(ask, upstream, name):
    assert_whole(ask(name, stream=False), stream=False)
    assert_whole(ask("plain"))
    assert len(upstream.arrivals) == 2


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_http1_answer_that_is_not(ask, upstream, name):
    assert_failed(ask(name, stream=False))
    assert len(upstream.named(name)) == 1
    assert_whole(ask("plain"))
    assert upstream.arrivals[0].connection != upstream.arrivals[-1].connection


STREAM_LENGTH = b"Content-Length: %d\r\n\r\n"
raw_answer("events_counted", EVENT_HEAD + STREAM_LENGTH % len(STREAM) + STREAM)
raw_answer("events_to_the_close", EVENT_HEAD + b"\r\n" + STREAM, end="close")
raw_answer("events_to_the_cut", EVENT_HEAD + b"\r\n" + STREAM, end="cut")
raw_answer(
    "events_cut_in_a_chunk", EVENT_HEAD + CHUNKED + b"ffff\r\n" + chunk("one"), end="close", pause=0.05
)
raw_answer(
    "events_cut_in_a_length", EVENT_HEAD + STREAM_LENGTH % 9999 + chunk("one"), end="close", pause=0.05
)
raw_answer("events_closed_early", EVENT_HEAD + b"\r\n" + chunk("one"), end="close", pause=0.05)
raw_answer("events_cut_early", EVENT_HEAD + b"\r\n" + chunk("one"), end="cut", pause=0.05)


@pytest.mark.parametrize("name", ["events_counted", "events_to_the_close", "events_to_the_cut"])
def test_http1_stream_that_is_whole(ask, name):
    assert_whole(ask(name))


@pytest.mark.parametrize(
    "name", ["events_cut_in_a_chunk", "events_cut_in_a_length", "events_closed_early", "events_cut_early"]
)
def test_http1_stream_that_broke_off(ask, name):
    assert_truncated(ask(name))


FOREIGN = HEAD + COUNTED.replace(b"whole", b"alien")
raw_answer("two_answers", HEAD + COUNTED + FOREIGN)


@behaviour
def answer_to_nobody(a):
    """A second answer a moment after the first: the next request must not get it."""
    a.raw(HEAD + COUNTED)
    time.sleep(0.1)
    a.raw(FOREIGN)


@pytest.mark.parametrize("name", ["two_answers", "answer_to_nobody"])
def test_answer_to_nobody_is_nobodys(ask, upstream, name):
    assert_whole(ask(name, stream=False), stream=False)
    time.sleep(0.2)
    assert_whole(ask("plain", stream=False), stream=False)
    assert upstream.arrivals[0].connection != upstream.arrivals[1].connection

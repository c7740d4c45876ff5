"""HTTP/2 as RFC 9113 and RFC 7541 ask for it: each case sends frames and names the error that must come back.

They are arranged by section. A connection error is a GOAWAY with the right code and the end of the connection; a
stream error is a RST_STREAM with the right code on a connection that goes on.
"""

import pytest
from h2frames import *  # noqa: F403
from h2frames import H2, block, frame, literal, settings, window_update
from hyperframe.frame import DataFrame, HeadersFrame, PingFrame, SettingsFrame

BODY = b'{"messages":[{"role":"user","content":"x"}]}'
CONNECTION_CASES, STREAM_CASES, GOOD_CASES = [], [], []


def breaks(section, *codes):
    """A case whose frames break the connection."""

    def add(case):
        CONNECTION_CASES.append(pytest.param(case, codes, id=f"{section}-{case.__name__.replace('_', '-')}"))
        return case

    return add


def resets(section, *codes):
    """A case whose frames break stream 1."""

    def add(case):
        STREAM_CASES.append(pytest.param(case, codes, id=f"{section}-{case.__name__.replace('_', '-')}"))
        return case

    return add


def good(section):
    """A case that must go well; it asserts by itself."""

    def add(case):
        GOOD_CASES.append(pytest.param(case, id=f"{section}-{case.__name__.replace('_', '-')}"))
        return case

    return add


def ended(c: H2, stream: int = 1):
    """A stream that has been answered."""
    c.send(c.headers(stream))
    c.response(stream)


def waiting(c: H2, stream: int = 1):
    """A stream whose request is whole and that waits for an answer, because the client's window is closed."""
    c.send(settings((INITIAL_WINDOW_SIZE, 0)), c.headers(stream))


# §3.4, §4: the preface and frames


@breaks("4.2", FRAME_SIZE_ERROR)
def data_larger_than_the_maximum(c):
    c.send(c.post(1), frame(DATA, 0, 1, bytes(16_385)))


@breaks("4.2", FRAME_SIZE_ERROR)
def headers_larger_than_the_maximum(c):
    c.send(c.headers(1, c.fields(b"GET", b"/health", (b"x", b"y" * 16_384)), after=b""))


@breaks("4.2", FRAME_SIZE_ERROR)
def unknown_frame_larger_than_the_maximum(c):
    c.send(frame(0x16, 0, 0, bytes(16_385)))


@breaks("4.3", COMPRESSION_ERROR)
def header_block_that_does_not_decode(c):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))


@breaks("4.3", PROTOCOL_ERROR)
def priority_amid_a_header_block(c):
    c.send(c.headers(1, flags=END_STREAM), frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"))


@breaks("4.3", PROTOCOL_ERROR)
def headers_of_another_stream_amid_a_header_block(c):
    c.send(c.headers(1, flags=END_STREAM), c.headers(3))


@breaks("4.3", PROTOCOL_ERROR)
def unknown_frame_amid_a_header_block(c):
    c.send(c.headers(1, flags=END_STREAM), frame(0x16, 0, 1, b"?"))


@good("4.1")
def unknown_frame_type_is_ignored(c):
    c.send(frame(0x16, 0xFF, 0, b"unknown"), frame(0xFF, 0, 7, b""))
    c.expect_ping()


@good("4.1")
def unknown_flags_are_ignored(c):
    c.send(frame(PING, 0xFE, 0, b"whatever"))
    assert c.until(lambda got: isinstance(got, PingFrame)).opaque_data == b"whatever"


@good("4.1")
def reserved_bit_is_ignored(c):
    c.send(c.headers(1 | 1 << 31))
    assert c.response(1).status == 200


@good("4.2")
def data_of_the_maximum_size(c):
    c.send(c.post(1), frame(DATA, 0, 1, BODY + b" " * (16_384 - len(BODY))), frame(DATA, END_STREAM, 1))
    assert c.response(1).status == 200


# §5: streams


@breaks("5.1", PROTOCOL_ERROR)
def data_on_an_idle_stream(c):
    c.send(frame(DATA, END_STREAM, 1, b"x"))


@breaks("5.1", PROTOCOL_ERROR)
def rst_stream_on_an_idle_stream(c):
    c.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))


@breaks("5.1", PROTOCOL_ERROR)
def window_update_on_an_idle_stream(c):
    c.send(window_update(1, 100))


@breaks("5.1", PROTOCOL_ERROR)
def continuation_on_an_idle_stream(c):
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(c.fields())))


@breaks("5.1", STREAM_CLOSED)
def data_on_a_half_closed_stream(c):
    waiting(c)
    c.send(frame(DATA, END_STREAM, 1, b"x"))


@breaks("5.1", STREAM_CLOSED)
def headers_on_a_half_closed_stream(c):
    waiting(c)
    c.send(c.headers(1))


@breaks("5.1", PROTOCOL_ERROR, STREAM_CLOSED)
def continuation_on_a_half_closed_stream(c):
    waiting(c)
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(c.fields())))


@breaks("5.1", STREAM_CLOSED)
def data_after_rst_stream(c):
    c.send(c.post(1), frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), frame(DATA, END_STREAM, 1, b"x"))


@breaks("5.1", STREAM_CLOSED)
def headers_after_rst_stream(c):
    c.send(c.post(1), frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), c.headers(1))


@breaks("5.1", PROTOCOL_ERROR, STREAM_CLOSED)
def continuation_after_rst_stream(c):
    c.send(
        c.post(1),
        frame(RST_STREAM, 0, 1, b"\0\0\0\x08"),
        frame(CONTINUATION, END_HEADERS, 1, block(c.fields())),
    )


@breaks("5.1", STREAM_CLOSED)
def data_on_a_closed_stream(c):
    ended(c)
    c.send(frame(DATA, END_STREAM, 1, b"x"))


@breaks("5.1", STREAM_CLOSED)
def headers_on_a_closed_stream(c):
    ended(c)
    c.send(c.headers(1))


@breaks("5.1", PROTOCOL_ERROR, STREAM_CLOSED)
def continuation_on_a_closed_stream(c):
    ended(c)
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(c.fields())))


@breaks("5.1.1", PROTOCOL_ERROR)
def even_stream_identifier(c):
    c.send(c.headers(2))


@breaks("5.1.1", PROTOCOL_ERROR)
def smaller_stream_identifier(c):
    ended(c, 5)
    c.send(c.headers(3))


@good("5.1")
def late_frames_on_a_half_closed_stream(c):
    waiting(c)
    c.send(frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), window_update(1, 1000))
    assert c.response(1).status == 200


@good("5.1")
def rst_stream_on_a_half_closed_stream(c):
    waiting(c)
    c.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    c.send(settings((INITIAL_WINDOW_SIZE, 65_535)))
    c.expect_alive(3)


@good("5.1")
def late_frames_on_a_closed_stream(c):
    ended(c)
    c.send(
        frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), window_update(1, 10), frame(RST_STREAM, 0, 1, b"\0\0\0\x08")
    )
    c.expect_alive(3)


@good("5.1")
def priority_on_an_idle_stream(c):
    c.send(frame(PRIORITY, 0, 9, b"\0\0\0\0\x10"))
    c.expect_alive(1)


@breaks("5.1.2", PROTOCOL_ERROR)
def streams_past_the_limit(c):
    limit = next(
        got.settings[3] for got in c.frames if isinstance(got, SettingsFrame) and "ACK" not in got.flags
    )
    c.send(*(c.post(2 * number + 1) for number in range(limit + 1)))


@good("5.1.2")
def as_many_streams_as_allowed(c):
    limit = next(
        got.settings[3] for got in c.frames if isinstance(got, SettingsFrame) and "ACK" not in got.flags
    )
    assert limit >= 100
    c.send(*(c.post(2 * number + 1) for number in range(limit)), frame(DATA, END_STREAM, 1, BODY))
    assert c.response(1).status == 200


def depending_on(stream: int) -> bytes:
    return stream.to_bytes(4, "big") + b"\x10"


# RFC 7540 asked for PROTOCOL_ERROR on the stream or the connection; RFC 9113 leaves priorities out.


@breaks("7540-5.3.1", PROTOCOL_ERROR)
def headers_that_depend_on_themselves(c):
    c.send(c.headers(1, flags=END_HEADERS | END_STREAM | WITH_PRIORITY, before=depending_on(1)))


@breaks("7540-5.3.1", PROTOCOL_ERROR)
def priority_that_depends_on_itself(c):
    c.send(frame(PRIORITY, 0, 2, depending_on(2)))


@good("5.1.1")
def stream_below_one_with_a_priority(c):
    # PRIORITY opens no stream, so a lower identifier may still be used.
    c.send(frame(PRIORITY, 0, 123, depending_on(0)))
    c.expect_alive(1)


@good("5.5")
def frame_of_an_unknown_type_on_an_open_stream(c):
    c.send(c.post(1), frame(0x16, 0, 1, b"?"), frame(DATA, END_STREAM, 1, BODY))
    assert c.response(1).status == 200


# §6.1, §6.2: DATA and HEADERS


@breaks("6.1", PROTOCOL_ERROR)
def data_on_stream_zero(c):
    c.send(frame(DATA, END_STREAM, 0, b"x"))


@breaks("6.1", PROTOCOL_ERROR)
def padding_as_long_as_data(c):
    c.send(c.post(1), frame(DATA, END_STREAM | PADDED, 1, b"\x05five!"[:5]))


@breaks("6.1", FRAME_SIZE_ERROR, PROTOCOL_ERROR)
def padded_data_without_a_length(c):
    c.send(c.post(1), frame(DATA, END_STREAM | PADDED, 1))


@good("6.1")
def padded_data(c):
    c.send(
        c.post(1),
        frame(DATA, PADDED, 1, b"\x05" + BODY + bytes(5)),
        frame(DATA, END_STREAM | PADDED, 1, b"\0"),
    )
    assert c.response(1).status == 200


@good("6.1")
def data_in_many_frames(c):
    c.send(c.post(1), *(frame(DATA, 0, 1, bytes([byte])) for byte in BODY), frame(DATA, END_STREAM, 1))
    assert c.response(1).status == 200


@breaks("6.2", PROTOCOL_ERROR)
def headers_on_stream_zero(c):
    c.send(c.headers(0))


@breaks("6.2", PROTOCOL_ERROR)
def headers_padding_too_long(c):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff" + block(c.fields())))


@breaks("6.2", FRAME_SIZE_ERROR, PROTOCOL_ERROR)
def padded_headers_without_a_length(c):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1))


@breaks("6.2", FRAME_SIZE_ERROR, PROTOCOL_ERROR)
def headers_too_short_for_their_priority(c):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0"))


@good("6.2")
def padded_headers_with_priority(c):
    flags = END_HEADERS | END_STREAM | PADDED | WITH_PRIORITY
    c.send(c.headers(1, flags=flags, before=b"\x08\x80\0\0\0\xff", after=bytes(8)))
    assert c.response(1).status == 200


# §6.3, §6.4: PRIORITY and RST_STREAM


@breaks("6.3", PROTOCOL_ERROR)
def priority_on_stream_zero(c):
    c.send(frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"))


@breaks("6.3", FRAME_SIZE_ERROR)
def priority_of_a_wrong_length(c):
    c.send(c.post(1), frame(PRIORITY, 0, 1, b"\0\0\0\0"))


@good("6.3")
def priorities_of_every_kind(c):
    for payload in (b"\0\0\0\0\0", b"\0\0\0\0\xff", b"\x80\0\0\x05\x10", b"\0\0\0\x63\x10"):
        c.send(frame(PRIORITY, 0, 1, payload))
    c.expect_alive(1)


@breaks("6.4", PROTOCOL_ERROR)
def rst_stream_on_stream_zero(c):
    c.send(frame(RST_STREAM, 0, 0, b"\0\0\0\x08"))


@breaks("6.4", FRAME_SIZE_ERROR)
def rst_stream_of_a_wrong_length(c):
    c.send(c.post(1), frame(RST_STREAM, 0, 1, b"\0\0\x08"))


@good("6.4")
def rst_stream_with_an_unknown_code(c):
    c.send(c.post(1), frame(RST_STREAM, 0, 1, b"\0\0\0\xff"))
    c.expect_alive(3)


# §6.5: SETTINGS


@breaks("6.5", FRAME_SIZE_ERROR)
def settings_ack_with_payload(c):
    c.send(frame(SETTINGS, ACK, 0, b"\0\0\0\0\0\0"))


@breaks("6.5", PROTOCOL_ERROR)
def settings_on_a_stream(c):
    c.send(frame(SETTINGS, 0, 1, b"\0\x03\0\0\0\x64"))


@breaks("6.5", FRAME_SIZE_ERROR)
def settings_of_a_wrong_length(c):
    c.send(frame(SETTINGS, 0, 0, b"\0\x03\0"))


@breaks("6.5.2", PROTOCOL_ERROR)
def enable_push_of_two(c):
    c.send(settings((ENABLE_PUSH, 2)))


@breaks("6.5.2", FLOW_CONTROL_ERROR)
def initial_window_above_the_maximum(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 1 << 31)))


@breaks("6.5.2", PROTOCOL_ERROR)
def max_frame_size_below_the_minimum(c):
    c.send(settings((MAX_FRAME_SIZE, 16_383)))


@breaks("6.5.2", PROTOCOL_ERROR)
def max_frame_size_above_the_maximum(c):
    c.send(settings((MAX_FRAME_SIZE, 1 << 24)))


@good("6.5.2")
def unknown_setting_is_ignored(c):
    c.send(settings((0xFF, 1), (0x99, 0xFFFFFFFF)))
    c.expect_alive(1)


@good("6.5.3")
def settings_are_acknowledged(c):
    c.send(settings((MAX_CONCURRENT_STREAMS, 100)))
    assert c.until(lambda got: isinstance(got, SettingsFrame) and "ACK" in got.flags)


@good("6.5.3")
def the_last_of_two_equal_settings_counts(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)), c.headers(1))
    first = c.until(lambda got: isinstance(got, DataFrame))
    assert len(first.data) == 1


@good("6.5.2")
def header_table_of_no_size(c):
    c.send(settings((HEADER_TABLE_SIZE, 0)))
    c.until(lambda got: isinstance(got, SettingsFrame) and "ACK" in got.flags)
    c.decoder.max_allowed_table_size = 0
    c.expect_alive(1)
    c.expect_alive(3)


# §6.6, §6.7, §6.8: PUSH_PROMISE, PING, GOAWAY


@breaks("6.6", PROTOCOL_ERROR)
def push_promise_of_a_client(c):
    c.send(c.post(1), frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + block(c.fields())))


@breaks("6.7", PROTOCOL_ERROR)
def ping_on_a_stream(c):
    c.send(frame(PING, 0, 1, bytes(8)))


@breaks("6.7", FRAME_SIZE_ERROR)
def ping_of_a_wrong_length(c):
    c.send(frame(PING, 0, 0, bytes(6)))


@good("6.7")
def ping_is_answered_with_its_data(c):
    c.expect_ping()


@good("6.7")
def ping_ack_is_not_answered(c):
    c.send(frame(PING, ACK, 0, b"unasked!"))
    c.expect_ping()


@breaks("6.8", PROTOCOL_ERROR)
def goaway_on_a_stream(c):
    c.send(frame(GOAWAY, 0, 1, bytes(8)))


@breaks("6.8", FRAME_SIZE_ERROR)
def goaway_of_a_wrong_length(c):
    c.send(frame(GOAWAY, 0, 0, bytes(7)))


@good("6.8")
def goaway_lets_open_streams_finish(c):
    c.send(c.post(1), frame(GOAWAY, 0, 0, bytes(8) + b"bye"), frame(DATA, END_STREAM, 1, BODY))
    assert c.response(1).status == 200


@good("7")
def goaway_with_an_unknown_code(c):
    c.send(c.post(1), frame(GOAWAY, 0, 0, bytes(4) + b"\0\0\0\xff"), frame(DATA, END_STREAM, 1, BODY))
    assert c.response(1).status == 200


# §6.9, §6.10: WINDOW_UPDATE and CONTINUATION


@breaks("6.9", PROTOCOL_ERROR)
def connection_window_update_of_zero(c):
    c.send(window_update(0, 0))


@breaks("6.9", PROTOCOL_ERROR)
def stream_window_update_of_zero(c):
    # A stream error would do; an endpoint may make a connection error of it (§5.4.2), and nghttp2 does.
    c.send(c.post(1), window_update(1, 0))


@breaks("6.9", FRAME_SIZE_ERROR)
def window_update_of_a_wrong_length(c):
    c.send(frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01"))


@breaks("6.9.1", FLOW_CONTROL_ERROR)
def connection_window_overflows(c):
    c.send(window_update(0, 0x7FFFFFFF), window_update(0, 0x7FFFFFFF))


@resets("6.9.1", FLOW_CONTROL_ERROR)
def stream_window_overflows(c):
    c.send(c.post(1), window_update(1, 0x7FFFFFFF), window_update(1, 0x7FFFFFFF))


@resets("6.9.2", FLOW_CONTROL_ERROR)
def initial_window_makes_a_stream_window_overflow(c):
    # RFC 9113 asks for a connection error here; nghttp2 resets the stream that overflows.
    c.send(c.post(1), window_update(1, 0x7FFFFFFF - 65_535), settings((INITIAL_WINDOW_SIZE, 65_536)))


@good("6.9.1")
def data_is_cut_to_the_window(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 1)), c.headers(1))
    assert len(c.until(lambda got: isinstance(got, DataFrame)).data) == 1
    c.send(window_update(1, 2))
    assert len(c.until(lambda got: isinstance(got, DataFrame)).data) == 2
    c.send(window_update(1, 1000))
    assert c.until(lambda got: "END_STREAM" in got.flags)


@good("6.9.2")
def window_opens_with_the_setting(c):
    waiting(c)
    assert c.until(lambda got: isinstance(got, HeadersFrame))
    c.send(settings((INITIAL_WINDOW_SIZE, 1)))
    assert len(c.until(lambda got: isinstance(got, DataFrame)).data) == 1


@good("6.9.2")
def window_below_zero(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 3)), c.headers(1))
    assert len(c.until(lambda got: isinstance(got, DataFrame)).data) == 3
    c.send(settings((INITIAL_WINDOW_SIZE, 2)), window_update(1, 2))
    assert len(c.until(lambda got: isinstance(got, DataFrame)).data) == 1


@good("6.10")
def header_block_in_many_frames(c):
    parts = [literal(name, value) for name, value in c.fields()]
    c.send(
        frame(HEADERS, END_STREAM, 1, parts[0]), *(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1])
    )
    c.send(frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
    assert c.response(1).status == 200


@good("6.10")
def header_block_cut_amid_a_field(c):
    whole = block(c.fields())
    c.send(frame(HEADERS, END_STREAM, 1, whole[:5]), frame(CONTINUATION, END_HEADERS, 1, whole[5:]))
    assert c.response(1).status == 200


@breaks("6.10", PROTOCOL_ERROR, STREAM_CLOSED)
def continuation_after_the_end_of_headers(c):
    c.send(c.post(1), frame(CONTINUATION, END_HEADERS, 1, literal(b"x", b"y")))


@breaks("6.10", PROTOCOL_ERROR)
def continuation_on_stream_zero(c):
    c.send(c.headers(1, flags=END_STREAM), frame(CONTINUATION, END_HEADERS, 0, literal(b"x", b"y")))


@breaks("6.10", PROTOCOL_ERROR)
def data_amid_a_header_block(c):
    c.send(c.headers(1, flags=0), frame(DATA, END_STREAM, 1, b"x"))


@breaks("6.10", PROTOCOL_ERROR)
def continuation_after_data(c):
    c.send(c.post(1), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, literal(b"x", b"y")))


@breaks("10.5", ENHANCE_YOUR_CALM)
def continuations_without_an_end(c):
    c.send(c.headers(1, flags=END_STREAM), frame(CONTINUATION, 0, 1, literal(b"x", b"y")) * 1000)


# RFC 7541


@breaks("hpack-2.3.3", COMPRESSION_ERROR)
def index_past_the_table(c):
    c.send(c.headers(1, after=b"\xc6"))  # 70: past the static table, and nothing is in the dynamic one


@breaks("hpack-2.3.3", COMPRESSION_ERROR)
def name_index_past_the_table(c):
    c.send(c.headers(1, after=b"\x7f\x07\x01v"))


@breaks("hpack-4.2", COMPRESSION_ERROR)
def table_size_update_at_the_end(c):
    c.send(c.headers(1, after=b"\x20"))


@breaks("hpack-5.2", COMPRESSION_ERROR)
def huffman_padding_of_a_byte(c):
    c.send(c.headers(1, after=b"\0\x01x\x82\x1f\xff"))


@breaks("hpack-5.2", COMPRESSION_ERROR)
def huffman_padding_of_zeros(c):
    c.send(c.headers(1, after=b"\0\x01x\x81\x18"))


@breaks("hpack-5.2", COMPRESSION_ERROR)
def huffman_end_of_string(c):
    c.send(c.headers(1, after=b"\0\x01x\x84\xff\xff\xff\xff"))


@breaks("hpack-6.1", COMPRESSION_ERROR)
def index_zero(c):
    c.send(c.headers(1, after=b"\x80"))


@breaks("hpack-6.3", COMPRESSION_ERROR)
def table_size_above_the_setting(c):
    c.send(c.headers(1, before=b"\x3f\xe2\x1f"))  # 4097


@breaks("hpack-5.1", COMPRESSION_ERROR)
def integer_without_an_end(c):
    c.send(c.headers(1, after=b"\xff" + b"\x80" * 30 + b"\x01"))


@breaks("hpack-5.2", COMPRESSION_ERROR)
def string_longer_than_the_block(c):
    c.send(c.headers(1, after=b"\0\x7f\x10x"))


@good("hpack-6")
def fields_in_every_form(c):
    port = c.gateway.port
    forms = b"\x82\x87\x41" + bytes([len(f"localhost:{port}")]) + f"localhost:{port}".encode()
    forms += b"\x04\x07/health"  # name from the table, not indexed
    forms += b"\x40\x01a\x01b" + b"\x00\x01c\x01d" + b"\x10\x01e\x01f" + b"\x1f\x0b\x01g" + b"\xbe"
    forms += b"\x00\x81\xf3\x81\x1f"  # x: a, both in Huffman's code
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\x01\x3f\xe1\x1f" + forms))
    assert c.response(1).status == 200


@pytest.mark.parametrize(("case", "codes"), CONNECTION_CASES)
def test_connection_error(front, case, codes):
    with H2(front) as c:
        case(c)
        c.expect_connection_error(*codes)


@pytest.mark.parametrize(("case", "codes"), STREAM_CASES)
def test_stream_error(front, case, codes):
    with H2(front) as c:
        case(c)
        c.expect_stream_error(1, *codes)


@pytest.mark.parametrize("case", GOOD_CASES)
def test_legal(front, case):
    with H2(front) as c:
        case(c)


@pytest.mark.parametrize(
    "preface", [b"INVALID CONNECTION PREFACE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
)
def test_invalid_preface(front, preface):
    with H2(front, handshake=False) as c:
        c.send(preface)
        c.until(lambda got: False)
        assert c.ended


@pytest.mark.parametrize("first", [frame(0x8, 0, 0, b"\0\0\0\x01"), frame(6, 0, 0, bytes(8)), frame(4, 1)])
def test_first_frame_is_not_settings(front, first):
    with H2(front, handshake=False) as c:
        c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", first)
        c.expect_connection_error(PROTOCOL_ERROR)


def test_server_preface_comes_first(front):
    with H2(front, handshake=False) as c:
        c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings())
        first = c.next()
        assert isinstance(first, SettingsFrame) and "ACK" not in first.flags

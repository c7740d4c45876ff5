"""HTTP/2 requests as RFC 9113 §8 asks for them: what is malformed resets its stream, and only its stream."""

import pytest
from h2frames import *  # noqa: F403
from h2frames import H2, frame, literal
from hyperframe.frame import HeadersFrame

BODY = b'{"messages":[{"role":"user","content":"x"}]}'
STREAM_CASES, GOOD_CASES = [], []


def resets(case):
    """A case whose frames break stream 1."""
    STREAM_CASES.append(pytest.param(case, id=case.__name__.replace("_", "-")))
    return case


def good(case):
    """A case that must go well; it asserts by itself."""
    GOOD_CASES.append(pytest.param(case, id=case.__name__.replace("_", "-")))
    return case


MALFORMED_FIELDS = {
    "8.2-upper-case-name": [(b"X-Name", b"v")],
    "8.2-empty-name": [(b"", b"v")],
    "8.2-space-in-name": [(b"x name", b"v")],
    "8.2-colon-in-name": [(b"x:name", b"v")],
    "8.2-nul-in-name": [(b"x\0name", b"v")],
    "8.2-non-ascii-name": [(b"x-n\xe4me", b"v")],
    "8.2-line-feed-in-value": [(b"x-name", b"v\nw")],
    "8.2-carriage-return-in-value": [(b"x-name", b"v\rw")],
    "8.2-nul-in-value": [(b"x-name", b"v\0w")],
    "8.2-smuggled-line": [(b"x-name", b"v\r\ncontent-length: 3")],
    "8.2-leading-space-in-value": [(b"x-name", b" v")],
    "8.2-trailing-tab-in-value": [(b"x-name", b"v\t")],
    "8.2.2-connection": [(b"connection", b"keep-alive")],
    "8.2.2-proxy-connection": [(b"proxy-connection", b"keep-alive")],
    "8.2.2-keep-alive": [(b"keep-alive", b"timeout=5")],
    "8.2.2-transfer-encoding": [(b"transfer-encoding", b"chunked")],
    "8.2.2-upgrade": [(b"upgrade", b"h2c")],
    "8.2.2-te": [(b"te", b"gzip")],
    "8.2.2-te-list": [(b"te", b"trailers, deflate;q=0.5")],
    "8.3-unknown-pseudo-field": [(b":test", b"x")],
    "8.3-pseudo-field-of-responses": [(b":status", b"200")],
    "8.3-pseudo-field-after-others": [(b"x-name", b"v"), (b":authority", b"localhost")],
    "8.3-doubled-method": [(b":method", b"GET")],
    "8.3-doubled-path": [(b":path", b"/")],
    "8.3-doubled-scheme": [(b":scheme", b"https")],
    "8.3-doubled-authority": [(b":authority", b"localhost")],
    "8.3.1-doubled-host": [(b"host", b"localhost"), (b"host", b"localhost")],
    "8.1.1-length-of-no-body": [(b"content-length", b"3")],
    "8.1.1-length-signed": [(b"content-length", b"+0")],
    "8.1.1-length-negative": [(b"content-length", b"-1")],
    "8.1.1-length-empty": [(b"content-length", b"")],
    "8.1.1-length-list": [(b"content-length", b"0, 0")],
    "8.1.1-lengths-that-differ": [(b"content-length", b"0"), (b"content-length", b"1")],
    "8.5-protocol-without-connect": [(b":protocol", b"websocket")],
}


@pytest.mark.parametrize("more", MALFORMED_FIELDS.values(), ids=MALFORMED_FIELDS.keys())
def test_malformed_request(front, more):
    with H2(front) as c:
        c.send(c.headers(1, c.fields(b"GET", b"/health", *more)))
        c.expect_stream_error(1, PROTOCOL_ERROR)
        c.expect_alive(3)


MALFORMED_CONTROL = {
    "8.3.1-no-method": {b":method": None},
    "8.3.1-no-scheme": {b":scheme": None},
    "8.3.1-no-path": {b":path": None},
    "8.3.1-empty-path": {b":path": b""},
    "8.3.1-empty-method": {b":method": b""},
    "8.3.1-method-with-space": {b":method": b"GET /x HTTP/1.1\r\n"},
    "8.3.1-path-with-line": {b":path": b"/health\r\nx: y"},
    "8.3.1-path-with-space": {b":path": b"/health HTTP/1.1"},
    "8.3.1-path-of-no-form": {b":path": b"health"},
    "8.3.1-asterisk-get": {b":path": b"*"},
    "8.3.1-empty-authority": {b":authority": b""},
    "8.3.1-no-authority": {b":authority": None},
    "8.3.1-scheme-with-space": {b":scheme": b"https x"},
    "8.5-connect-with-path": {b":method": b"CONNECT"},
}
REFUSED_CONTROL = {
    "path-with-fragment": ({b":path": b"/health#x"}, 400),
    "path-non-ascii": ({b":path": b"/health\xc3\xa9"}, 400),
    "path-too-long": ({b":path": b"/" + b"x" * 9000}, 414),
    "authority-userinfo": ({b":authority": b"user@localhost"}, 400),
    "authority-list": ({b":authority": b"localhost,other"}, 400),
    "host-differs": ({b"host": b"other"}, 400),
    "connect": ({b":method": b"CONNECT", b":path": None, b":scheme": None}, 400),
    "trace": ({b":method": b"TRACE"}, 405),
    "expectation": ({b"expect": b"200-ok"}, 417),
}


def changed(c: H2, changes):
    """The request's fields with some replaced, left out (None), or added."""
    fields = [(name, changes.get(name, value)) for name, value in c.fields()]
    fields += [(name, value) for name, value in changes.items() if name not in dict(fields)]
    return [(name, value) for name, value in fields if value is not None]


@pytest.mark.parametrize("changes", MALFORMED_CONTROL.values(), ids=MALFORMED_CONTROL.keys())
def test_malformed_control_data(front, changes):
    with H2(front) as c:
        c.send(c.headers(1, changed(c, changes)))
        c.expect_stream_error(1, PROTOCOL_ERROR)
        c.expect_alive(3)


@pytest.mark.parametrize(("changes", "status"), REFUSED_CONTROL.values(), ids=REFUSED_CONTROL.keys())
def test_refused_control_data(front, changes, status):
    with H2(front) as c:
        c.send(c.headers(1, changed(c, changes)))
        assert c.response(1).status == status
        c.expect_alive(3)


@resets
def second_headers_without_end_stream(c):
    c.send(c.post(1), c.headers(1, [(b"x-trailer", b"v")], END_HEADERS))


@resets
def pseudo_field_in_trailers(c):
    c.send(c.post(1), frame(DATA, 0, 1, BODY), c.headers(1, [(b":path", b"/")]))


@resets
def body_shorter_than_its_length(c):
    c.send(c.post(1, (b"content-length", b"%d" % (len(BODY) + 1))), frame(DATA, END_STREAM, 1, BODY))


@resets
def body_longer_than_its_length(c):
    c.send(c.post(1, (b"content-length", b"%d" % (len(BODY) - 1))), frame(DATA, END_STREAM, 1, BODY))


@resets
def body_of_many_frames_shorter_than_its_length(c):
    half = len(BODY) // 2
    c.send(c.post(1, (b"content-length", b"100")), frame(DATA, 0, 1, BODY[:half]))
    c.send(frame(DATA, END_STREAM, 1, BODY[half:]))


@good
def request_with_trailers(c):
    c.send(c.post(1), frame(DATA, 0, 1, BODY), c.headers(1, [(b"x-trailer", b"v")]))
    assert c.response(1).status == 200


@good
def head_request(c):
    c.send(c.headers(1, c.fields(b"HEAD")))
    response = c.response(1)
    assert (response.status, response.body) == (200, b"")


@good
def te_trailers(c):
    c.send(c.headers(1, c.fields(b"GET", b"/health", (b"te", b"trailers"))))
    assert c.response(1).status == 200


@good
def expectation_is_met(c):
    c.send(c.post(1, (b"expect", b"100-continue"), (b"content-length", b"%d" % len(BODY))))
    assert c.until(lambda got: isinstance(got, HeadersFrame)).decoded[":status"] == "100"
    c.send(frame(DATA, END_STREAM, 1, BODY))
    assert c.response(1).status == 200


@good
def header_list_above_the_limit(c):
    fields = c.fields(b"GET", b"/health", *((b"x-%d" % number, b"v" * 8000) for number in range(10)))
    parts = [literal(name, value) for name, value in fields]
    c.send(frame(HEADERS, END_STREAM, 1, b"".join(parts[:5])))
    c.send(
        *(frame(CONTINUATION, 0, 1, part) for part in parts[5:-1]),
        frame(CONTINUATION, END_HEADERS, 1, parts[-1]),
    )
    assert c.response(1).status == 431
    c.expect_alive(3)


@pytest.mark.parametrize("case", STREAM_CASES)
def test_stream_error(front, case):
    with H2(front) as c:
        case(c)
        c.expect_stream_error(1, PROTOCOL_ERROR)
        c.expect_alive(3)


@pytest.mark.parametrize("case", GOOD_CASES)
def test_legal(front, case):
    with H2(front) as c:
        case(c)

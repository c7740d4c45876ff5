"""What an answer through the gateway must be like."""


def assert_whole(answer, stream=True):
    assert (answer.status, answer.broke) == (200, False), answer
    if stream:
        assert answer.body.count(b'"one"') == answer.body.count(b'"two"') == 1 and answer.done, answer
    else:
        assert b'"whole"' in answer.body


def assert_truncated(answer):
    """The stream had begun: an error event, and then a break."""
    assert answer.status == 200 and answer.broke, answer
    assert b'data: {"error":' in answer.body and b"[DONE]" not in answer.body


def assert_failed(answer, *statuses):
    assert answer.status in (statuses or (502,)) and not answer.broke, answer
    assert answer.body.startswith(b'{"error":{')

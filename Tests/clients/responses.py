"""The rules of a stream of response events, as OpenAI's own streams keep them."""

from chat import valid

"""What may follow what within an item, by its type: the first event adds the item, the last one ends it."""
PARTS = {
    "message": ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"],
    "reasoning": [
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ],
    "function_call": ["function_call_arguments.delta", "function_call_arguments.done"],
}
ENDS = {"response.completed": "completed", "response.incomplete": "incomplete"}


def check_events(events):
    """A whole stream: types, order, numbers, identities, and that the pieces are the whole."""
    for event in events:
        valid(event)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert all(event.response.status == "in_progress" for event in events[:2])
    last = events[-1]
    assert last.response.status == ENDS[last.type]
    assert len({event.response.id for event in (*events[:2], last)}) == 1
    items = []
    rest = events[2:-1]
    while rest:
        size = next(n for n, event in enumerate(rest) if event.type == "response.output_item.done") + 1
        items.append(check_item(rest[:size], len(items)))
        rest = rest[size:]
    assert items == last.response.output
    ids = [item.id for item in items]
    assert len(set(ids)) == len(ids)


def check_item(events, place):
    """The events of one item: gives back the item as it ended."""
    added, *pieces, done = events
    assert added.type == "response.output_item.added"
    assert {event.output_index for event in events} == {place}
    item = done.item
    assert (added.item.id, added.item.type) == (item.id, item.type)
    assert added.item.status == "in_progress" or item.type == "reasoning"
    assert {event.item_id for event in pieces} == {item.id}
    names = [event.type.removeprefix("response.") for event in pieces]
    parts = PARTS[item.type]
    order = [parts.index(name) for name in names]
    assert order == sorted(order)
    delta = next(number for number, name in enumerate(parts) if name.endswith("delta"))
    assert sorted({*order, delta}) == list(range(len(parts)))
    assert all(order.count(number) == 1 for number in range(len(parts)) if number != delta)
    text = "".join(event.delta for event in pieces if event.type.endswith(".delta"))
    if item.type == "function_call":
        assert added.item.arguments == ""
        assert (added.item.call_id, added.item.name) == (item.call_id, item.name)
        assert text == item.arguments == pieces[-1].arguments
    else:
        part = item.content[0] if item.type == "message" else item.summary[0]
        assert text == part.text == pieces[-2].text == pieces[-1].part.text
        assert pieces[0].part.text == ""
    return item

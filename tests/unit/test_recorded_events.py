"""The events of recorded answers are those recorded, whoever else is answered at the same time."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import recorded

RECORD = json.loads(recorded.PATH.read_text())


@pytest.mark.parametrize("piece", recorded.PIECES)
@pytest.mark.parametrize("number", range(len(recorded.CONVERSATIONS)))
def test_events_are_those_recorded(number, piece):
    events = recorded.events_of(number, piece)
    expected = RECORD[f"{number}/{piece}"]
    assert recorded.summary(events) == expected["summary"]
    assert recorded.digest(events) == expected["sha256"]


def test_one_grounder_for_many_at_once_gives_the_same_events():
    """Each thread has a speaker of its own; the grounder and what it keeps is theirs together."""
    shared = recorded.recorded_assistant().grounder
    cases = [(number, piece) for number in range(len(recorded.CONVERSATIONS)) for piece in (4, 1000)] * 2

    def run(case):
        assistant = recorded.recorded_assistant()
        assistant.grounder = shared
        return recorded.digest(recorded.events_of(*case, assistant))

    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(run, cases))
    assert digests == [RECORD[f"{number}/{piece}"]["sha256"] for number, piece in cases]
    pictures = {seed for conversation in recorded.CONVERSATIONS for seed in range(len(conversation))}
    assert shared.tagger.calls <= len(pictures)  # each picture was tagged once

"""Events, answers and the loading of models."""

import json

import pytest
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeSpeaker, FakeTagger

from bubo.assistant import Assistant, known_entities, load
from bubo.errors import BuboError, InputError, ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.types import Turn, same


@pytest.fixture
def assistant():
    grounder = Grounder(
        FakeTagger({"dog": 0.9, "cat": 0.9}),
        FakeDetector({"dog": [((10, 20, 30, 50), 0.9)], "cat": [((40, 20, 60, 50), 0.9)]}),
        FakeSegmenter(),
        FakeListener({"barking": [(0.2, 0.6, 0.9)]}),
        Lexicon.from_dict(VOCABULARY),
    )
    return Assistant(FakeSpeaker(), grounder)


TEXT = "I see a dog and no car. I hear barking! The dog is left of the cat"


def test_events_come_in_order(assistant, picture, sound):
    assistant.speaker.enqueue(TEXT)
    events = list(assistant.stream([Turn("user", "What?", (picture,), (sound,))]))
    assert "".join(event.text for event in events) == TEXT
    said, known = "", set()
    for event in events:
        said += event.text
        if event.entity:
            known.add(event.entity.id)
        if event.link:  # after its sentence, and after its entity
            assert event.link.end <= len(said)
            assert event.link.entity in known
    kinds = [event.kind for event in events]
    assert kinds.index("link") < len(kinds) - kinds[::-1].index("text")  # some while text still comes
    assert kinds[-2:] == ["verdict", "answer"]
    answer = events[-1].answer
    assert [answer.text[link.start : link.end] for link in answer.links] == [
        "a dog",
        "car",
        "barking",
        "The dog",
        "the cat",
    ]
    assert [event.link for event in events if event.link] == list(answer.links)
    last = {event.entity.id: event.entity for event in events if event.entity}
    assert same(list(last.values()), list(answer.entities))


def test_reply_is_the_last_event(assistant, picture, sound):
    assistant.speaker.enqueue(TEXT, TEXT)
    turns = [Turn("user", "What?", (picture,), (sound,))]
    *_, last = assistant.stream(turns)
    reply = assistant.reply(turns)
    assert reply.to_dict() | {"timings": 0} == last.answer.to_dict() | {"timings": 0}
    assert reply.pictures == (picture,)
    assert reply.sounds == (sound,)
    assert {"first_token_s", "text_s", "match_s", "grounding_s", "total_s"} <= set(reply.timings)
    assert reply.metadata["finish"] == "stop"


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_pieces_of_any_size_give_the_same_answer(assistant, picture, piece):
    assistant.speaker.piece = piece
    assistant.speaker.enqueue(TEXT)
    events = list(assistant.stream([Turn("user", "What?", (picture,))]))
    assert [event.link for event in events if event.link] == list(events[-1].answer.links)
    assert len(events[-1].answer.links) == 5


def test_links_come_as_their_clauses_close(assistant, picture):
    assistant.speaker.piece = 1
    assistant.speaker.enqueue("I see a dog, a cat and a bus in a meadow.")
    written, seen = "", {}
    for event in assistant.stream([Turn("user", "What?", (picture,))]):
        written += event.text
        if event.link:
            seen[written[event.link.start : event.link.end]] = written
    assert seen["a dog"] == "I see a dog, "
    assert seen["a cat"].endswith("a cat and ")
    assert seen["a bus"].endswith("meadow.")


def test_entities_keep_their_ids_over_turns(assistant, picture):
    turns = [Turn("user", "What?", (picture,))]
    assistant.speaker.enqueue("A cat and a dog.", "The dog, and a bus.")
    first = assistant.reply(turns)
    turns += [Turn("assistant", first.text, answer=first), Turn("user", "And?")]
    assert [e.id for e in known_entities(turns)] == ["e1", "e2"]
    second = assistant.reply(turns)
    assert [link.entity for link in second.links] == ["e2", "e3"]


def test_a_speaker_alone_has_no_links(picture):
    answer = Assistant(FakeSpeaker("A dog.")).reply([Turn("user", "What?", (picture,))])
    assert (answer.text, answer.links, answer.verdict) == ("A dog.", (), None)


def test_only_a_users_turn_is_answered(assistant):
    with pytest.raises(InputError, match="answers a user's turn"):
        assistant.reply([])
    with pytest.raises(InputError, match="answers a user's turn"):
        assistant.reply([Turn("assistant", "Hello.")])


def test_errors_of_the_speaker_come_through(assistant):
    assistant.speaker.enqueue(BuboError("out of words"))
    with pytest.raises(BuboError, match="out of words"):
        assistant.reply([Turn("user", "What?")])


def test_an_unknown_name_tells_the_known_ones(tmp_path):
    with pytest.raises(ModelError, match="Did you mean 'nano'.* Or give the path"):
        load("nona")
    with pytest.raises(ModelError, match="has no model"):
        load(tmp_path)


@pytest.fixture
def folder(tmp_path, tiny_model, tiny_processor):
    """A model folder with toy weights."""
    tiny_model.save_pretrained(tmp_path / "model")
    tiny_processor.save_pretrained(tmp_path / "model")
    (tmp_path / "vocabulary.json").write_text(json.dumps(VOCABULARY))
    return tmp_path


def test_broken_model_folders(folder):
    weights = folder / "model" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="Cannot load the model"):
        load(folder)
    weights.unlink()
    with pytest.raises(ModelError, match="Cannot load the model"):
        load(folder)
    weights.write_bytes(whole)
    (folder / "model" / "config.json").write_text("{}")  # a language model of seven billion weights
    with pytest.raises(ModelError, match="do not fit their configuration"):
        load(folder)
    (folder / "vocabulary.json").unlink()
    with pytest.raises(ModelError, match=r"has no vocabulary.json"):
        load(folder)


def test_a_wrong_configuration_takes_no_memory(folder):
    path = folder / "model" / "config.json"
    config = json.loads(path.read_text())
    config["text_config"]["intermediate_size"] = 10**13  # petabytes
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="mismatched keys, such as .*mlp"):
        load(folder)


def test_missing_and_mismatched_tensors(folder):
    from safetensors.torch import load_file, save_file

    weights = folder / "model" / "model.safetensors"
    tensors = load_file(weights)
    name = sorted(tensors)[0]
    save_file(
        {key: value for key, value in tensors.items() if key != name}, weights, metadata={"format": "pt"}
    )
    with pytest.raises(ModelError, match="missing"):
        load(folder)
    save_file(tensors | {name: tensors[name][..., :1].contiguous()}, weights, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"1 mismatched keys, such as {name}"):
        load(folder)


def test_thresholds_are_checked(folder):
    (folder / "grounding.json").write_text('{"tga": 0.5}')
    with pytest.raises(ModelError, match="must be a JSON object with some of"):
        load(folder)
    (folder / "grounding.json").write_text('{"tag": 5}')
    with pytest.raises(ModelError, match="must lie between 0 and 1"):
        load(folder)


@pytest.mark.parametrize(("name", "grounder"), [("modern", "quick"), ("classic", "classic")])
def test_another_speaker_needs_only_what_grounds(monkeypatch, assistant, name, grounder):
    asked = []

    def load_grounder(*words):
        asked.append(words)
        return assistant.grounder

    monkeypatch.setattr("bubo.loading.load_grounder", load_grounder)
    made = load(name, speaker=assistant.speaker, device="cpu")
    assert asked == [(grounder, "cpu")]
    assert (made.speaker, made.grounder, made.name) == (assistant.speaker, assistant.grounder, name)
    with pytest.raises(ModelError, match="No model is called 'nona'"):
        load("nona", speaker=assistant.speaker)


@pytest.mark.parametrize("name", [None, 3, ["nano"]])
def test_a_model_has_a_name_or_a_path(name):
    with pytest.raises(ModelError, match="given by its name or the path of its folder, but got"):
        load(name)

"""Asking, streaming, saving and reading."""

import io
import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeSpeaker, FakeTagger

from bubo.assistant import Assistant
from bubo.conversation import MAX_QUESTION, Conversation
from bubo.errors import BuboError, ConversationError, InputError, MediaError, QuestionError, StorageError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.types import Sound, Turn, same


@pytest.fixture
def speaker():
    return FakeSpeaker()


@pytest.fixture
def chat(speaker):
    grounder = Grounder(
        FakeTagger({"dog": 0.9}),
        FakeDetector({"dog": [((10, 20, 30, 50), 0.9)]}),
        FakeSegmenter(),
        FakeListener({"barking": [(0.2, 0.6, 0.9)]}),
        Lexicon.from_dict(VOCABULARY),
    )
    return Assistant(speaker, grounder, name="nano").conversation()


def test_asking_adds_two_turns(chat, speaker, picture_file, sound_file):
    speaker.enqueue("I see a dog.", "Yes, the dog barks.")
    answer = chat.ask("What do you see?", picture=picture_file, sound=sound_file)
    assert answer.text == "I see a dog."
    assert [turn.role for turn in chat.turns] == ["user", "assistant"]
    assert same(chat.turns[1].answer, answer)
    chat.ask("Does it bark?")
    assert [turn.text for turn in speaker.asked[1]] == ["What do you see?", "I see a dog.", "Does it bark?"]
    assert [e.id for e in chat.entities] == ["e1", "e2"]
    assert chat.entities[0].label == "dog"
    assert len(chat.pictures) == len(chat.sounds) == 1
    assert len(chat.answers) == 2


def test_media_come_one_by_one_or_in_lists(chat, speaker, picture, sound):
    speaker.enqueue("One.", "Two.", "Three.")
    chat.ask("?", picture=picture.pixels, sound=(16_000, sound.samples))
    chat.ask("?", picture=[picture, picture.pixels], sound=[sound, (8_000, sound.samples)])
    chat.ask("?", picture=(), sound=[])
    assert [(len(t.pictures), len(t.sounds)) for t in chat.turns if t.role == "user"] == [
        (1, 1),
        (2, 2),
        (0, 0),
    ]


@pytest.mark.parametrize("question", ["", "  \n", "x" * (MAX_QUESTION + 1), "broken \ud800", None, 3])
def test_impossible_questions(chat, question):
    with pytest.raises(QuestionError):
        chat.ask(question)
    assert chat.turns == ()


def test_bad_media_and_options_are_refused_at_once(chat, tmp_path):
    with pytest.raises(MediaError):
        chat.stream("What?", picture=tmp_path / "missing.png")
    with pytest.raises(MediaError):
        chat.ask("What?", sound=b"")
    with pytest.raises(InputError, match="There is no option temprature"):
        chat.ask("What?", temprature=1)
    with pytest.raises(InputError):
        chat.ask("What?", temperature=-1)
    with pytest.raises(InputError, match="whole number"):
        chat.ask("What?", max_new_tokens="many")
    assert chat.turns == ()


def test_options_reach_the_speaker(chat, speaker):
    speaker.enqueue("Yes.")
    chat.ask("What?", temperature=0.5, seed=3)
    assert (speaker.settings[0].temperature, speaker.settings[0].seed) == (0.5, 3)


def test_a_failed_question_leaves_the_conversation_as_it_was(chat, speaker):
    speaker.enqueue("Fine.", BuboError("no"), "Again.")
    chat.ask("One?")
    before = chat.turns
    with pytest.raises(BuboError):
        chat.ask("Two?")
    assert chat.turns is before
    chat.ask("Two?")
    assert len(chat.turns) == 4


def test_the_end_of_a_stream_equals_ask(chat, speaker, picture, sound):
    text = "I see a dog. I hear barking, and there is no cat."
    speaker.enqueue(text, text)
    events = list(chat.stream("What?", picture, sound))
    other = Conversation(chat.assistant).ask("What?", picture, sound)
    final = events[-1].answer
    assert "".join(event.text for event in events) == text
    assert final.to_dict() | {"timings": 0} == other.to_dict() | {"timings": 0}
    assert {event.link for event in events if event.link} == set(final.links)
    assert [event.kind for event in events[-2:]] == ["verdict", "answer"]


def test_an_unread_stream_changes_nothing(chat, speaker):
    speaker.enqueue("One. Two. Three.", "Fine.")
    stream = chat.stream("What?")
    next(stream)
    assert chat.turns == ()
    stream.close()
    assert chat.turns == ()
    chat.ask("And now?")
    assert len(chat.turns) == 2


def test_two_questions_at_once(chat, speaker):
    speaker.enqueue("One.", "Two.")
    stream = chat.stream("What?")
    next(stream)
    chat.ask("In between?")
    with pytest.raises(ConversationError, match="one after the other"):
        list(stream)
    assert len(chat.turns) == 2


@pytest.fixture
def talked(chat, speaker, picture, sound):
    speaker.enqueue("I see a dog, no cat. 🐕 I hear barking.", "The dog.")
    chat.ask("What do you see?", picture=picture, sound=sound)
    chat.ask("Wo? 日本", picture=255 - picture.pixels)
    return chat


def test_saving_loses_nothing(talked, tmp_path):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    assert os.listdir(tmp_path) == ["talk.bubo"]
    loaded = Conversation.load(path)
    assert same(loaded.turns, talked.turns)
    assert loaded.model == "nano"
    assert loaded.answers[0].links[0].reason
    assert loaded.answers[1].metadata == talked.answers[1].metadata
    assert same(loaded.entities, talked.entities)
    again = tmp_path / "again.bubo"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def test_equal_masks_are_one_array_again(talked, tmp_path):
    talked.save(tmp_path / "talk.bubo")
    masks = [
        region.mask
        for answer in Conversation.load(tmp_path / "talk.bubo").answers
        for entity in answer.entities
        for region in entity.regions
    ]
    assert len(masks) > 1
    assert all(mask is masks[0] for mask in masks)


def test_a_loaded_conversation_goes_on(talked, speaker, tmp_path):
    talked.save(tmp_path / "talk.bubo")
    loaded = Conversation.load(tmp_path / "talk.bubo", talked.assistant)
    speaker.enqueue("The dog is here.")
    assert loaded.ask("Where is the dog?").links[0].entity == talked.answers[1].links[0].entity


def test_saving_where_one_cannot(talked, tmp_path):
    with pytest.raises(StorageError):
        talked.save(tmp_path / "no" / "such" / "folder.bubo")


def rewritten(path, changes):
    """The archive with members replaced, dropped (None) or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        members = {name: old.read(name) for name in old.namelist()}
        for name, change in changes.items():
            members[name] = change(members.get(name)) if callable(change) else change
        for name, content in members.items():
            if content is not None:
                new.writestr(name, content)
    path.write_bytes(buffer.getvalue())


def edited(**changes):
    return lambda content: json.dumps(json.loads(content) | changes).encode()


def test_broken_files(talked, tmp_path):
    path = tmp_path / "talk.bubo"
    with pytest.raises(ConversationError, match="No such file"):
        Conversation.load(path)
    for content in (b"", b"PK", b"not a zip at all" * 100):
        path.write_bytes(content)
        with pytest.raises(ConversationError, match="no conversation"):
            Conversation.load(path)
    with pytest.raises(ConversationError):
        Conversation.load(tmp_path)
    talked.save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ConversationError):
            Conversation.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conversation.json": None}, "is missing"),
        ({"conversation.json": b"{"}, "damaged"),
        ({"conversation.json": b"[" * 100_000}, "damaged"),
        ({"conversation.json": b"[]"}, "does not describe"),
        ({"conversation.json": edited(version=99)}, "version is 99"),
        ({"conversation.json": edited(model=3)}, "names no model"),
        ({"conversation.json": edited(turns=[3])}, "damaged"),
        (
            {"conversation.json": edited(turns=[{"role": "king", "text": "", "pictures": [], "sounds": []}])},
            "damaged",
        ),
        ({f"x{i}": b"" for i in range(3000)}, "members"),
    ],
)
def test_hostile_files(talked, tmp_path, changes, message):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    rewritten(path, changes)
    with pytest.raises(ConversationError, match=message):
        Conversation.load(path)


def test_media_that_were_changed_or_do_not_fit(talked, tmp_path, picture):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    with zipfile.ZipFile(path) as archive:
        first, second = (name for name in archive.namelist() if name.endswith(".png"))
        other = archive.read(second)
    rewritten(path, {first: other})
    with pytest.raises(ConversationError, match="was changed"):
        Conversation.load(path)
    talked.save(path)
    rewritten(path, {"conversation.json": lambda text: text.replace(b'"picture": 0', b'"picture": 7')})
    with pytest.raises(ConversationError, match="does not fit its picture"):
        Conversation.load(path)


def test_a_zip_bomb_is_not_unpacked(talked, tmp_path, monkeypatch):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    monkeypatch.setattr("bubo.conversation_file.MAX_JSON_BYTES", 2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversation.json", b" " * 2**23)
    with pytest.raises(ConversationError, match="larger than"):
        Conversation.load(path)


def test_what_is_large_when_unpacked_is_refused(talked, tmp_path, monkeypatch):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    pixels, samples = 2 * 60 * 80 * 3, 16_000 * 4
    for limit in (pixels - 1, pixels + samples - 1, pixels + samples + 60 * 80 - 1):
        monkeypatch.setattr("bubo.conversation_file.MAX_UNPACKED_BYTES", limit)
        with pytest.raises(ConversationError, match="unpacked"):
            Conversation.load(path)
    monkeypatch.setattr("bubo.conversation_file.MAX_UNPACKED_BYTES", limit + 1)
    assert same(Conversation.load(path).turns, talked.turns)


def test_starting_from_turns(speaker):
    chat = Conversation(Assistant(speaker), [Turn("system", "Be brief.")])
    speaker.enqueue("Yes.")
    chat.ask("Ready?")
    assert [turn.role for turn in speaker.asked[0]] == ["system", "user"]
    assert Assistant(speaker).conversation("Be brief.").turns[0].text == "Be brief."
    assert np.array_equal(chat.pictures, ())


def test_flipped_bits_are_clear_errors(talked, tmp_path):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    whole = path.read_bytes()
    for place in range(40, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            read = Conversation.load(path)
        except ConversationError:
            continue
        assert same(read.turns, talked.turns)  # a bit that carries nothing


def test_what_could_not_be_read_again_is_not_saved(talked, tmp_path, monkeypatch):
    path = tmp_path / "talk.bubo"
    for limit in ("MAX_JSON_BYTES", "MAX_MEMBERS", "MAX_MEDIUM_BYTES", "MAX_UNPACKED_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(f"bubo.conversation_file.{limit}", 2)
            with pytest.raises(ConversationError, match="too large to save"):
                talked.save(path)
        assert not path.exists()


def test_a_sound_made_by_hand_at_another_rate_is_not_saved(talked, tmp_path):
    odd = Turn("user", "And this?", sounds=(Sound(np.zeros(4000, np.float32), 8000),))
    with pytest.raises(InputError, match=r"made by hand.*bubo\.load_sound first"):
        Conversation(talked.assistant, [*talked.turns, odd]).save(tmp_path / "talk.bubo")
    assert not (tmp_path / "talk.bubo").exists()


def test_a_file_name_outside_unicode_is_kept(chat, speaker, picture, tmp_path):
    speaker.enqueue("I see a dog.")
    odd = replace(picture, source="caf\udce9.png")
    chat.ask("What?", picture=odd)
    chat.save(tmp_path / "talk.bubo")
    assert Conversation.load(tmp_path / "talk.bubo").pictures[0].source == "caf\udce9.png"


def test_who_goes_on_answering_is_named(talked, speaker, tmp_path):
    path = tmp_path / "talk.bubo"
    talked.save(path)
    assert Conversation.load(path, Assistant(speaker, name="other")).model == "other"


@pytest.mark.parametrize("options", [{"max_new_tokens": 10.5}, {"seed": 2**70}, {"seed": "x"}, {"seed": -1}])
def test_numbers_of_the_wrong_kind(chat, options):
    with pytest.raises(InputError, match="whole number"):
        chat.ask("What?", **options)

"""The local speaker: what is fed, what is kept, and that keeping changes no answer."""

import threading
from functools import partial

import pytest
import torch
from threads import together
from tiny import tiny_model, tiny_pixels, tiny_processor, tiny_samples

from bubo.decoding import Kept, PrefixCaches, TextStream, common_length, pick_token, whole_prefix
from bubo.errors import InputError, QuestionError
from bubo.prompts import message
from bubo.speaker import ModelSpeaker, Settings, Stats
from bubo.types import Picture, Sound, Turn

SHORT = Settings(max_new_tokens=12)


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def processor():
    return tiny_processor()


@pytest.fixture
def speaker(model, processor):
    return ModelSpeaker(model, processor)


class Counter:
    """Counts positions and passes of the language model, and calls of each tower."""

    def __init__(self, model):
        self.positions = self.passes = self.vision = self.audio = 0
        inner = model.model
        self.hooks = [
            inner.language_model.register_forward_pre_hook(self.on_language, with_kwargs=True),
            inner.vision_tower.register_forward_pre_hook(self.on_vision),
            inner.audio_tower.register_forward_pre_hook(self.on_audio),
        ]

    def on_language(self, module, args, kwargs):
        self.positions += kwargs["inputs_embeds"].shape[1]
        self.passes += 1

    def on_vision(self, *_):
        self.vision += 1

    def on_audio(self, *_):
        self.audio += 1

    def reset(self):
        self.positions = self.passes = self.vision = self.audio = 0


@pytest.fixture
def counter(model):
    counter = Counter(model)
    yield counter
    for hook in counter.hooks:
        hook.remove()


def picture(seed=0):
    return Picture(tiny_pixels(seed))


def sound(seed=0, duration_s=1.5):
    return Sound(tiny_samples(seed, duration_s), 16000)


def ask(speaker, turns, settings=SHORT):
    return "".join(speaker.stream(turns, settings))


def encoded(processor, turns, prompt):
    return processor.encode_turns([message(turn) for turn in turns], prompt)


def test_first_answer_equals_generate(model, processor, speaker):
    turns = [Turn("system", "Be brief."), Turn("user", "What?", (picture(),), (sound(),))]
    messages = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "image", "image": tiny_pixels()},
                {"type": "audio", "audio": tiny_samples()},
                {"type": "text", "text": "What?"},
            ],
        },
    ]
    inputs = processor.apply_chat_template(messages)
    special = [i for i in processor.tokenizer.all_special_ids if i != processor.tokenizer.eos_token_id]
    ids = model.generate(
        **inputs, max_new_tokens=12, min_new_tokens=1, do_sample=False, suppress_tokens=special
    )
    answer = processor.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert ask(speaker, turns) == answer.replace("\ufffd", "").lstrip()


def test_a_turn_feeds_only_what_is_new(model, processor, speaker, counter):
    turns = [Turn("user", "What do you see?", (picture(),), (sound(),))]
    answer = ask(speaker, turns)
    assert (counter.vision, counter.audio) == (1, 1)
    assert speaker.last.encoder_calls == 2
    before = encoded(processor, [*turns, Turn("assistant", answer)], False)
    turns += [Turn("assistant", answer), Turn("user", "Where is the dog?")]
    after = encoded(processor, turns, True)
    assert after[: len(before)] == before
    counter.reset()
    stream = speaker.stream(turns, SHORT)
    next(stream)
    assert speaker.last.tokens_fed != len(after)  # still the stats of the turn before
    stream.close()
    assert counter.positions - (counter.passes - 1) == len(after) - len(before)
    assert speaker.last.tokens_fed == len(after) - len(before)
    assert speaker.last.tokens_reused == len(before)
    assert (counter.vision, counter.audio, speaker.last.encoder_calls) == (0, 0, 0)


def test_ten_turns_cost_what_is_new_and_equal_a_fresh_pass(model, processor, speaker, counter):
    turns, known = [Turn("system", "You are Bubo.")], 0
    for number in range(10):
        pictures = (picture(number),) if number in (0, 4) else ()
        sounds = (sound(number),) if number in (1, 4) else ()
        turns.append(Turn("user", f"Question {number}: and what about the other one?", pictures, sounds))
        counter.reset()
        answer = ask(speaker, turns)
        assert counter.vision == len(pictures)
        assert counter.audio == len(sounds)
        assert speaker.last.tokens_fed == len(encoded(processor, turns, True)) - known
        assert answer == ask(ModelSpeaker(model, processor), turns)
        turns.append(Turn("assistant", answer))
        known = len(encoded(processor, turns, False))


def test_media_of_equal_shape_are_not_confused(model, processor, speaker):
    first, second = ([Turn("user", "What?", (picture(seed),), (sound(seed),))] for seed in (1, 2))
    ask(speaker, first)
    assert ask(speaker, second) == ask(ModelSpeaker(model, processor), second)
    assert speaker.last.tokens_reused == 2  # the begin and the user mark


def test_asking_again_reuses_all_but_what_must_be_fed(processor, speaker, counter):
    turns = [Turn("user", "What?", (picture(),), (sound(),))]
    first = ask(speaker, turns)
    counter.reset()
    assert ask(speaker, turns) == first
    assert speaker.last.tokens_fed == 1
    assert (counter.vision, counter.audio) == (0, 0)


def test_two_conversations_side_by_side_keep_their_caches(processor, speaker):
    one = [Turn("system", "Be kind."), Turn("user", "What do you see?", (picture(1),))]
    two = [Turn("system", "Be kind."), Turn("user", "What do you hear?", (), (sound(1),))]
    first, second = ask(speaker, one), ask(speaker, two)
    for turns, answer in ((one, first), (two, second)):
        turns += [Turn("assistant", answer), Turn("user", "Why?")]
        ask(speaker, turns)
        new = len(encoded(processor, turns, True)) - len(encoded(processor, turns[:-1], False))
        assert speaker.last.tokens_fed == new


def test_streams_may_be_interleaved(model, processor, speaker):
    one = speaker.stream([Turn("user", "What do you see?", (picture(1),))], SHORT)
    two = speaker.stream([Turn("user", "What do you see?", (picture(2),))], SHORT)
    texts = ["", ""]
    for _ in range(2 * SHORT.max_new_tokens):
        texts[0] += next(one, "")
        texts[1] += next(two, "")
    for seed, text in zip((1, 2), texts, strict=True):
        turns = [Turn("user", "What do you see?", (picture(seed),))]
        assert text == ask(ModelSpeaker(model, processor), turns)


def test_a_closed_stream_stops_computing_and_leaves_the_cache_right(model, processor, speaker, counter):
    turns = [Turn("user", "What do you see?", (picture(),))]
    stream = speaker.stream(turns, Settings(max_new_tokens=100))
    heard = next(stream) + next(stream)
    passes = counter.passes
    stream.close()
    assert counter.passes == passes
    assert speaker.last.finish == "closed"
    assert speaker.last.tokens_generated < 100
    turns += [Turn("assistant", heard), Turn("user", "Go on.")]
    answer = ask(speaker, turns)
    assert speaker.last.tokens_reused >= len(encoded(processor, turns[:1], False))
    assert answer == ask(ModelSpeaker(model, processor), turns)


def test_a_stop_event_ends_the_answer(speaker, counter):
    stop = threading.Event()
    pieces = []
    for piece in speaker.stream([Turn("user", "What?")], Settings(max_new_tokens=100), stop):
        pieces.append(piece)
        stop.set()
    assert speaker.last.finish == "stopped"
    assert speaker.last.tokens_generated <= 8
    assert pieces


def test_a_failing_pass_leaves_no_broken_cache(model, processor, speaker, monkeypatch):
    turns = [Turn("user", "What do you see?", (picture(),))]
    stream = speaker.stream(turns, SHORT)
    next(stream)

    def broken(*args, **kwargs):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(model.model.language_model.layers[1], "forward", broken)
        with pytest.raises(MemoryError):
            list(stream)
    assert len(speaker._caches) == 0
    assert ask(speaker, turns) == ask(ModelSpeaker(model, processor), turns)


def test_sampling_is_repeatable_by_seed(speaker):
    turns = [Turn("user", "What?", (picture(),))]
    warm = [
        ask(speaker, turns, Settings(max_new_tokens=12, temperature=2.0, seed=seed)) for seed in (1, 1, 2, 3)
    ]
    assert warm[0] == warm[1]
    assert len(set(warm)) > 1


def test_pieces_are_whole_characters_and_specials_never_come(model, processor, speaker):
    for seed in range(4):
        settings = Settings(max_new_tokens=60, temperature=8.0, top_p=1.0, seed=seed)
        pieces = list(speaker.stream([Turn("user", "What?")], settings))
        assert all(pieces)
        text = "".join(pieces)
        assert "\ufffd" not in text
        assert not any(token in text for token in processor.tokenizer.all_special_tokens)


@pytest.mark.parametrize("limit", ["context_length", "prompt_length"])
def test_overflow_drops_whole_oldest_turns_but_never_the_system_text(model, processor, limit):
    speaker = ModelSpeaker(model, processor)
    setattr(speaker, limit, 150)
    room = 150 - (12 if limit == "context_length" else 0)
    turns = [Turn("system", "Be brief."), Turn("user", "What is this?", (picture(),), (sound(),))]
    drops = []
    for number in range(12):
        answer = ask(speaker, turns)
        stats = speaker.last
        drops.append(stats.turns_dropped)
        # what brought the media stays longest: the picture is still seen
        kept = [*turns[:3], *turns[3 + stats.turns_dropped :]]
        assert kept[-1] is turns[-1]
        assert stats.tokens_fed + stats.tokens_reused == len(encoded(processor, kept, True)) <= room
        assert answer == ask(ModelSpeaker(model, processor), kept)
        turns += [Turn("assistant", answer), Turn("user", f"Question {number}?")]
    assert drops[0] == 0
    assert drops[-1] > 0
    assert drops == sorted(drops)
    # dropping goes in steps, so most turns after the first overflow still find their beginning in the cache
    assert len(set(drops)) < len(drops) // 2 + 2


def test_media_are_left_out_only_if_nothing_else_helps(model, processor):
    speaker = ModelSpeaker(model, processor)
    first, second = Turn("user", "One?", (picture(),)), Turn("user", "Two?", (picture(1),))
    turns = [first, Turn("assistant", "A."), second, Turn("assistant", "B."), Turn("user", "Three?")]
    speaker.context_length = len(encoded(processor, turns[2:], True)) + 12
    ask(speaker, turns)
    assert speaker.last.turns_dropped == 2


def test_a_prompt_longer_than_the_trained_ones_is_answered_if_it_fits(model, processor):
    speaker = ModelSpeaker(model, processor)
    speaker.prompt_length = 20
    turns = [Turn("user", "One?"), Turn("assistant", "A."), Turn("user", "What is this? " * 5)]
    assert ask(speaker, turns)
    assert speaker.last.turns_dropped == 2
    assert ask(speaker, turns[2:])
    assert speaker.last.turns_dropped == 0


def test_a_question_too_long_is_an_error_that_says_by_how_much(speaker):
    with pytest.raises(QuestionError, match=r"take \d+ tokens.*at most \d+ fit"):
        speaker.stream([Turn("user", "What? " * 400)])
    with pytest.raises(InputError, match="max_new_tokens is 600"):
        speaker.stream([Turn("user", "What?")], Settings(max_new_tokens=600))


def test_there_must_be_a_question(speaker):
    with pytest.raises(InputError, match="no turn"):
        speaker.stream([])
    with pytest.raises(InputError, match="assistant"):
        speaker.stream([Turn("user", "What?"), Turn("assistant", "That.")])


def test_a_model_without_eyes_says_so(processor):
    blind = ModelSpeaker(tiny_model(vision_config=None, vision_qformer_config=None), processor)
    with pytest.raises(InputError, match="cannot perceive pictures"):
        blind.stream([Turn("user", "What?", (picture(),))])
    assert ask(blind, [Turn("user", "What?", (), (sound(),))])


@pytest.mark.parametrize("bad", [{"temperature": "hot"}, {"top_p": "all"}])
def test_settings_that_are_no_numbers_are_named(bad):
    with pytest.raises(InputError, match=f"{next(iter(bad))} must be a number, but got '"):
        Settings(**bad)


@pytest.mark.parametrize("bad", [{"max_new_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}])
def test_settings_are_checked(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Settings(**bad)


def test_tower_states_may_come_from_outside(model, processor, counter):
    def picture_states(medium):
        pixels = processor.image_processor(images=[medium.pixels], return_tensors="pt")["pixel_values"]
        return model.model.vision_tower(pixels).last_hidden_state

    turns = [Turn("user", "What?", (picture(),))]
    expected = ask(ModelSpeaker(model, processor), turns)
    counter.reset()
    assert ask(ModelSpeaker(model, processor, picture_states=picture_states), turns) == expected
    assert counter.vision == 1


def test_old_media_are_forgotten_and_encoded_again(model, processor, counter):
    speaker = ModelSpeaker(model, processor, num_media=1, num_caches=1)
    for seed in (1, 2, 1):
        ask(speaker, [Turn("user", "What?", (picture(seed),))])
    assert counter.vision == 3


@pytest.mark.parametrize("states", [False, True])
def test_media_of_several_conversations_are_encoded_in_one_pass(model, processor, counter, states):
    def picture_states(medium):
        pixels = processor.image_processor(images=[medium.pixels], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            return model.model.vision_tower(pixels).last_hidden_state

    def soft_tokens(speaker, medium):
        return speaker._encode(medium, Stats())

    given = {"picture_states": picture_states} if states else {}
    media = [picture(1), picture(2), sound(3), picture(4), sound(5), picture(6)]
    expected = [soft_tokens(ModelSpeaker(model, processor, **given), medium) for medium in media]
    speaker = ModelSpeaker(model, processor, **given)
    rows = []
    hooks = [
        bridge.register_forward_pre_hook(lambda _, args: rows.append(len(args[0])))
        for bridge in (model.model.vision_bridge, model.model.audio_bridge)
    ]
    counter.reset()
    found, sizes = together(speaker._encodings, *[partial(soft_tokens, speaker, medium) for medium in media])
    for hook in hooks:
        hook.remove()
    assert sizes[0] == 1 and sorted(sizes[1:]) == [2, 3]  # pictures and sounds each by themselves
    assert rows == sizes and counter.audio == 1 and counter.vision == (4 if states else 2)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    assert not torch.allclose(found[2], found[4], atol=1e-3)


def test_a_picture_that_cannot_be_encoded_fails_one_answer(model, processor):
    good, bad = picture(1), picture(2)
    expected = ask(ModelSpeaker(model, processor), [Turn("user", "What?", (good,))])
    speaker = ModelSpeaker(model, processor)
    wrong = processor.image_processor(images=[bad.pixels], return_tensors="pt")["pixel_values"][0]

    def refuse(_, args, kwargs):
        if any(torch.equal(row, wrong) for row in kwargs["pixel_values"]):
            raise RuntimeError("cannot be encoded")

    hook = model.model.vision_tower.register_forward_pre_hook(refuse, with_kwargs=True)
    media = (picture(3), good, bad)
    works = [partial(ask, speaker, [Turn("user", "What?", (medium,))]) for medium in media]
    found, sizes = together(speaker._encodings, *works)
    hook.remove()
    assert sizes == [1, 2]
    assert found[1] == expected and isinstance(found[2], RuntimeError)
    assert works[2]() == ask(ModelSpeaker(model, processor), [Turn("user", "What?", (bad,))])


def decode_bytes(ids):
    return bytes(ids).decode("utf-8", errors="replace")


@pytest.mark.parametrize("text", ["plain", "Grüße, 犬 🐶!", "👩‍👩‍👧 é", "", " lead"])
def test_text_stream_joins_to_the_text(text):
    stream = TextStream(decode_bytes)
    pieces = [stream.push(byte) for byte in text.encode()]
    pieces.append(stream.finish())
    assert "".join(pieces) == text.lstrip() == stream.text
    assert not any("\ufffd" in piece for piece in pieces)


def test_text_stream_leaves_out_an_unfinished_character():
    stream = TextStream(decode_bytes)
    pieces = [stream.push(byte) for byte in "dog 犬".encode()[:-1]]
    assert "".join([*pieces, stream.finish()]) == "dog " == stream.text


@pytest.mark.parametrize(
    ("text", "expected", "stopped"),
    [
        ("A dog.###Human: hi", "A dog.", True),
        ("A dog. ###", "A dog.", True),
        ("A # dog ## here", "A # dog ## here", False),
        ("ends in ##", "ends in ##", False),
        ("###", "", True),
    ],
)
def test_text_stream_cuts_at_a_stop_string(text, expected, stopped):
    stream = TextStream(decode_bytes, ["###"])
    pieces = []
    for byte in text.encode():
        pieces.append(stream.push(byte))
        if stream.stopped:
            break
    pieces.append(stream.finish())
    assert ("".join(pieces).rstrip(), stream.stopped) == (expected, stopped)
    assert "".join(pieces) == stream.text
    assert not any("###" in piece for piece in pieces)


def test_prefixes_cut_through_no_medium():
    keys = [1, 2, "p", "p", "p", 3, 4]
    assert [whole_prefix(keys, length) for length in range(8)] == [0, 1, 2, 2, 2, 5, 6, 6]
    assert common_length([1, 2, 3], [1, 2, 4, 5]) == 2
    assert common_length([1, "a"], [1, "b"]) == 1
    assert common_length([], [1]) == 0


class FakeCache:
    def __init__(self, length):
        self.length = length

    def crop(self, change):
        self.length += change


def test_no_caches_are_kept_if_none_are_wanted():
    caches = PrefixCaches(capacity=0)
    caches.give(Kept(object(), [1, 2]))
    assert len(caches) == 0


def test_a_cache_is_taken_forked_or_left():
    caches = PrefixCaches(capacity=2)
    caches.give(Kept(FakeCache(6), [1, 2, 3, 4, 5, 6]))
    near = caches.take([1, 2, 3, 4, 9, 9])  # most of it fits: take it
    assert (near.keys, near.cache.length, len(caches)) == ([1, 2, 3, 4], 4, 0)
    caches.give(Kept(FakeCache(6), [1, 2, 3, 4, 5, 6]))
    far = caches.take([1, 9, 9])  # hardly any: copy
    assert (far.keys, far.cache.length, len(caches)) == ([1], 1, 1)
    assert caches.take([7, 8]).cache is None
    for start in (10, 20, 30):
        caches.give(Kept(FakeCache(2), [start, start + 1]))
    assert len(caches) == 2
    caches.give(Kept(FakeCache(2), [40, 41], sound=False))
    assert caches.take([40, 41, 42]).cache is None


def test_picking_a_token():
    logits = torch.tensor([0.0, 3.0, 2.0, -torch.inf])
    assert pick_token(logits, 0.0, 1.0, None) == 1
    generator = torch.Generator().manual_seed(0)
    picks = {pick_token(logits, 1.0, 1.0, generator) for _ in range(200)}
    assert picks == {0, 1, 2}
    assert {pick_token(logits, 1.0, 0.5, generator) for _ in range(50)} == {1}


def test_it_says_which_sounds_are_too_long_to_be_heard_whole(model, processor, speaker):
    whole_s = processor.feature_extractor.whole_s
    turns = [Turn("user", "What?", sounds=(sound(0, whole_s), sound(1, 1.0)))]
    ask(speaker, turns)
    assert speaker.last.sampled_s == 0.0
    ask(
        speaker,
        [*turns, Turn("assistant", "A dog."), Turn("user", "And this?", sounds=(sound(2, whole_s + 3),))],
    )
    assert speaker.last.sampled_s == pytest.approx(whole_s + 3)

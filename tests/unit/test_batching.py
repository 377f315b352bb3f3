"""Several conversations over one model: shared passes change no answer, and nobody blocks another."""

import logging
import threading
import time

import pytest
import torch
from threads import at_once
from tiny import (
    SPECIALS,
    tiny_model,
    tiny_pixels,
    tiny_processor,
    tiny_samples,
    tiny_text_config,
    tiny_tokenizer,
)
from transformers import BloomConfig, GPT2Config, MistralConfig, Qwen3Config

from bubo.batching import Batcher, _chunk_end
from bubo.decoding import Kept
from bubo.slots import Row, Slots, fits_slot
from bubo.speaker import ModelSpeaker, Settings
from bubo.types import Picture, Sound, Turn

QUESTIONS = (
    "What?",
    "What do you see?",
    "Where is the dog, and what about the two cats on the beach? " * 4,
    "Why?",
    "Do you hear a dog barking?",
    "And now? " * 11,
)


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def processor():
    return tiny_processor()


def question(number):
    """A question of its own length, some with a picture, some with a sound, some with both."""
    pictures = (Picture(tiny_pixels(number)),) if number % 2 else ()
    sounds = (Sound(tiny_samples(number), 16000),) if number % 3 == 0 else ()
    return [Turn("user", QUESTIONS[number % len(QUESTIONS)], pictures, sounds)]


def settings(number):
    return Settings(max_new_tokens=5 + 7 * (number % 5))


def ask(speaker, turns, chosen):
    return "".join(speaker.stream(turns, chosen))


class Sizes:
    """Rows and positions of every pass of the language model."""

    def __init__(self, model):
        self.shapes = []
        self.hook = model.model.language_model.register_forward_pre_hook(self.on_pass, with_kwargs=True)

    def on_pass(self, module, args, kwargs):
        self.shapes.append(tuple(kwargs["inputs_embeds"].shape[:2]))

    @property
    def most_rows(self):
        return max(rows for rows, _ in self.shapes)


@pytest.fixture
def sizes(model):
    sizes = Sizes(model)
    yield sizes
    sizes.hook.remove()


def test_answers_together_are_those_alone(model, processor, sizes):
    speaker = ModelSpeaker(model, processor)
    expected = [ask(ModelSpeaker(model, processor), question(n), settings(n)) for n in range(8)]
    assert sizes.most_rows == 1
    works = [lambda n=n: ask(speaker, question(n), settings(n)) for n in range(8)]
    assert at_once(*works) == expected
    assert sizes.most_rows > 2
    assert len(speaker._batcher._slots) == 0


def test_conversations_go_on_from_their_caches_whoever_ran_beside_them(model, processor):
    speaker = ModelSpeaker(model, processor)

    def converse(speaker, number, turns_asked=3):
        turns, answers = [], []
        for turn in range(turns_asked):
            turns += question(number) if turn == 0 else [Turn("user", QUESTIONS[(number + turn) % 6])]
            answers.append(ask(speaker, turns, settings(number + turn)))
            turns.append(Turn("assistant", answers[-1]))
        return answers

    expected = [converse(ModelSpeaker(model, processor), number) for number in range(5)]
    assert at_once(*[lambda n=n: converse(speaker, n) for n in range(5)]) == expected


def test_what_was_decoded_together_is_reused_in_the_next_turn(model, processor, sizes):
    speaker = ModelSpeaker(model, processor)
    turns = [question(number) for number in range(4)]
    answers = at_once(*[lambda n=n: ask(speaker, turns[n], settings(4)) for n in range(4)])
    assert sizes.most_rows > 1
    for number in range(4):
        asked = [*turns[number], Turn("assistant", answers[number]), Turn("user", "Why?")]
        ask(speaker, asked, settings(0))
        last = speaker._prompts.write(asked[:2], False)
        assert speaker.last.tokens_reused == len(last.ids)
        assert speaker.last.encoder_calls == 0


def test_one_joins_and_leaves_while_another_decodes(model, processor, sizes):
    speaker = ModelSpeaker(model, processor)
    long = Settings(max_new_tokens=150)
    expected = [
        ask(ModelSpeaker(model, processor), question(1), long),
        *(ask(ModelSpeaker(model, processor), question(n), settings(n)) for n in (2, 3, 4)),
    ]
    begun = threading.Event()
    finished = []

    def first():
        text = ""
        for piece in speaker.stream(question(1), long):
            text += piece
            begun.set()
        finished.append(1)
        return text

    def later(number):
        begun.wait(60)
        text = ask(speaker, question(number), settings(number))
        finished.append(number)
        return text

    works = [first, *(lambda n=n: later(n) for n in (2, 3, 4))]
    assert at_once(*works) == expected
    assert finished[-1] == 1  # nobody waited for it to end
    assert sizes.most_rows > 1


def test_a_reader_that_stops_reading_blocks_nobody(model, processor):
    speaker = ModelSpeaker(model, processor)
    long = Settings(max_new_tokens=100)
    expected = [ask(ModelSpeaker(model, processor), question(n), long) for n in range(3)]
    sleeper = speaker.stream(question(0), long)
    read = next(sleeper)
    others = at_once(*[lambda n=n: ask(speaker, question(n), long) for n in (1, 2)])
    assert others == expected[1:]
    assert read + "".join(sleeper) == expected[0]
    closed = speaker.stream(question(0), long)
    next(closed)
    closed.close()
    assert len(speaker._batcher._slots) == 0


def test_a_stop_ends_one_and_the_others_go_on(model, processor):
    speaker = ModelSpeaker(model, processor)
    long = Settings(max_new_tokens=100)
    expected = [ask(ModelSpeaker(model, processor), question(n), long) for n in range(4)]
    stop = threading.Event()

    def stopped():
        text = ""
        for piece in speaker.stream(question(0), long, stop):
            text += piece
            if len(text) > 5:
                stop.set()
        return text

    works = [stopped, *(lambda n=n: ask(speaker, question(n), long) for n in (1, 2, 3))]
    first, *others = at_once(*works)
    assert others == expected[1:]
    assert expected[0].startswith(first) and 5 < len(first) < len(expected[0])


def test_sampling_together_is_what_it_is_alone(model, processor):
    chosen = [Settings(30, temperature=2.0, top_p=0.9, seed=seed) for seed in range(3)] + [Settings(30)]
    expected = [ask(ModelSpeaker(model, processor), question(1), one) for one in chosen]
    speaker = ModelSpeaker(model, processor)
    works = [lambda one=one: ask(speaker, question(1), one) for one in chosen]
    assert at_once(*works) == expected
    assert len(set(expected)) > 2


def test_an_error_in_one_conversation_is_only_its_own(model, processor, monkeypatch, caplog):
    speaker = ModelSpeaker(model, processor)
    long = Settings(max_new_tokens=60)
    expected = [ask(ModelSpeaker(model, processor), question(n), long) for n in range(4)]
    inner = model.model.language_model.layers[1]
    forward, marks = inner.forward, []

    def faulty(hidden, *args, **kwargs):
        """Fails whenever the one marked conversation takes part, by its token."""
        if marks and (marks[0] == tokens[-1]).any():
            raise MemoryError("this one is too much")
        return forward(hidden, *args, **kwargs)

    tokens = []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: tokens.append(kwargs["input_ids"]), with_kwargs=True
    )
    monkeypatch.setattr(inner, "forward", faulty)
    odd = SPECIALS.index("<|system|>")  # stands in no prompt here and never comes by itself

    def broken():
        pieces = speaker.stream(question(0), long)
        next(pieces)
        marks.append(odd)
        step = speaker._batcher.step
        mine = threading.get_ident()
        monkeypatch.setattr(
            speaker._batcher,
            "step",
            lambda row, token: step(row, odd if threading.get_ident() == mine else token),
        )
        return "".join(pieces)

    def good(number):
        return lambda: ask(speaker, question(number), long)

    with caplog.at_level(logging.WARNING):
        failed, *others = at_once(broken, good(1), good(2), good(3))
    hook.remove()
    assert isinstance(failed, MemoryError)
    assert others == expected[1:]
    assert len(speaker._batcher._slots) == 0


def test_a_long_prompt_lets_others_speak_between_its_chunks(model, processor, sizes):
    speaker = ModelSpeaker(model, processor)
    turns = [Turn("user", "What is this? " * 60, (Picture(tiny_pixels(1)),))]
    expected = ask(ModelSpeaker(model, processor), turns, settings(1))
    speaker._batcher._chunk = 16
    assert max(sizes.shapes)[1] > 100
    sizes.shapes.clear()
    other = ModelSpeaker(model, processor)
    other._batcher = speaker._batcher
    works = [
        lambda: ask(speaker, turns, settings(1)),
        lambda: ask(other, question(0), Settings(max_new_tokens=80)),
    ]
    answers = at_once(*works)
    assert answers[0] == expected
    chunks = [number for number, shape in enumerate(sizes.shapes) if shape[1] >= 16]
    assert len(chunks) > 4
    between = sizes.shapes[chunks[0] : chunks[-1]]
    assert any(positions == 1 for _, positions in between)


def test_a_stop_between_chunks_leaves_a_cache_to_go_on_from(model, processor):
    speaker = ModelSpeaker(model, processor)
    turns = [Turn("user", "What is this? " * 40, (Picture(tiny_pixels(1)),))]
    expected = ask(ModelSpeaker(model, processor), turns, settings(1))
    speaker._batcher._chunk = 32
    stop = threading.Event()
    feed, fed = speaker._batcher._feed, []

    def stop_after_two(*args):
        fed.append(feed(*args))
        if len(fed) == 2:
            stop.set()
        return fed[-1]

    speaker._batcher._feed = stop_after_two
    assert list(speaker.stream(turns, settings(1), stop)) == []
    assert (speaker.last.finish, len(fed)) == ("stopped", 2)
    assert ask(speaker, turns, settings(1)) == expected
    assert speaker.last.tokens_reused >= 64


def test_a_stop_before_anything_encodes_nothing(model, processor):
    speaker = ModelSpeaker(model, processor)
    stop = threading.Event()
    stop.set()
    assert list(speaker.stream(question(3), settings(1), stop)) == []
    assert (speaker.last.finish, speaker.last.encoder_calls) == ("stopped", 0)


def test_chunks_cut_through_no_medium():
    keys = [1, 2, "p", "p", "p", 3, 4]
    ends = [_chunk_end(keys, 0, end) for end in range(1, 9)]
    assert ends == [1, 2, 2, 2, 5, 6, 7, 7]
    assert [_chunk_end(keys, 2, end) for end in (3, 4, 5, 6)] == [5, 5, 5, 6]


def test_the_same_medium_asked_by_several_is_encoded_once(model, processor):
    calls = []

    def states(medium):
        calls.append(medium.id)
        time.sleep(0.2)
        pixels = processor.image_processor(images=[medium.pixels], return_tensors="pt")["pixel_values"]
        return model.model.vision_tower(pixels).last_hidden_state

    speaker = ModelSpeaker(model, processor, picture_states=states)
    turns = [[Turn("user", text, (Picture(tiny_pixels(1)),))] for text in QUESTIONS]
    answers = at_once(*[lambda one=one: ask(speaker, one, settings(0)) for one in turns])
    assert len(calls) == 1
    assert answers == [ask(ModelSpeaker(model, processor), one, settings(0)) for one in turns]


def text_fields():
    tokenizer = tiny_tokenizer()
    return {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": True,
    }


SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}


def foreign_config(kind):
    """Language models of other families: learned positions, grouped heads, windows, no positions at all."""
    if kind == "gpt2":
        return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **text_fields())
    if kind == "qwen3":
        return Qwen3Config(num_key_value_heads=2, head_dim=8, **SMALL, **text_fields())
    if kind == "window":
        return MistralConfig(num_key_value_heads=2, sliding_window=16, **SMALL, **text_fields())
    if kind == "eager":
        return tiny_text_config(attn_implementation="eager")
    bloom = BloomConfig(hidden_size=32, n_layer=2, n_head=4, **text_fields())
    bloom.max_position_embeddings = 512
    return bloom


@pytest.mark.parametrize(
    ("kind", "together"),
    [("gpt2", True), ("qwen3", True), ("eager", True), ("window", False), ("bloom", False)],
)
def test_other_language_models_answer_the_same_together_or_one_by_one(processor, kind, together):
    model = tiny_model(text_config=foreign_config(kind))
    expected = [ask(ModelSpeaker(model, processor), question(n), settings(n)) for n in range(4)]
    speaker = ModelSpeaker(model, processor)
    for _ in range(2):
        works = [lambda n=n: ask(speaker, question(n), settings(n)) for n in range(4)]
        assert at_once(*works) == expected
        speaker.clear()
    assert bool(speaker._batcher._agrees) is together
    assert len({*expected}) > 1


def test_a_model_that_takes_no_part_in_shared_passes_is_noticed(model, processor, monkeypatch, caplog):
    """As if it ignored masks and positions: its shared logits are wrong, and never used."""
    expected = [ask(ModelSpeaker(model, processor), question(n), settings(n)) for n in range(4)]
    step = Slots.step
    monkeypatch.setattr(Slots, "step", lambda *args: step(*args).flip(-1))
    speaker = ModelSpeaker(model, processor)
    with caplog.at_level(logging.WARNING):
        works = [lambda n=n: ask(speaker, question(n), settings(n)) for n in range(4)]
        assert at_once(*works) == expected
    assert speaker._batcher._agrees is False
    assert "does not take steps together" in caplog.text


def test_slots_move_caches_in_and_out_unchanged(model):
    torch.manual_seed(0)
    batcher, slots = Batcher(model, torch.zeros(1, dtype=torch.bool)), Slots()
    rows, contents = [], []
    for length in (3, 150, 20):
        row, ids = Row(Kept()), torch.randint(8, 200, (length,)).tolist()
        batcher.prefill(row, ids, ids)
        contents.append([(layer.keys.clone(), layer.values.clone()) for layer in row.kept.cache.layers])
        assert fits_slot(row.kept)
        rows.append(row)
        slots.join(row)
    assert [slots.length(row) for row in rows] == [3, 150, 20]
    slots.leave(rows[0])  # the last one moves into its place
    assert (rows[0].slot, rows[2].slot) == (None, 0)
    slots.leave(rows[2])
    slots.join(rows[0])
    slots.leave(rows[1])
    slots.leave(rows[0])
    for row, content in zip(rows, contents, strict=True):
        assert fits_slot(row.kept)
        for layer, (keys, values) in zip(row.kept.cache.layers, content, strict=True):
            assert torch.equal(layer.keys, keys) and torch.equal(layer.values, values)

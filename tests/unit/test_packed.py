"""Short prompts in passes with the steps of others: the same results, and a way back where that fails."""

import logging
import threading

import pytest
import torch
from threads import at_once
from tiny import tiny_model, tiny_pixels, tiny_processor, tiny_text_config, tiny_tokenizer
from transformers import AttentionInterface, GPT2Config, Qwen3Config

from bubo import packed
from bubo.batching import Batcher
from bubo.decoding import Kept
from bubo.slots import Row, Slots
from bubo.speaker import ModelSpeaker, Settings
from bubo.types import Picture, Turn

QUESTIONS = ("Why?", "What do you see?", "Is there a dog?", "And where?", "How many cats are on the beach?")
LENGTHS = (30, 7, 51, 16, 22)


@pytest.fixture(scope="module")
def processor():
    return tiny_processor()


@pytest.fixture
def model():
    return tiny_model()


def converse(speaker, number, rounds=4):
    """A conversation with a picture first; answers of different lengths, so that prompts meet steps."""
    turns, answers = [], []
    for turn in range(rounds):
        pictures = (Picture(tiny_pixels(number)),) if turn == 0 else ()
        turns.append(Turn("user", QUESTIONS[(number + turn) % len(QUESTIONS)], pictures))
        settings = Settings(max_new_tokens=4 + 9 * ((number + turn) % 4))
        answers.append("".join(speaker.stream(turns, settings)))
        turns.append(Turn("assistant", answers[-1]))
    return answers


def together(speaker, count=4):
    return at_once(*[lambda n=n: converse(speaker, n) for n in range(count)])


@pytest.fixture
def expected(model, processor):
    return [converse(ModelSpeaker(model, processor), number) for number in range(4)]


def text_config(kind):
    """Language models with learned positions, with grouped heads, and with another attention before."""
    tokenizer = tiny_tokenizer()
    fields = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": True,
    }
    if kind == "gpt2":
        return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **fields)
    if kind == "qwen3":
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 8}
        heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
        return Qwen3Config(max_position_embeddings=512, **sizes, **heads, **fields)
    return tiny_text_config(attn_implementation="eager" if kind == "eager" else "sdpa")


def rows_of(model, lengths=LENGTHS):
    """Rows that hold random tokens, by themselves."""
    torch.manual_seed(0)
    batcher = Batcher(model, torch.zeros(1, dtype=torch.bool))
    rows = [Row(Kept()) for _ in lengths]
    for row, length in zip(rows, lengths, strict=True):
        ids = torch.randint(8, 200, (length,)).tolist()
        batcher.prefill(row, ids, ids)
    return rows


def logits_alone(model, row, tokens):
    with torch.inference_mode():
        ids = torch.tensor([[*row.kept.keys, *tokens]])
        return model(input_ids=ids, logits_to_keep=1).logits[0, -1]


@pytest.mark.parametrize("kind", ["own", "gpt2", "qwen3", "eager"])
@pytest.mark.parametrize("counts", [(1, 9, 1, 4, 0), (5, 5, 5, 5, 5), (0, 40, 0, 0, 0), (1, 1, 1, 1, 60)])
def test_a_packed_pass_gives_what_each_gets_alone_to_the_last_digits(kind, counts):
    model = tiny_model(text_config=text_config(kind)).double()
    rows, slots = rows_of(model), Slots()
    before = model.get_decoder().config._attn_implementation
    for row in rows:
        slots.join(row)
    feeding = []
    for row, count in zip(rows, counts, strict=True):
        row.tokens = torch.randint(8, 200, (count,)).tolist()
        feeding += [row] if count else []
    feeding.reverse()  # in an order that is not that of the slots
    with torch.inference_mode():
        first = slots.step(model, feeding)
    for row, given in zip(feeding, first, strict=True):
        torch.testing.assert_close(given, logits_alone(model, row, row.tokens), rtol=1e-9, atol=1e-9)
    assert [slots.length(row) for row in rows] == [a + b for a, b in zip(LENGTHS, counts, strict=True)]
    assert model.get_decoder().config._attn_implementation == before
    for row in rows:  # what was written is right for steps, too, also of those that took no part
        row.kept.keys.extend(row.tokens)
        row.tokens = (11,)
    with torch.inference_mode():
        second = slots.step(model, rows)
    for row, given in zip(rows, second, strict=True):
        torch.testing.assert_close(given, logits_alone(model, row, (11,)), rtol=1e-9, atol=1e-9)


def test_prompts_join_the_steps_of_others_and_change_no_answer(model, processor, expected):
    speaker = ModelSpeaker(model, processor)
    shapes = []
    hook = model.model.language_model.register_forward_pre_hook(
        lambda module, args, kwargs: shapes.append((*kwargs["inputs_embeds"].shape[:2], "packing" in kwargs)),
        with_kwargs=True,
    )
    assert together(speaker) == expected
    hook.remove()
    assert (speaker._batcher._packs, speaker._batcher._agrees) == (True, True)
    assert len(speaker._batcher._slots) == 0
    assert any(packing and rows == 1 and tokens > 4 for rows, tokens, packing in shapes)
    assert any(rows > 1 for rows, _, _ in shapes)  # steps only are a batch


def test_two_speakers_over_one_model_do_not_disturb_each_other(model, processor, expected):
    before = model.get_decoder().config._attn_implementation
    one, two = ModelSpeaker(model, processor), ModelSpeaker(model, processor)
    works = [lambda n=n, s=s: converse(s, n) for s in (one, two) for n in range(4)]
    assert at_once(*works) == expected * 2
    assert model.get_decoder().config._attn_implementation == before


def test_a_prompt_behind_a_rewind_is_fed_in_its_slot(model):
    batcher = Batcher(model, torch.zeros(1, dtype=torch.bool))
    rows = rows_of(model, (20, 33))
    at_once(*[lambda row=row: [batcher.step(row, 9) for _ in range(6)] for row in rows])
    started = [row for row in rows if row.slot is not None]
    assert started
    for row in started:
        batcher.rewind(row, 15)
        ids = [*row.kept.keys, *range(20, 40)]
        fed = batcher.prefill(row, ids, ids)
        assert row.slot is not None and row.kept.keys == ids
        with torch.inference_mode():
            wanted = model(input_ids=torch.tensor([ids]), logits_to_keep=1).logits[0, -1]
        torch.testing.assert_close(fed.logits, wanted, rtol=1e-3, atol=1e-4)


def test_what_is_long_or_holds_a_medium_is_fed_by_itself(model):
    batcher = Batcher(model, torch.zeros(1, dtype=torch.bool))
    row = rows_of(model, (20,))[0]
    assert batcher._may_share(row, [*row.kept.keys, 1, 2])
    assert not batcher._may_share(row, row.kept.keys)
    assert not batcher._may_share(row, [*row.kept.keys, 1, "picture", 2])
    assert not batcher._may_share(row, [*row.kept.keys, *range(65)])
    assert not batcher._may_share(Row(Kept()), [1, 2])
    batcher._chunk = 32
    assert not batcher._may_share(row, [*row.kept.keys, *range(33)])
    batcher._packs = False
    assert not batcher._may_share(row, [*row.kept.keys, 1, 2])


def test_a_stop_before_a_short_prompt_feeds_nothing(model):
    batcher = Batcher(model, torch.zeros(1, dtype=torch.bool))
    row = rows_of(model, (20,))[0]
    stop, ids = threading.Event(), [*row.kept.keys, 1, 2]
    stop.set()
    assert batcher.prefill(row, ids, ids, stop=stop) is None
    assert len(row.kept.keys) == 20


def run(batcher, rows):
    with torch.inference_mode():
        return batcher._run(rows)


def test_a_prompt_that_fails_harms_no_other_and_prompts_stay_shared(model, monkeypatch, caplog):
    rows = rows_of(model, (20, 33, 12))
    for row, tokens in zip(rows, ((15,), (16, 17, 18), (19, 20)), strict=True):
        row.tokens = tokens
    batcher = Batcher(model, torch.zeros(1, dtype=torch.bool))
    forward = model.forward

    def faulty(*args, input_ids, **kwargs):
        if (input_ids == 17).any():
            raise MemoryError("this one is too much")
        return forward(*args, input_ids=input_ids, **kwargs)

    wanted = [logits_alone(model, row, row.tokens) for row in rows]
    monkeypatch.setattr(model, "forward", faulty)
    with caplog.at_level(logging.WARNING):
        first, second, third = run(batcher, rows)
    assert isinstance(second, MemoryError)
    for given, logits in ((first, wanted[0]), (third, wanted[2])):
        torch.testing.assert_close(given.logits, logits, rtol=1e-3, atol=1e-4)
    assert batcher._packs is None and len(batcher._slots) == 0
    assert [len(row.kept.keys) for row in rows] == [21, 33, 14]


def test_a_model_that_takes_no_packing_goes_on_as_before_for_good(
    model, processor, expected, monkeypatch, caplog
):
    """As one whose layers know nothing of transformers' interface of attention."""
    inner, tried = model.model.language_model, []
    forward = inner.forward

    def strict(*args, **kwargs):
        if "packing" in kwargs:
            tried.append(1)
            raise TypeError("unexpected keyword argument 'packing'")
        return forward(*args, **kwargs)

    monkeypatch.setattr(inner, "forward", strict)
    speaker = ModelSpeaker(model, processor)
    with caplog.at_level(logging.WARNING):
        assert together(speaker) == expected
        assert together(speaker) == expected
    assert speaker._batcher._packs is False and speaker._batcher._agrees is True
    assert len(tried) == 1
    assert "unexpected keyword argument" in caplog.text


@pytest.mark.parametrize("wrong", ["everything", "prompts"])
def test_packed_passes_with_other_results_are_noticed_and_never_used(
    model, processor, expected, monkeypatch, caplog, wrong
):
    def careless(module, query, key, value, mask, packing=None, **kwargs):
        mixed, weights = packed.attend(module, query, key, value, mask, packing=packing, **kwargs)
        if packing is not None:
            mixed[:, 0 if wrong == "everything" else len(packing.singles) :] *= 1.5
        return mixed, weights

    monkeypatch.setitem(AttentionInterface._global_mapping, packed.NAME, careless)
    speaker = ModelSpeaker(model, processor)
    with caplog.at_level(logging.WARNING):
        assert together(speaker) == expected
    assert speaker._batcher._packs is False and speaker._batcher._agrees is True
    assert "does not take prompts with steps" in caplog.text


def test_a_prompt_between_shorter_and_longer_rows_is_compared_too(model, monkeypatch):
    def careless(module, query, key, value, mask, packing=None, **kwargs):
        mixed, weights = packed.attend(module, query, key, value, mask, packing=packing, **kwargs)
        if packing is not None:
            mixed[:, len(packing.singles) :] *= 1.5
        return mixed, weights

    rows = rows_of(model, (20, 33, 60))
    for row, tokens in zip(rows, ((15,), (16, 17, 18), (19,)), strict=True):
        row.tokens = tokens
    wanted = [logits_alone(model, row, row.tokens) for row in rows]
    monkeypatch.setitem(AttentionInterface._global_mapping, packed.NAME, careless)
    batcher = Batcher(model, torch.zeros(1, dtype=torch.bool))
    for given, logits in zip(run(batcher, rows), wanted, strict=True):
        torch.testing.assert_close(given.logits, logits, rtol=1e-3, atol=1e-4)
    assert batcher._packs is False
    assert [len(row.kept.keys) for row in rows] == [21, 36, 61]

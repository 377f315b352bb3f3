"""A packed row is its dialogues, each as if it stood alone, in the very tokens that the processor serves."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from tiny import tiny_processor, tiny_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from bubo.train.packed_attention import NAME, lay_out, supervised
from bubo.train.packing import (
    IGNORE,
    Front,
    Packer,
    answer_loss,
    attention_loss,
    collate_rows,
    group_by_media,
    offsets,
)

FRONT = Front(num_image_tokens=4, num_audio_tokens=3, image_null=2, audio_null=2)
SLOTS = {"t0": 1, "t1": 0, "e0": 1}  # t2 and e1 are not seen


def user(text: str, *media: str) -> dict[str, Any]:
    return {"role": "user", "text": text, "media": list(media)}


def bubo(text: str, kind: str, about: Any = (), compare: Any = (), links: Any = ()) -> dict[str, Any]:
    keys = ("start", "end", "things", "events")
    return {
        "role": "assistant",
        "text": text,
        "kind": kind,
        "about": list(about),
        "compare": list(compare),
        "links": [dict(zip(keys, link, strict=True)) for link in links],
        "media": [],
    }


BOTH = ("picture", "sound")
WHERE = [user("Where is the dog?", *BOTH), bubo("The dog is on the left.", "position", ["t0"])]
COUNT = [user("How many cows?", *BOTH), bubo("No cows.", "count")]
TALK = [
    user("Is the dog left of the cat?", *BOTH),
    bubo("Yes, it is.", "relation", ["t0"], ["t1"]),
    user("And what do you hear?"),
    bubo("I hear barking.", "describe_sound", ["e0"], links=[(7, 14, [], ["e0"])]),
]
LATER = [
    user("What do you see?", "picture"),
    bubo("A dog and a cat.", "describe_picture", links=[(0, 5, ["t0"], []), (10, 15, ["t1"], [])]),
    user("Here is a sound. Who made it?", "sound"),
    bubo("The dog.", "source", ["e0"], ["t0"]),
]
ALONE = [user("Who are you?"), bubo("I am Bubo <|end|> \u00e9\U0001f989.", "talk")]


@pytest.fixture(scope="module")
def packer() -> Packer:
    return Packer(tiny_tokenizer(), FRONT)


@pytest.fixture(scope="module")
def llama(packer: Packer) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(packer.tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.3,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM._from_config(config, attn_implementation=NAME).eval()


@pytest.fixture(scope="module")
def plain(llama: LlamaForCausalLM) -> LlamaForCausalLM:
    """The same weights as they are served."""
    model = LlamaForCausalLM._from_config(deepcopy(llama.config), attn_implementation="eager").eval()
    model.load_state_dict(llama.state_dict())
    return model


def words(packer: Packer, ids: Any) -> str:
    return str(packer.tokenizer.decode(list(ids)))


@torch.no_grad()
def outputs_of(llama: LlamaForCausalLM, rows: list[Any]) -> Any:
    batch = collate_rows(rows)
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
    layout = lay_out(batch["segments"], batch["targets"], layer=1)
    return llama(**inputs, layout=layout, output_attentions=True, use_cache=False), layout, batch


@pytest.mark.parametrize("group", [[WHERE, COUNT, TALK], [LATER, LATER[:2]], [ALONE, ALONE]])
def test_a_dialogue_in_a_row_is_computed_as_if_alone(
    packer: Packer, llama: LlamaForCausalLM, plain: LlamaForCausalLM, group: list[Any]
) -> None:
    row = packer.pack(group, SLOTS)
    other = packer.pack([TALK], SLOTS)  # a second, longer or shorter row: padding must not matter either
    packed = outputs_of(llama, [other, row])[0].logits[0, len(other.ids) :]
    blocks = torch.tensor(row.blocks)
    for number, dialogue in enumerate(group, start=1):
        alone = packer.pack([dialogue], SLOTS)
        served = plain(torch.tensor([alone.ids]), use_cache=False).logits[0]  # no mask, no positions
        own = served[torch.tensor(alone.blocks) == 1]
        assert own.abs().max() > 0.1
        torch.testing.assert_close(packed[blocks == number], own, rtol=0, atol=1e-5)
        start = alone.blocks.index(1)
        assert alone.ids[:start] == row.ids[:start]


@pytest.mark.parametrize("dialogue", [WHERE, COUNT, TALK, LATER, ALONE])
def test_a_lone_dialogue_has_the_tokens_of_the_processor(packer: Packer, dialogue: list[Any]) -> None:
    processor = tiny_processor()
    kinds = {"picture": "image", "sound": "audio"}
    messages = [
        {
            "role": turn["role"],
            "content": [{"type": kinds[m]} for m in BOTH if m in turn["media"]]
            + [{"type": "text", "text": turn["text"]}],
        }
        for turn in dialogue
    ]
    row = packer.pack([dialogue], SLOTS)
    assert row.ids == processor.encode_turns(messages)
    assert row.positions == list(range(len(row.ids)))
    pieces = processor.encode_pieces(messages)
    targets = [i if piece.target else IGNORE for piece in pieces for i in piece.ids]
    assert row.labels == targets
    asked = processor.encode_turns(messages[:-1], add_generation_prompt=True)
    assert row.ids[: len(asked)] == asked
    assert row.spans[-1] == (len(asked) - 1, len(row.ids) - 1)


def test_labels_are_the_answers_and_their_ends(packer: Packer) -> None:
    row = packer.pack([WHERE, TALK], SLOTS)
    answers = "".join(f"{turn['text']}<|end|>" for turn in [*WHERE, *TALK] if turn["role"] == "assistant")
    assert words(packer, [i for i in row.labels if i != IGNORE]) == answers
    for (start, end), turn in zip(row.spans, [WHERE[1], TALK[1], TALK[3]], strict=True):
        assert row.ids[start] == packer.special["<|assistant|>"]
        assert words(packer, row.ids[start + 1 : end + 1]) == turn["text"] + "<|end|>"


def test_placeholders_are_counted_and_listed_in_reading_order(packer: Packer) -> None:
    later = ["picture", "sound", "sound"]
    for group, media in (([WHERE, TALK], later[:2]), ([LATER, LATER], later), ([ALONE], [])):
        row = packer.pack(group, SLOTS)
        assert row.media == media
        for name, token, count in (("picture", "<|image|>", 4), ("sound", "<|audio|>", 3)):
            assert row.ids.count(packer.special[token]) == count * media.count(name)


def queries(row: Any, head: int) -> dict[int, tuple[int, ...]]:
    return {query: keys for number, query, keys in row.targets if number == head}


def test_answers_look_at_the_slots_they_are_about(packer: Packer) -> None:
    image, audio = 2, 6  # first placeholder of each medium, after begin and user
    row = packer.pack([TALK, COUNT, WHERE], SLOTS)
    assert row.ids[image] == packer.special["<|image|>"] != row.ids[image - 1]
    assert row.ids[audio] == packer.special["<|audio|>"] != row.ids[audio - 1]
    relation, hear, count, where = row.spans
    about, compare = queries(row, 0), queries(row, 1)
    assert {about[q] for q in range(relation[0], relation[1] - 1)} == {(image + SLOTS["t0"],)}
    assert {compare[q] for q in range(relation[0], relation[1] - 1)} == {(image + SLOTS["t1"],)}
    assert (
        about[hear[0]] == compare[hear[0]] == (audio + SLOTS["e0"],)
    )  # in a listing, head 1 looks at sounds
    assert {about[q] for q in range(count[0], count[1] - 1)} == {(image + FRONT.image_null,)}
    assert {about[q] for q in range(where[0], where[1] - 1)} == {(image + SLOTS["t0"],)}
    assert all(row.ids[key] in (packer.special["<|image|>"], packer.special["<|audio|>"])
               for _, _, keys in row.targets for key in keys)  # fmt: skip


def test_a_listing_looks_at_the_thing_it_names_next(packer: Packer) -> None:
    row = packer.pack([LATER], SLOTS)
    about = queries(row, 0)
    start, end = row.spans[0]
    ends = packer.encode("A dog and a cat.")[1]
    for i, last in enumerate(ends):
        expected = (3,) if last < 5 else (2,) if last < 15 else None
        assert about.get(start + i) == expected
    audio = row.ids.index(packer.special["<|audio|>"])
    assert about[row.spans[1][0]] == (audio + 1,)
    assert queries(row, 1)[row.spans[1][0]] == (2 + SLOTS["t0"],)
    assert end == start + len(ends) + 1


def test_what_no_slot_shows_has_no_target(packer: Packer) -> None:
    row = packer.pack([[user("Where?", "picture"), bubo("There.", "colour", ["t2"])]], SLOTS)
    assert row.targets == []
    several = packer.pack([[user("Where?", "picture"), bubo("There.", "colour", ["t0", "t1", "t2"])]], SLOTS)
    assert {keys for _, _, keys in several.targets} == {(3, 2)}
    batch = collate_rows([row, several])
    assert (batch["targets"][:, 1:] >= len(row.ids)).all()
    assert batch["target_weight"].tolist() == [0.5] * len(batch["target_weight"])


def test_the_sound_questions_have_a_null_of_their_own(packer: Packer) -> None:
    group = [[user("Do I hear a cow?", *BOTH), bubo("No.", "presence_sound")]]
    row = packer.pack(group, SLOTS)
    assert {keys for _, _, keys in row.targets} == {(6 + FRONT.audio_null,)}
    deaf = packer.pack([[user("Do I hear a cow?"), bubo("No.", "presence_sound")]], SLOTS)
    assert deaf.targets == []


@torch.no_grad()
def test_the_supervised_attention_is_that_of_the_served_model(
    packer: Packer, llama: LlamaForCausalLM, plain: LlamaForCausalLM
) -> None:
    rows = [packer.pack([LATER, WHERE], SLOTS), packer.pack([TALK], SLOTS), packer.pack([ALONE], SLOTS)]
    output, layout, batch = outputs_of(llama, rows)
    picked = supervised(output.attentions)
    assert sorted(layout.order.tolist()) == list(range(len(batch["targets"])))
    alone = plain(torch.tensor([rows[1].ids]), output_attentions=True, use_cache=False).attentions[1][0]
    offset = len(rows[0].ids)
    assert offsets(rows)[1] == offset
    checked = 0
    for share, (head, query, key) in zip(picked, batch["targets"][layout.order].tolist(), strict=True):
        if offset <= query < offset + len(rows[1].ids):
            assert float(share) == pytest.approx(float(alone[head, query - offset, key - offset]), abs=1e-5)
            checked += 1
    assert checked > 10


def test_segments_cover_every_token_once(packer: Packer) -> None:
    rows = [packer.pack([WHERE, COUNT], SLOTS), packer.pack([ALONE], SLOTS)]
    batch = collate_rows(rows)
    first = rows[0].blocks.count(0)
    total = sum(len(row.ids) for row in rows)
    assert batch["segments"][:, 2].tolist()[1:] == batch["segments"][:, 3].tolist()[:-1]
    assert batch["segments"][0].tolist() == [0, 0, 0, first]
    assert batch["segments"][1, :2].tolist() == batch["segments"][2, :2].tolist() == [0, first]
    assert int(batch["segments"][-1, 3]) == total == batch["input_ids"].shape[1]


def test_losses_and_guesses() -> None:
    labels = torch.tensor([[IGNORE, IGNORE, 3, 1, IGNORE]])
    hidden = torch.zeros(1, 5, 4)
    hidden[0, 1, 3] = hidden[0, 2, 0] = 50.0  # position 1 says 3 (right), position 2 says 0 (wrong)
    loss, guess, shifted = answer_loss(hidden, labels, torch.nn.Identity())
    assert guess.tolist() == [[-1, 3, 0, -1, -1]]
    assert shifted.tolist() == [[IGNORE, 3, 1, IGNORE, IGNORE]]
    assert float(loss) == pytest.approx(25.0, abs=1e-3)
    picked, weight = torch.full((2,), 0.25), torch.tensor([0.5, 0.5])
    assert float(attention_loss(picked, weight)) == pytest.approx(1.3863, abs=1e-4)
    assert float(attention_loss(picked[:0], weight[:0])) == 0


def test_dialogues_are_grouped_by_their_first_media() -> None:
    groups = group_by_media({"dialogues": [WHERE, LATER, COUNT, ALONE]})
    assert groups == [[WHERE, COUNT], [LATER], [ALONE]]
    assert group_by_media({"dialogues": [WHERE] * 5}, front_limit=2) == [[WHERE, WHERE]]


@pytest.mark.parametrize(
    ("value", "text", "about", "looked_at"),
    [
        ("match", "Yes, they fit: the bark is here.", ["t0"], {1}),
        ("partly", "Only partly: the bark is here.", ["t0"], {1, 2}),
        ("mismatch", "No, they do not: the bark is here.", [], {2}),
        (None, "I cannot say: the bark is here.", [], {2}),
    ],
)
def test_a_verdict_looks_at_what_makes_the_sound(
    packer: Packer, value: str | None, text: str, about: list[str], looked_at: set[int]
) -> None:
    bark = text.index("the bark")
    answer = bubo(text, "verdict", about, ["e0"], [(bark, bark + 8, [], ["e0"])])
    answer["answer"] = {"value": value}
    row = packer.pack([[user("Do they fit?", *BOTH), answer]], SLOTS)
    picture = row.ids.index(packer.special["<|image|>"])
    sound = row.ids.index(packer.special["<|audio|>"])
    start, ends = row.spans[0][0], packer.encode(text)[1]
    verdict = {start + i for i, end in enumerate(ends) if end < text.index(":")}
    reason = {start + i for i, end in enumerate(ends) if text.index(":") < end < bark + 8}
    for query in verdict:
        keys = {key for _, at, own in row.targets if at == query for key in own}
        assert keys == {picture + i for i in looked_at} | {sound + 1}
    assert (
        verdict
        and reason
        and {keys for head, at, keys in row.targets if at in reason and head == 0} == {(sound + 1,)}
    )


@pytest.mark.parametrize(("named", "thing"), [("the dog", "t0"), ("the cat", "t1")])
def test_the_one_that_is_further_is_looked_at_before_it_is_named(
    packer: Packer, named: str, thing: str
) -> None:
    text = f"The dog is on the left and the cat in the middle: {named} is further left."
    begins = {"t0": [0], "t1": [text.index("the cat")]}
    begins[thing].append(text.rindex(named))
    links = [(at, at + 7, [name], []) for name, places in begins.items() for at in places]
    answer = bubo(text, "further", ["t0"], ["t1"], sorted(links))
    row = packer.pack([[user("Which is further left?", "picture"), answer]], SLOTS)
    image = row.ids.index(packer.special["<|image|>"])
    start, ends = row.spans[0][0], packer.encode(text)[1]
    about, compare = queries(row, 0), queries(row, 1)
    other = {"t0": "t1", "t1": "t0"}[thing]
    for i, end in enumerate(ends):
        first, second = (thing, other) if end >= text.index(":") else ("t0", "t1")
        assert about[start + i] == (image + SLOTS[first],)
        assert compare[start + i] == (image + SLOTS[second],)

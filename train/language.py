"""Stage "language": the language model learns the world's language on truth tokens.

The attention of two heads in one middle layer is supervised (`attention` in `loss_weights`): head 0 looks at
the thing the answer is about, head 1 at the thing it is compared with, and "nothing" looks at a null token.
At inference the weights are those of a plain Llama.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .arrays import WorldArrays, open_arrays
from .config import RunConfig
from .job import Job, run_on
from .options import parse_options
from .oracle import TruthTokens, name_ids
from .packed_attention import NAME as PACKED
from .packed_attention import lay_out, supervised
from .packing import SPECIALS, Front, Packer, answer_loss, attention_loss
from .rows import RowSet, exact_by_kind, truth_reader

WEIGHTS = {"words": 1.0, "attention": 0.3}
TRUTH_FILE = "truth_tokens.safetensors"


@dataclass(frozen=True, kw_only=True)
class LanguageOptions:
    """Sizes of the language model; `attention_layer` counts from 0; `joined` is the share of long talks."""

    hidden_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 704
    vocab_size: int = 2048
    attention_layer: int = 2
    per_row: int = 9
    fact_weight: float = 1.0
    joined: float = 0.0


def train_tokenizer(
    worlds: list[WorldArrays], vocab_size: int, records: int = 8000
) -> PreTrainedTokenizerFast:
    """Byte-level BPE over the dialogues and names of the training worlds; SPECIALS are its first ids."""

    def texts() -> Iterator[str]:
        for world in worlds:
            for kind in ("objects", "sounds", "places"):
                for entry in world.vocabulary[kind]:
                    words = [entry["name"], entry.get("plural", ""), *entry.get("synonyms", [])]
                    yield from (f" {word}" for word in words * 20 if word)
            for record in world.records[:records]:
                yield from (turn["text"] for dialogue in record["dialogues"] for turn in dialogue)

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=list(SPECIALS), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    tokenizer.train_from_iterator(texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        bos_token="<|begin|>",
        eos_token="<|end|>",
        additional_special_tokens=list(SPECIALS[3:]),
        clean_up_tokenization_spaces=False,
        model_max_length=2048,
    )


class LanguageTraining(nn.Module):
    """A Llama that reads truth tokens, with its losses."""

    def __init__(self, llama: LlamaForCausalLM, truth: TruthTokens, layer: int, special: dict[str, int],
                 weights: dict[str, float]):  # fmt: skip
        super().__init__()
        self.llama, self.truth, self.layer, self.special, self.weights = llama, truth, layer, special, weights

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        position_ids: Tensor,
        segments: Tensor,
        targets: Tensor,
        target_weight: Tensor,
        word_weight: Tensor | None = None,
        **media: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of a packed batch; `guess` holds the argmax ids (1, T)."""
        table = self.llama.get_input_embeddings().weight
        embeds = self.llama.get_input_embeddings()(input_ids)
        picture, sound = truth_tokens(self.truth, table, media)
        for tokens, name in ((picture, "<|image|>"), (sound, "<|audio|>")):
            if tokens is not None:
                places = (input_ids == self.special[name])[..., None]
                embeds = embeds.masked_scatter(places, tokens.to(embeds.dtype))
        layout = lay_out(segments, targets, self.layer)
        output = self.llama.model(
            inputs_embeds=embeds, position_ids=position_ids, layout=layout, output_attentions=True,
            use_cache=False,
        )  # fmt: skip
        words, guess, _ = answer_loss(output.last_hidden_state, labels, self.llama.lm_head, word_weight)
        attention = attention_loss(supervised(output.attentions), target_weight[layout.order])
        loss = self.weights["words"] * words + self.weights["attention"] * attention
        return {"loss": loss, "words": words, "attention": attention, "guess": guess}


def truth_tokens(
    truth: TruthTokens, table: Tensor, media: dict[str, Tensor]
) -> tuple[Tensor | None, Tensor | None]:
    """Truth tokens of the batch's pictures and sounds, or None where it has none."""
    picture = sound = None
    if "picture_things" in media:
        picture = truth.picture(
            table,
            media["picture_things"],
            media["picture_boxes"],
            media["picture_colours"],
            media["picture_place"],
        )
    if "sound_events" in media:
        sound = truth.sound(table, media["sound_events"], media["sound_times"], media["sound_duration"])
    return picture, sound


@torch.no_grad()
def measure_rows(model: nn.Module, rows: RowSet, limit: int = 400, batch_size: int = 32) -> dict[str, float]:
    """Share of answers whose facts are all right under teacher forcing, by kind (`exact_*`), and losses."""
    model.eval()
    right: dict[str, list[bool]] = defaultdict(list)
    sums: dict[str, float] = defaultdict(float)
    step = max(1, len(rows) // limit)
    index = list(range(0, len(rows), step))[:limit]
    for start in range(0, len(index), batch_size):
        items = [rows[i] for i in index[start : start + batch_size]]
        output = run_on(model, **rows.collate(items))
        for name in ("words", "attention"):
            sums[name] += float(output[name]) * len(items) / len(index)
        for kind, hit in exact_by_kind([(item[0], item[3]) for item in items], rows.packer, output["guess"]):
            right[kind].append(hit)
    return {**{f"valid_{k}": v for k, v in sums.items()},
            **{f"exact_{kind}": sum(hits) / len(hits) for kind, hits in sorted(right.items())}}  # fmt: skip


def build(config: RunConfig) -> Job:
    """The job of stage "language"."""
    options = parse_options(LanguageOptions, config.model)
    train = [open_arrays(folder) for folder in config.data.train]
    valid = [open_arrays(folder) for folder in config.data.validation]
    tokenizer = train_tokenizer(train, options.vocab_size)
    packer = Packer(tokenizer, Front())
    llama = LlamaForCausalLM._from_config(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=options.hidden_size,
            intermediate_size=options.intermediate_size,
            num_hidden_layers=options.num_hidden_layers,
            num_attention_heads=options.num_attention_heads,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            initializer_range=options.hidden_size**-0.5,
            bos_token_id=packer.special["<|begin|>"],
            eos_token_id=packer.special["<|end|>"],
            pad_token_id=packer.special["<|pad|>"],
        ),
        attn_implementation=PACKED,
    )
    world = train[0]
    truth = TruthTokens(
        options.hidden_size, name_ids(tokenizer, world.object_names), name_ids(tokenizer, world.sound_names),
        name_ids(tokenizer, world.place_names), name_ids(tokenizer, world.vocabulary.get("colours", [])),
    )  # fmt: skip
    rows = RowSet(
        train,
        packer,
        truth_reader,
        per_row=options.per_row,
        seed=config.seed,
        limit=config.data.limit,
        fact_weight=options.fact_weight,
        joined=options.joined,
    )
    held = RowSet(valid, packer, truth_reader, per_row=options.per_row, limit=config.data.limit)

    def save(model: Any, folder: Path) -> None:
        model.llama.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        table = model.llama.get_input_embeddings().weight.detach().clone()
        save_file({**model.truth.state_dict(), "table": table}, folder / TRUTH_FILE)

    def evaluate(model: Any) -> dict[str, float]:
        return measure_rows(model, held)

    return Job(
        model=LanguageTraining(
            llama, truth, options.attention_layer, packer.special, {**WEIGHTS, **config.loss_weights}
        ),
        train_set=rows,
        collate=rows.collate,
        save=save,
        evaluate=evaluate,
    )

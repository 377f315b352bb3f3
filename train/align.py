"""Stages "align" (stage 1) and "instruct" (stage 2): frozen towers, bridges and language model learn.

Stage 1 trains the bridges alone, on captions of each modality. Stage 2 trains bridges and language model on
all dialogues, positive and negative pairs alike. Losses (names in `loss_weights`): `words`, `attention` (see
language.py), `truth` (soft tokens against truth tokens).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoTokenizer, Blip2QFormerConfig, LlamaForCausalLM

from bubo.models.bubo import BuboConfig, BuboForConditionalGeneration, BuboProcessor
from bubo.models.bubo_audio import BuboAudioModel
from bubo.models.bubo_vision import BuboVisionImageProcessor, BuboVisionModel
from bubo.models.imagebind import ImageBindFeatureExtractor

from .arrays import WorldArrays, open_arrays
from .config import RunConfig
from .features import WorldFeatures, open_features
from .job import Job
from .language import TRUTH_FILE, measure_rows, truth_tokens
from .options import parse_options
from .oracle import TruthTokens
from .packed_attention import NAME as PACKED
from .packed_attention import lay_out, supervised
from .packing import Front, Packer, answer_loss, attention_loss
from .rows import RowSet, usual_length

WEIGHTS = {"words": 1.0, "attention": 0.3, "truth": 0.3}
EAGER = ("", "vision_config", "audio_config", "vision_qformer_config", "audio_qformer_config")
ATTENTION = {**dict.fromkeys(EAGER, "eager"), "text_config": PACKED}
CAPTIONS = frozenset(
    {"describe_picture", "list_objects", "describe_sound", "describe_both", "position", "when", "place"}
)


@dataclass(frozen=True, kw_only=True)
class AlignOptions:
    """What is trained and on which dialogues.

    Attributes:
        qformer_layers: layers of each Q-Former.
        train_language: also train the language model (stage 2).
        dialogues: "single", "multi" or "all".
        captions_only: only descriptions (stage 1).
        attention_layer: the supervised layer, as in the language stage.
        per_row: most dialogues in one row.
        fact_weight: weight of the tokens that carry an answer's fact.
        joined: share of rows whose dialogues are one long talk.
    """

    qformer_layers: int = 2
    train_language: bool = True
    dialogues: str = "all"
    captions_only: bool = False
    attention_layer: int = 2
    per_row: int = 9
    fact_weight: float = 1.0
    joined: float = 0.0


class AlignTraining(nn.Module):
    """Bubo over cached tower features, with its losses."""

    def __init__(self, bubo: BuboForConditionalGeneration, truth: TruthTokens, table: Tensor, layer: int,
                 weights: dict[str, float]):  # fmt: skip
        super().__init__()
        self.bubo, self.layer, self.weights = bubo, layer, weights
        self.truth = truth.requires_grad_(False)
        self.table: Tensor
        self.register_buffer("table", table)
        for tower in self._towers():
            tower.requires_grad_(False)

    def _towers(self) -> tuple[nn.Module, nn.Module]:
        model: Any = self.bubo.model
        return model.vision_tower, model.audio_tower

    def train(self, mode: bool = True) -> AlignTraining:
        """The towers stay in eval mode."""
        super().train(mode)
        for tower in self._towers():
            tower.eval()
        return self

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
        layout = lay_out(segments, targets, self.layer)
        output = self.bubo.model(
            input_ids=input_ids, position_ids=position_ids, layout=layout,
            vision_hidden_states=media.get("picture_vision"), audio_features=self._sounds(media),
            output_attentions=True, use_cache=False,
        )  # fmt: skip
        words, guess, _ = answer_loss(output.last_hidden_state, labels, self.bubo.lm_head, word_weight)
        attention = attention_loss(supervised(output.attentions), target_weight[layout.order])
        with torch.no_grad():
            goals = truth_tokens(self.truth, self.table, media)
        truth = words.new_zeros(())
        for made, goal in zip((output.image_features, output.audio_features), goals, strict=True):
            if made is not None and goal is not None:
                truth = truth + (unit(made.float()) - unit(goal.float())).square().mean()
        loss = (
            self.weights["words"] * words
            + self.weights["attention"] * attention
            + self.weights["truth"] * truth
        )
        return {"loss": loss, "words": words, "attention": attention, "truth": truth, "guess": guess}

    def _sounds(self, media: dict[str, Tensor]) -> Tensor | None:
        """Soft tokens of the batch's sounds, each from its own frames only, not from what pads them."""
        if "sound_audio" not in media:
            return None
        states = media["sound_audio"]  # (N, longest, D)
        real = torch.arange(states.shape[1], device=states.device) < media["sound_frames"][:, None]
        bridge: Any = self.bubo.model.audio_bridge
        tokens: Tensor = bridge(states, real)
        return tokens


def unit(x: Tensor) -> Tensor:
    """Root mean square one over the last axis."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def new_bubo(config: RunConfig, options: AlignOptions) -> BuboForConditionalGeneration:
    """Bubo from its parts: the towers and the language model that `config.init` names, and new bridges."""
    eyes = BuboVisionModel.from_pretrained(config.init_folder("eyes"), dtype=torch.float32)
    ears = BuboAudioModel.from_pretrained(config.init_folder("ears"), dtype=torch.float32)
    folder = config.init_folder("language")
    llama = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def qformer(width: int) -> Blip2QFormerConfig:
        return Blip2QFormerConfig(
            hidden_size=192,
            num_hidden_layers=options.qformer_layers,
            num_attention_heads=3,
            intermediate_size=768,
            encoder_hidden_size=width,
            cross_attention_frequency=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            use_qformer_text_input=False,
        )

    settings = BuboConfig(
        vision_config=eyes.config,
        audio_config=ears.config,
        text_config=llama.config,
        vision_qformer_config=qformer(eyes.config.hidden_size),
        audio_qformer_config=qformer(ears.config.hidden_size),
        num_image_tokens=eyes.config.num_anchors,
        num_audio_tokens=ears.config.num_anchors,
        image_token_id=tokenizer.convert_tokens_to_ids("<|image|>"),
        audio_token_id=tokenizer.convert_tokens_to_ids("<|audio|>"),
        anchored_queries=True,
        anchored_residual=True,
        tie_word_embeddings=True,
        bos_token_id=llama.config.bos_token_id,
        eos_token_id=llama.config.eos_token_id,
        pad_token_id=llama.config.pad_token_id,
    )
    bubo: BuboForConditionalGeneration = BuboForConditionalGeneration._from_config(
        settings, attn_implementation=ATTENTION
    )
    # Rounded to half precision at once, as they are shipped: both stages then see the very same features.
    model: Any = bubo.model
    model.vision_tower.load_state_dict({name: halved(value) for name, value in eyes.state_dict().items()})
    model.audio_tower.load_state_dict({name: halved(value) for name, value in ears.state_dict().items()})
    model.language_model.load_state_dict(llama.model.state_dict())
    bubo.tie_weights()
    return bubo


def halved(value: Tensor) -> Tensor:
    """The value after a round trip through float16; integers stay."""
    return value.half().float() if value.is_floating_point() else value


def open_all(config: RunConfig, folders: tuple[str, ...], bubo: BuboForConditionalGeneration) -> Any:
    """Arrays and a Reader of their features."""
    model: Any = bubo.model
    worlds: list[WorldArrays] = [open_arrays(folder) for folder in folders]
    features: dict[Path, WorldFeatures] = {
        world.folder: open_features(world, model.vision_tower, model.audio_tower) for world in worlds
    }
    return worlds, lambda world, record: features[world.folder].read(world, record)


def build(config: RunConfig) -> Job:
    """The job of stages "align" and "instruct"."""
    options = parse_options(AlignOptions, config.model)
    if "bubo" in config.init:
        bubo = BuboForConditionalGeneration.from_pretrained(
            config.init_folder("bubo"), dtype=torch.float32, attn_implementation=ATTENTION
        )
    else:
        bubo = new_bubo(config, options)
    language = config.init_folder("language")
    tokenizer = AutoTokenizer.from_pretrained(language)
    front = Front(bubo.config.num_image_tokens, bubo.config.num_audio_tokens)
    packer = Packer(tokenizer, front)
    truth, table = load_truth(language / TRUTH_FILE)
    if not options.train_language:
        bubo.model.language_model.requires_grad_(False)
        bubo.lm_head.requires_grad_(False)
    chosen: dict[str, Any] = {
        "dialogues": options.dialogues, "per_row": options.per_row, "limit": config.data.limit,
        "fact_weight": options.fact_weight,
        "kinds": CAPTIONS if options.captions_only else None,
    }  # fmt: skip
    worlds, reader = open_all(config, config.data.train, bubo)
    rows = RowSet(worlds, packer, reader, seed=config.seed, joined=options.joined, **chosen)
    valid, valid_reader = open_all(config, config.data.validation, bubo)
    held = RowSet(valid, packer, valid_reader, **chosen)
    if options.train_language:
        bubo.config.max_prompt_length = usual_length(
            RowSet(valid, packer, valid_reader, joined=float(options.joined > 0), **chosen)
        )
    eyes, ears = config.init_folder("eyes"), config.init_folder("ears")

    def save(model: Any, folder: Path) -> None:
        state = {name: value.detach().half() if value.is_floating_point() else value
                 for name, value in model.bubo.state_dict().items()}  # fmt: skip
        model.bubo.save_pretrained(folder, state_dict=state)
        BuboProcessor(
            image_processor=BuboVisionImageProcessor.from_pretrained(eyes),
            feature_extractor=ImageBindFeatureExtractor.from_pretrained(ears), tokenizer=tokenizer,
            num_image_tokens=front.num_image_tokens, num_audio_tokens=front.num_audio_tokens,
        ).save_pretrained(folder)  # fmt: skip

    def evaluate(model: Any) -> dict[str, float]:
        return measure_rows(model, held)

    return Job(
        model=AlignTraining(bubo, truth, table, options.attention_layer, {**WEIGHTS, **config.loss_weights}),
        train_set=rows, collate=rows.collate, save=save, evaluate=evaluate,
    )  # fmt: skip


def load_truth(path: Path) -> tuple[TruthTokens, Tensor]:
    """The truth tokens of a language stage and the embedding table that they were trained with."""
    state = load_file(path)
    table = state.pop("table")
    ids = [state[f"{kind}_ids"] for kind in ("object", "sound", "place", "colour")]
    truth = TruthTokens(table.shape[1], *ids)
    truth.load_state_dict(state)
    return truth.eval(), table

"""RAM and RAM++: which of a list of tags a picture shows (arXiv 2306.03514 and 2310.15200).

A Swin transformer makes image tokens, a small decoder asks them about every tag, and each tag gets one logit.
Tags do not see each other, so any list can be asked about: `forward` takes other label embeddings than the
stored ones (an open set). RAM has one embedding per tag; RAM++ has several, embeddings of descriptions, and
weighs them by their likeness to the picture.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import ModelOutput

from .configuration_ram import RamConfig
from .swin_ram import RamVisionTower, RamWindowAttention, attend


@dataclass
class RamOutput(ModelOutput):
    """What RAM says of B pictures. N tags, L image tokens.

    Attributes:
        loss: sum of the losses whose targets were given.
        logits: (B, N), sigmoid gives "this tag fits the picture".
        image_embeds: (B, L, projection_dim), the one of the whole picture first.
        description_weights: (B, N, K) shares of each tag's K descriptions; None if they are not weighed.
        tag_loss: asymmetric loss of the logits against `labels`.
        distillation_loss: distance of the picture's embedding from `clip_embeds`.
        alignment_loss: asymmetric loss of the batch's captions against its pictures.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    image_embeds: torch.FloatTensor | None = None
    description_weights: torch.FloatTensor | None = None
    tag_loss: torch.FloatTensor | None = None
    distillation_loss: torch.FloatTensor | None = None
    alignment_loss: torch.FloatTensor | None = None


class RamHeadLayer(nn.Module):
    """Post-norm decoder layer without self-attention: the queries read the image tokens only."""

    def __init__(self, config: RamConfig):
        super().__init__()
        self.config = config
        self.num_heads, self.dropout = config.num_attention_heads, config.hidden_dropout
        width = config.hidden_size
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(config.projection_dim, width)
        self.value = nn.Linear(config.projection_dim, width)
        self.out = nn.Linear(width, width)
        self.norm_1 = nn.LayerNorm(width, eps=config.head_norm_eps)
        self.fc1 = nn.Linear(width, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, width)
        self.norm_2 = nn.LayerNorm(width, eps=config.head_norm_eps)

    def forward(self, queries: torch.Tensor, image_embeds: torch.Tensor) -> torch.Tensor:
        """Queries (B or 1, N, D) and image tokens (B, L, E) -> (B, N, D)."""
        dropout = self.dropout if self.training else 0.0
        query, key, value = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N or L, head dim)
            for part in (self.query(queries), self.key(image_embeds), self.value(image_embeds))
        )
        query = query.expand(len(key), -1, -1, -1)
        mixed = attend(query, key, value, None, dropout, self.config._attn_implementation)
        mixed = self.out(mixed.transpose(1, 2).flatten(2))
        queries = self.norm_1(F.dropout(mixed, dropout) + queries)
        change = self.fc2(F.gelu(self.fc1(queries)))
        return self.norm_2(F.dropout(change, dropout) + queries)


class RamPreTrainedModel(PreTrainedModel):
    """Weight initialisation and capability flags."""

    config_class = RamConfig
    config: RamConfig
    base_model_prefix = "ram"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _no_split_modules = ["RamBlock", "RamHeadLayer"]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        std = self.config.initializer_range
        if isinstance(module, nn.Linear | nn.Conv2d):
            init.trunc_normal_(module.weight, std=std)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, RamWindowAttention):
            init.trunc_normal_(module.position_bias, std=std)
        elif isinstance(module, RamModel):
            init.normal_(module.label_embeds, std=self.config.projection_dim**-0.5)
            if module.reweight_scale is not None:
                init.constant_(module.reweight_scale, math.log(self.config.reweight_scale))


class RamModel(RamPreTrainedModel):
    """Picture -> one logit per tag.

    `label_embeds` holds the K rows of a tag one after the other, (num_tags * K, projection_dim), K being
    `config.descriptions_per_tag`. They are used as stored: CLIP's text embeddings come at length 1.
    """

    def __init__(self, config: RamConfig):
        super().__init__(config)
        rows = config.num_tags * config.descriptions_per_tag
        self.vision_tower = RamVisionTower(config)
        self.image_projection = nn.Linear(config.stage_widths[-1], config.projection_dim)
        self.label_embeds = nn.Parameter(torch.empty(rows, config.projection_dim))
        self.label_projection = nn.Linear(config.projection_dim, config.hidden_size)
        self.reweight_scale = nn.Parameter(torch.empty(())) if config.reweight_descriptions else None
        self.head = nn.ModuleList(RamHeadLayer(config) for _ in range(config.num_hidden_layers))
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    def get_image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, image_size, image_size) -> tokens (B, L, projection_dim), the mean one first."""
        return self.image_projection(self.vision_tower(pixel_values))

    def weigh_descriptions(
        self, image_embeds: torch.Tensor, label_embeds: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One embedding per tag and picture, out of those of its descriptions.

        Args:
            image_embeds: (B, L, E).
            label_embeds: (N, K, E).

        Returns:
            (B, N, E), and the shares of the descriptions (B, N, K).

        Source: RAM++ (arXiv 2310.15200, section 3.3).
        """
        picture = F.normalize(image_embeds[:, 0], dim=-1)  # (B, E)
        likeness = torch.einsum("be,nke->bnk", picture, label_embeds)
        shares = (self.reweight_scale.exp() * likeness).softmax(dim=-1)
        return torch.einsum("bnk,nke->bne", shares, label_embeds), shares

    def score(self, image_embeds: torch.Tensor, label_embeds: torch.Tensor) -> torch.Tensor:
        """Logits (B, N) of label embeddings (N, E), or (B, N, E) if they differ between the pictures."""
        queries = F.relu(self.label_projection(label_embeds))
        queries = queries if queries.ndim == 3 else queries[None]  # (B or 1, N, D)
        for layer in self.head:
            queries = layer(queries, image_embeds)
        return self.classifier(queries)[..., 0]

    def forward(
        self,
        pixel_values: torch.Tensor,
        label_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        clip_embeds: torch.Tensor | None = None,
        caption_embeds: torch.Tensor | None = None,
        **kwargs,
    ) -> RamOutput:
        """Ask about every tag.

        Args:
            pixel_values: (B, 3, image_size, image_size), normalised by [`RamImageProcessor`].
            label_embeds: CLIP embeddings of other tags than the stored ones, (N, projection_dim) or
                (N, K, projection_dim) for K descriptions each.
            labels: (B, N), 1 for tags that fit the picture and 0 for others.
            clip_embeds: (B, projection_dim) CLIP embeddings of the pictures, to learn from.
            caption_embeds: (B, projection_dim) CLIP embeddings of a caption of each picture.
            **kwargs: not used.
        """
        embeds = self._label_embeds(label_embeds)
        image_embeds = self.get_image_features(pixel_values)
        shares = None
        if self.reweight_scale is not None:
            embeds, shares = self.weigh_descriptions(image_embeds, embeds)
        else:
            embeds = embeds[:, 0]
        output = RamOutput(
            logits=self.score(image_embeds, embeds), image_embeds=image_embeds, description_weights=shares
        )
        if labels is not None:
            output.tag_loss = asymmetric_loss(output.logits, labels, gamma_negative=7)
        if clip_embeds is not None:
            output.distillation_loss = F.l1_loss(image_embeds[:, 0], clip_embeds)
        if caption_embeds is not None:
            logits = self.score(image_embeds, caption_embeds.to(image_embeds.dtype))  # (B, B)
            output.alignment_loss = asymmetric_loss(logits, torch.eye(len(logits)).to(logits), 4)
        losses = (output.tag_loss, output.distillation_loss, output.alignment_loss)
        given = [loss for loss in losses if loss is not None]
        if given:
            output.loss = torch.stack(given).sum()
        return output

    def _label_embeds(self, given: torch.Tensor | None) -> torch.Tensor:
        """The stored label embeddings or those given, (N, K, E)."""
        if given is None:
            return self.label_embeds.unflatten(0, (-1, self.config.descriptions_per_tag))
        if given.ndim == 2:
            given = given[:, None]
        width = self.config.projection_dim
        if given.ndim != 3 or 0 in given.shape or given.shape[-1] != width:
            raise ValueError(
                f"label_embeds has shape {tuple(given.shape)}, expected (tags, {width}) or (tags, "
                f"descriptions, {width}): give one CLIP text embedding per row."
            )
        if self.reweight_scale is None and given.shape[1] > 1:
            raise ValueError(
                f"label_embeds has {given.shape[1]} descriptions per tag, but this model takes one: give "
                "their mean, or use RAM++."
            )
        return given.to(self.label_embeds)


def asymmetric_loss(
    logits: torch.Tensor, labels: torch.Tensor, gamma_negative: float, gamma_positive: float = 0.0
) -> torch.Tensor:
    """Cross-entropy in which sure answers weigh little, summed over tags and pictures.

    Args:
        logits: (B, N).
        labels: (B, N), 0 or 1.
        gamma_negative: how fast the weight falls for tags that do not fit.
        gamma_positive: the same for tags that fit.

    Source: Asymmetric Loss (arXiv 2009.14119, equation 7), with its margin of 0.05.
    """
    labels = labels.to(logits.dtype)
    fits = logits.sigmoid()
    fits_not = (1.05 - fits).clamp(max=1)
    log_likelihood = labels * fits.clamp(min=1e-8).log() + (1 - labels) * fits_not.clamp(min=1e-8).log()
    with torch.no_grad():
        right = fits * labels + fits_not * (1 - labels)
        weight = (1 - right) ** (gamma_positive * labels + gamma_negative * (1 - labels))
    return -(log_likelihood * weight).sum()


def find_tags(logits: torch.Tensor, thresholds: torch.Tensor, deleted: tuple[int, ...] = ()) -> torch.Tensor:
    """Whether each tag is present.

    Args:
        logits: (B, N).
        thresholds: (N,); a probability equal to its threshold is not enough.
        deleted: columns that never are.

    Returns:
        (B, N) bool.
    """
    present = logits.float().sigmoid() > thresholds.to(logits.device, torch.float32)
    present[:, list(deleted)] = False
    return present


__all__ = ["RamModel", "RamOutput", "RamPreTrainedModel", "asymmetric_loss", "find_tags"]

"""Nano's grounding: the four tools over the two towers that its speaking model already has."""

from typing import Any

from bubo.grounding.ears import NanoEars, NanoListener
from bubo.grounding.eyes import NanoDetector, NanoEyes, NanoSegmenter, NanoTagger
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.grounding.thresholds import Thresholds
from bubo.models.bubo_audio.modeling_bubo_audio import BuboAudioModel
from bubo.models.bubo_vision.modeling_bubo_vision import BuboVisionModel

__all__ = [
    "NanoDetector",
    "NanoEars",
    "NanoEyes",
    "NanoListener",
    "NanoSegmenter",
    "NanoTagger",
    "nano_grounder",
]


def nano_grounder(
    vision_tower: Any | None,
    audio_tower: Any | None,
    processor: Any,
    lexicon: Lexicon,
    thresholds: Thresholds,
) -> tuple[Grounder, NanoEyes | None, NanoEars | None]:
    """Builds the tools and their pipeline from towers, without a copy of any weight.

    Args:
        vision_tower: A `BuboVisionModel`; any other tower cannot ground, and what is seen is not linked.
        audio_tower: A `BuboAudioModel`; the same for what is heard.
        processor: The model's processor, for its image processor and feature extractor.
        lexicon: The model's vocabulary.
        thresholds: Where there begins.

    Returns:
        The pipeline, and the eyes and ears, whose `states` a speaker over the same towers can use.
    """
    eyes = ears = None
    if isinstance(vision_tower, BuboVisionModel):
        eyes = NanoEyes(vision_tower, processor.image_processor, thresholds)
    if isinstance(audio_tower, BuboAudioModel):
        ears = NanoEars(audio_tower, processor.feature_extractor, thresholds)
    grounder = Grounder(
        None if eyes is None else NanoTagger(eyes),
        None if eyes is None else NanoDetector(eyes, lexicon),
        None if eyes is None else NanoSegmenter(eyes),
        None if ears is None else NanoListener(ears, lexicon),
        lexicon,
        limits=thresholds.limits,
    )
    return grounder, eyes, ears

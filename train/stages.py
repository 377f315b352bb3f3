"""The stages of training by name, in the order in which nano goes through them."""

from __future__ import annotations

from importlib import import_module

from bubo.errors import ConfigError

from .config import RunConfig
from .job import Job

#: stage name -> sibling module with `build(config) -> Job`
STAGES = {
    "eyes": "eyes",  # vision tower: classes, instances, tags, places
    "ears": "ears",  # audio tower: events and their times
    "language": "language",  # language model on the world's sentences, reading truth tokens
    "align": "align",  # stage 1: each modality through its Q-Former
    "instruct": "align",  # stage 2: questions, negative pairs, dialogues
}


def build(config: RunConfig) -> Job:
    """The job that `config.stage` names.

    Raises:
        ConfigError: no such stage.
    """
    if config.stage not in STAGES:
        raise ConfigError(f"stage was {config.stage!r}, expected one of {', '.join(STAGES)}")
    job: Job = import_module(f".{STAGES[config.stage]}", __package__).build(config)
    return job

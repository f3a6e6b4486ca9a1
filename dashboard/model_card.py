"""What the registry knows of the model's versions: cards, who is champion, whether the files are those stored.

Read from the registry itself and not from the build: a promotion counts at once, a build comes later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clv.config import Settings
from clv.errors import ModelError
from clv.registry import Registry

NAME = "value"
"""The model's folder in the registry."""


@dataclass(frozen=True)
class Sufficiency:
    """What the history allowed a version to learn for one horizon."""

    words: str
    is_enough: bool
    """Whether it learnt from full periods and was verified on one that it had not seen."""


def registry_of(settings: Settings) -> Registry:
    """The model's registry."""
    return Registry(settings.paths.registry / NAME)


def card_of(settings: Settings, version: str) -> Mapping[str, Any] | None:
    """The card of *version*; None where the registry no longer has it.

    Raises:
        TamperedModelError: it cannot be read.
    """
    registry = registry_of(settings)
    return registry.card(version) if version in registry.versions() else None


def problem_of(settings: Settings, version: str) -> str:
    """What is wrong with the files of *version*, in words; empty when they are those that were stored."""
    try:
        registry_of(settings).verified(version)
    except ModelError as error:
        return str(error)
    return ""


def sufficiency(card: Mapping[str, Any], horizon_days: int) -> Sufficiency | None:
    """What *card* says of the history for a horizon; None where it says nothing."""
    start = f"{horizon_days} days: "
    said = [words.removeprefix(start) for words in card.get("sufficiency", []) if words.startswith(start)]
    notes = [note for days, note in _notes(card) if days == horizon_days]
    if not said and not notes:
        return None
    known = card.get("enough", {}).get(str(horizon_days))
    # Cards of earlier versions have the words alone.
    is_enough = not any("too short" in words or "verif" in words for words in said) if known is None else bool(known)
    return Sufficiency("; ".join([*said, *notes]), is_enough and not notes)


def notes(card: Mapping[str, Any]) -> list[str]:
    """What else a reader of *card* has to know, each once: what is not said of the history already."""
    repeated = {one.get("note") for one in card.get("horizons", [])} - {note for _, note in _notes(card)}
    return [note for note in dict.fromkeys(card.get("notes", [])) if note not in repeated]


def _notes(card: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Horizon and note, where there is one; that the history is too short to train it, `sufficiency` says by itself."""
    return [
        (one["horizon_days"], one["note"])
        for one in card.get("horizons", [])
        if one.get("note") and one.get("basis") != "shorter"
    ]

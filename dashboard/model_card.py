"""What the registry knows about a version of the model: the card that was stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clv.config import Settings
from clv.registry import Registry

NAME = "value"
"""The model's folder in the registry."""


def card_of(settings: Settings, version: str) -> Mapping[str, Any] | None:
    """The card of *version*; None where the registry no longer has it.

    Raises:
        TamperedModelError: it cannot be read.
    """
    registry = Registry(settings.paths.registry / NAME)
    return registry.card(version) if version in registry.versions() else None

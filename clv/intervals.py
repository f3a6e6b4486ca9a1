"""Ranges of a customer's own result."""

from __future__ import annotations
from typing import Any


class Intervals:
    pass


def fit_intervals(*a: Any, **k: Any) -> None:
    return None

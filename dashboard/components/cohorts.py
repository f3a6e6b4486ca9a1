"""The cohort heat map: the long answer of `cohorts/retention` as a table of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from dash import html

from dashboard.components.graph import Mark
from dashboard.components.heat import HeatCell, heat_table
from dashboard.data import records
from dashboard.format import Format, Kind, is_missing

WIDE_FROM = 12
"""Months; more do not fit beside each other on a phone."""
PEOPLE = ("bought_share", "bought_or_later_share")
"""Measures that are a share of the cohort's customers; net revenue retention is a share of money."""


@dataclass(frozen=True)
class CohortMode:
    """One way to fill the heat map, and the curves that go with it."""

    label: str
    measure: str
    """Column of `cohorts/retention`, `cohorts/average` and `cohorts/by_channel`."""
    kind: Kind
    says: str
    behind: str
    """Mode of `cohorts/customers_in`: who stands behind a cell, and behind a point of a curve."""
    first_month: int = 1

    @property
    def counted(self) -> str:
        """Column of `cohorts/retention`: how many they are."""
        return {"bought": "buyers", "bought_or_later": "buyers_or_later", "cohort": "n_cohort"}[self.behind]

    @property
    def counted_on_average(self) -> str:
        """The same for `cohorts/average` and `cohorts/by_channel`, over all their cohorts."""
        return "n_customers" if self.behind == "cohort" else self.counted


def curve_marks(figure: go.Figure, href: Callable[..., str]) -> dict[int, list[Mark | None]]:
    """Where the points of curves lead, for `graph`: the average first, then the newest cohorts.

    Args:
        figure: of `dashboard.charts.cohorts`; a curve says in its `meta` whose it is, others lead nowhere.
        href: the address of the customers behind a point, given what `meta` says and `month_number`.
    """
    return {
        place: [
            Mark(words, href(**curve.meta, month_number=int(month)))
            for month, words in zip(curve.x, curve.customdata, strict=True)
        ]
        for place, curve in reversed(list(enumerate(figure.data)))
        if curve.meta is not None
    }


def cohort_table(
    frame: pd.DataFrame,
    measure: str,
    kind: Kind,
    words: Format,
    *,
    caption: str,
    href: Callable[[Any], str | None] | None = None,
    first_month: int = 1,
    n_months: int | None = None,
    n_cohorts: int | None = None,
    average: pd.DataFrame | None = None,
    average_href: Callable[[Any], str | None] | None = None,
) -> html.Div:
    """Cohorts below each other, months since the first purchase beside each other.

    Args:
        frame: cohort_month, month_number, is_running, n_cohort, and *measure*; a month that has not begun has no row.
        measure: the column that is shown.
        kind: how its values are worded.
        words: the shop's wording.
        caption: what is shown, for screen readers.
        href: where a cell leads, given its row; None for nowhere.
        first_month: 0 shows the month of the first purchase, too.
        n_months: how many months at most; None for all.
        n_cohorts: only the last so many cohorts; None for all.
        average: month_number, n_cohorts, n_customers and *measure*, drawn below the cohorts; None for no such row.
        average_href: where a cell of the average leads, given its row; None for nowhere.
    """
    shown = frame[frame["month_number"] >= first_month]
    if n_months is not None:
        shown = shown[shown["month_number"] < first_month + n_months]
    cohorts = sorted(shown["cohort_month"].unique())[-(n_cohorts or 0) :]
    shown = shown[shown["cohort_month"].isin(cohorts)]
    low, top = (float(shown[measure].min()), float(shown[measure].max())) if len(shown) else (0.0, 0.0)
    months = range(first_month, int(shown["month_number"].max()) + 1) if len(shown) else range(0)
    rows = []
    for cohort in cohorts:
        cells = {row.month_number: row for row in records(shown[shown["cohort_month"] == cohort])}
        label = words.month(pd.Timestamp(cohort))
        rows.append(
            (label, [_cell(cells.get(month), measure, kind, words, low, top, label, href) for month in months]),
        )
    return heat_table(
        [f"M{month}" for month in months],
        rows,
        caption=caption,
        row_head="First order",
        foot=None if average is None else _average(average, measure, kind, words, low, top, months, average_href),
        is_wide=len(months) > WIDE_FROM,
    )


def _average(
    frame: pd.DataFrame,
    measure: str,
    kind: Kind,
    words: Format,
    low: float,
    top: float,
    months: range,
    href: Callable[[Any], str | None] | None,
) -> tuple[str, list[HeatCell | None]]:
    cells: dict[int, HeatCell] = {}
    for row in records(frame):
        value = getattr(row, measure)
        if is_missing(value):
            continue
        text = _short(value, kind, words)
        of = "of" if measure in PEOPLE else "· cohorts of"
        cohorts = words.counted(row.n_cohorts, "cohort")
        title = f"Average of {cohorts}, month {row.month_number}: "
        title += f"{text} {of} {words.count(row.n_customers)} customers"
        link = href(row) if href else None
        cells[row.month_number] = HeatCell(text, _intensity(float(value), low, top), title=title, href=link)
    return "Average", [cells.get(month) for month in months]


def _short(value: Any, kind: Kind, words: Format) -> str:
    """Without digits after the point: cells are narrow."""
    if kind == "share":
        return words.share(value, 0)
    if kind == "money" and abs(float(value)) < 1000:
        return words.money_whole(value)
    return words.words(value, kind)


def _cell(
    row: Any,
    measure: str,
    kind: Kind,
    words: Format,
    low: float,
    top: float,
    cohort: str,
    href: Callable[[Any], str | None] | None,
) -> HeatCell | None:
    value: Any = getattr(row, measure, None)
    if is_missing(value):
        return None
    text = _short(value, kind, words)
    of = "of" if measure in PEOPLE else "· cohort of"
    title = f"{cohort}, month {row.month_number}: {text} {of} {words.count(row.n_cohort)} customers"
    if row.is_running:
        title += " (month not over)"
    return HeatCell(
        text,
        _intensity(float(value), low, top),
        title=title,
        href=href(row) if href else None,
        is_running=row.is_running,
    )


def _intensity(value: float, low: float, top: float) -> float:
    """From a tint for the lowest value to the full colour for the highest."""
    return 0.12 + 0.88 * (value - low) / (top - low) if top > low else 0.5

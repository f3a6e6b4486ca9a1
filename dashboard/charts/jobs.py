"""How long the runs of a job took."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.ticks import HEADROOM
from dashboard.format import Format

STATUS_COLOURS = {
    "done": theme.series(1),
    "failed": theme.series(3),
    "aborted": theme.series(2),
    "skipped": theme.series(7),
}


STEPS_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600)
"""Steps that are round on a clock."""
N_STEPS = 5
N_LEAST = 12
"""As many bars as there is room for at least, so that a single run is not one wide bar."""


def duration_history(frame: pd.DataFrame, words: Format) -> go.Figure:
    """A bar a run, oldest first, coloured by how it ended.

    Args:
        frame: runs of one job that have ended: run_id, status, started_at, finished_at.
        words: the shop's wording.
    """
    figure = theme.figure()
    runs = frame.sort_values("started_at")
    seconds = (runs["finished_at"] - runs["started_at"]).dt.total_seconds()
    figure.add_bar(
        x=list(range(len(runs))),
        y=seconds,
        marker={"color": [STATUS_COLOURS.get(status, theme.series(7)) for status in runs["status"]]},
        customdata=[
            f"{words.moment(at)} · {words.duration(span)} · {status}"
            for at, span, status in zip(runs["started_at"], seconds, runs["status"], strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    ticks = _ticks(float(seconds.max()) if len(runs) else 1.0)
    top = max(ticks[-1], float(seconds.max()) if len(runs) else 1.0)
    figure.update_yaxes(tickvals=ticks, ticktext=words.duration_ticks(ticks), range=[0, top * (1 + HEADROOM)])
    # Few runs stand at the right, where the next one will.
    figure.update_xaxes(visible=False, range=[min(0, len(runs) - N_LEAST) - 0.6, len(runs) - 0.4])
    figure.update_layout(hovermode="closest", bargap=0.3)
    return figure


def _ticks(longest: float) -> list[float]:
    """Zero and at most five steps, none above *longest* seconds."""
    step = next((step for step in STEPS_SECONDS if longest / step <= N_STEPS), STEPS_SECONDS[-1])
    return [number * step for number in range(int(longest / step) + 1)]

"""The vocabulary of the screen; pages compose these and nothing else. `docs/ui.md` lists it."""

from dashboard.components.bars import Bar, legend, ranked, rows, stacked
from dashboard.components.card import card, grid, insight
from dashboard.components.controls import button, date_range, labelled, link, period_picker, segmented, select, tabs
from dashboard.components.graph import Mark, graph
from dashboard.components.heat import HeatCell, heat_table
from dashboard.components.kpi import delta, kpi, kpis, spark
from dashboard.components.marks import avatar, chip, dot, icon, segment_chip, segment_colour
from dashboard.components.page import head, page
from dashboard.components.sql import sql_button
from dashboard.components.states import UNKNOWN, empty, failed, loading, no_build, not_named, not_trained, region
from dashboard.components.table import Column, customer_cell, share_bar, table

__all__ = [
    "UNKNOWN",
    "Bar",
    "Column",
    "HeatCell",
    "Mark",
    "avatar",
    "button",
    "card",
    "chip",
    "customer_cell",
    "date_range",
    "delta",
    "dot",
    "empty",
    "failed",
    "graph",
    "grid",
    "head",
    "heat_table",
    "icon",
    "insight",
    "kpi",
    "kpis",
    "labelled",
    "legend",
    "link",
    "loading",
    "no_build",
    "not_named",
    "not_trained",
    "page",
    "period_picker",
    "ranked",
    "region",
    "rows",
    "segment_chip",
    "segment_colour",
    "segmented",
    "select",
    "share_bar",
    "spark",
    "sql_button",
    "stacked",
    "table",
    "tabs",
]

"""AG Grid over rows that stay on the server: blocks of a hundred are fetched as somebody scrolls."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import pandas as pd
from dash import html

from dashboard import data
from dashboard.customer_list import Shown
from warehouse.grid import MAX_CONDITIONS, Kind

_NUMBER_OPTIONS = (
    "equals",
    "notEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "lessThan",
    "lessThanOrEqual",
    "inRange",
    "blank",
    "notBlank",
)
_FILTERS: Mapping[Kind, tuple[str, dict[str, Any]]] = {
    "text": ("agTextColumnFilter", {}),
    "number": ("agNumberColumnFilter", {"filterOptions": list(_NUMBER_OPTIONS)}),
    "date": ("agDateColumnFilter", {"filterOptions": list(_NUMBER_OPTIONS)}),
    "boolean": (
        "agTextColumnFilter",
        {
            "filterOptions": [
                "empty",
                {
                    "displayKey": "true",
                    "displayName": "Yes",
                    "numberOfInputs": 0,
                    "predicate": {"function": "always()"},
                },
                {
                    "displayKey": "false",
                    "displayName": "No",
                    "numberOfInputs": 0,
                    "predicate": {"function": "always()"},
                },
                "blank",
            ],
            "maxNumConditions": 1,
        },
    ),
}
TAB_LEAVES = {"tabToNextCell": {"function": "leave()"}, "tabToNextHeader": {"function": "leave()"}}
"""Arrow keys go from cell to cell, the Tab key to what comes after: a grid of a thousand rows is no trap."""
_RENDERERS = {"customer": "Customer", "segment": "Segment", "chance": "Chance"}


def column_defs(
    shown: Sequence[Shown], sort: Sequence[tuple[str, bool]], hidden: Collection[str], **words: Any
) -> list[dict[str, Any]]:
    """AG Grid's column definitions; *words* are filled into the heads."""
    order = {name: (place, is_descending) for place, (name, is_descending) in enumerate(sort)}
    return [_column_def(one, order.get(one.column.id), one.column.id in hidden, words) for one in shown]


def _column_def(
    shown: Shown, order: tuple[int, bool] | None, is_hidden: bool, words: Mapping[str, Any]
) -> dict[str, Any]:
    column = shown.column
    filter_name, params = _FILTERS[column.kind]
    is_number = column.kind == "number"
    definition: dict[str, Any] = {
        "field": column.id,
        "colId": column.id,
        "headerName": shown.head.format(**words),
        "headerTooltip": shown.help_text or None,
        "filter": filter_name,
        "filterParams": {"buttons": ["reset", "apply"], "closeOnApply": True, **params},
        "width": shown.width,
        "minWidth": 90,
        "hide": is_hidden,
        "type": "rightAligned" if is_number else None,
    }
    if column.is_exact:
        definition["filterParams"] |= {"caseSensitive": True, "maxNumConditions": MAX_CONDITIONS}
    if column.kind in ("number", "date"):
        definition["filterParams"]["inRangeInclusive"] = True
    if shown.look in _RENDERERS:
        definition["cellRenderer"] = _RENDERERS[shown.look]
        if shown.look == "segment":
            tones = {segment: look.tone for segment, look in data.segment_looks().items()}
            definition["cellRendererParams"] = {"tones": tones}
    elif shown.look != "text":
        definition["valueFormatter"] = {"function": f"{shown.look}(params.value)"}
    else:
        definition["valueFormatter"] = {"function": "given(params.value)"}
    if shown.look == "customer":
        definition["pinned"] = "left"
    if order:
        definition |= {"sort": "desc" if order[1] else "asc", "sortIndex": order[0]}
    return {name: value for name, value in definition.items() if value is not None}


def served_grid(
    id: str,  # noqa: A002 - Dash's own word
    columns: list[dict[str, Any]],
    *,
    key: str,
    filters: Mapping[str, Any],
    label: str,
    none_text: str,
    page_size: int = 100,
) -> html.Div:
    """A grid whose rows a callback gives: `getRowsRequest` in, `getRowsResponse` out.

    Args:
        id: of the grid.
        columns: see `column_defs`.
        key: the field that tells rows apart; text.
        filters: the filter model to begin with.
        label: what is listed, for screen readers.
        none_text: what stands where no row fits.
        page_size: rows of a block.
    """
    grid = dag.AgGrid(
        id=id,
        columnDefs=columns,
        rowModelType="infinite",
        getRowId=f"params.data.{key}",
        filterModel=dict(filters),
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "suppressHeaderMenuButton": False},
        dashGridOptions={
            "theme": {"function": "houseTheme(themeQuartz)"},
            "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": False},
            "selectionColumnDef": {"width": 46, "minWidth": 46, "maxWidth": 46, "pinned": "left"},
            # dash-ag-grid holds one pending request: of two, the first would never be answered.
            "maxConcurrentDatasourceRequests": 1,
            "cacheBlockSize": page_size,
            "blockLoadDebounceMillis": 120,
            "maxBlocksInCache": 20,
            "infiniteInitialRowCount": page_size,
            "rowBuffer": 10,
            "suppressCellFocus": False,
            **TAB_LEAVES,
            "tooltipShowDelay": 400,
            "localeText": {"noRowsToShow": none_text},
        },
        style={"height": "100%", "width": "100%"},
    )
    return html.Div(grid, className="grid-served", role="region", **{"aria-label": label})


_LINES = (
    ("order_ts", "When", "moment(params.value)", 162, False),
    ("order_id", "Order", "", 138, False),
    ("kind", "Kind", "label(params.value)", 95, False),
    ("amount", "Amount, net", "moneyExact(params.value)", 130, True),
    ("product", "Product", "given(params.value)", 188, False),
    ("category", "Category", "label(params.value)", 112, False),
    ("quantity", "Quantity", "amount(params.value)", 105, True),
    ("unit_price", "Unit price", "moneyExact(params.value)", 115, True),
    ("discount", "Discount", "moneyExact(params.value)", 115, True),
    ("margin", "Margin", "moneyExact(params.value)", 120, True),
    ("channel", "Channel", "label(params.value)", 115, False),
    ("country", "Country", "given(params.value)", 130, False),
)
LINES_HEAD, LINES_ROW, LINES_SHOWN = 38, 40, 10


def lines_grid(id: str, frame: pd.DataFrame) -> html.Div:  # noqa: A002 - Dash's own word
    """All lines of one customer: few enough to be sorted and filtered by the browser."""
    empty_columns = {name for name, *_ in _LINES if frame[name].isna().all()} - {"amount", "order_id"}
    columns: list[dict[str, Any]] = [
        {
            "field": name,
            "headerName": text,
            "minWidth": width,
            "flex": 1,
            "filter": "agNumberColumnFilter" if is_number else "agTextColumnFilter",
            **({"type": "rightAligned"} if is_number else {}),
            **({"valueFormatter": {"function": wording}} if wording else {}),
        }
        for name, text, wording, width, is_number in _LINES
        if name not in empty_columns
    ]
    shown = frame[[name for name, *_ in _LINES if name not in empty_columns]].copy()
    shown["order_ts"] = shown["order_ts"].map(lambda moment: moment.isoformat(timespec="minutes"))
    grid = dag.AgGrid(
        id=id,
        columnDefs=columns,
        rowData=shown.astype(object).where(shown.notna(), None).to_dict("records"),
        defaultColDef={"sortable": True, "filter": True, "resizable": True},
        dashGridOptions={"theme": {"function": "houseTheme(themeQuartz)"}, "rowHeight": LINES_ROW, **TAB_LEAVES},
        style={"height": f"{LINES_HEAD + 4 + LINES_ROW * min(LINES_SHOWN, max(2, len(shown)))}px", "width": "100%"},
    )
    return html.Div(grid, className="grid-flush", role="region", **{"aria-label": "Transactions"})

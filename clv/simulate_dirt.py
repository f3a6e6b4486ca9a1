"""Bad rows for the synthetic shop's order file: what real exports have in them, and how many of each.

Rows whose meaning survives are written in another notation, in place. Rows that are beyond reading are added as broken
copies of good ones, so that no true order is lost, and what is known of the shop stays exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

REWRITTEN = (
    "day_first_date",
    "slashed_date",
    "currency_sign",
    "thousands_separator",
    "quoted_cell",
    "return_without_flag",
)
"""The row says the same thing in another way."""
ADDED = (
    "exact_duplicate",
    "missing_customer",
    "missing_date",
    "future_date",
    "date_of_1970",
    "absurd_amount",
    "amount_in_words",
    "zero_amount",
    "too_few_cells",
    "too_many_cells",
    "unclosed_quote",
    "invalid_utf8",
    "nul_byte",
)
"""A copy of a good row, broken."""
KINDS = (*REWRITTEN, *ADDED)


def dirty_lines(
    rng: np.random.Generator, lines: Sequence[bytes], share: float, columns: Sequence[str]
) -> tuple[list[bytes], Counter[str]]:
    """The lines of a CSV file with dirt in them, and how many lines got which kind.

    Args:
        rng: makes the choice.
        lines: rows without the line's end; no cell has a comma or a quote.
        share: of the rows, how many are hit (0–1).
        columns: names of the cells.
    """
    position = {name: index for index, name in enumerate(columns)}
    hit = np.flatnonzero(rng.random(len(lines)) < share)
    kinds = rng.integers(0, len(KINDS), len(hit))
    out: list[bytes] = []
    counts: Counter[str] = Counter()
    done = 0
    for row, code in zip(hit.tolist(), kinds.tolist(), strict=True):
        out.extend(lines[done:row])
        done = row + 1
        kind = KINDS[code]
        cells = lines[row].split(b",")
        if kind in REWRITTEN:
            kind = _fitting(kind, cells[position["is_return"]] == b"true", abs(float(cells[position["amount"]])))
        counts[kind] += 1
        if kind in ADDED:
            out.append(lines[row])
        out.append(_spoiled(kind, cells, position))
    out.extend(lines[done:])
    return out, counts


def _fitting(kind: str, is_return: bool, amount: float) -> str:
    """A kind that this row can have; the kinds that few rows can have come first."""
    if amount >= 1000:
        return "thousands_separator"
    if is_return:
        return "return_without_flag"
    return {"thousands_separator": "currency_sign", "return_without_flag": "quoted_cell"}.get(kind, kind)


def _spoiled(kind: str, cells: list[bytes], position: dict[str, int]) -> bytes:
    """The row *cells* with one thing wrong."""
    customer, day, amount, product = (position[name] for name in ("customer_id", "order_date", "amount", "product"))
    written = cells[day].decode("ascii")
    year, month, rest = written[:4], written[5:7], written[8:]
    number = float(cells[amount])
    match kind:
        case "day_first_date":
            cells[day] = f"{rest[:2]}.{month}.{year} {rest[3:]}".encode()
        case "slashed_date":
            cells[day] = f"{year}/{month}/{rest}".encode()
        case "currency_sign":
            cells[amount] = b"$" + cells[amount] if number >= 0 else b"-$" + cells[amount][1:]
        case "thousands_separator":
            cells[amount] = f'"{number:,.2f}"'.encode()
        case "quoted_cell":
            cells[product] = b'"' + cells[product] + b'"'
        case "return_without_flag":
            cells[position["is_return"]] = b""
        case "missing_customer":
            cells[customer] = b""
        case "missing_date":
            cells[day] = b""
        case "future_date":
            cells[day] = f"2099-{month}-{rest}".encode()
        case "date_of_1970":
            cells[day] = b"1970-01-01 00:00:00"
        case "absurd_amount":
            cells[amount] = b"99999999999.00"
        case "amount_in_words":
            cells[amount] = b"see invoice"
        case "zero_amount":
            cells[amount] = b"0.00"
        case "too_few_cells":
            cells = cells[: amount + 1]
        case "too_many_cells":
            cells = [*cells, b"", b"note: call back"]
        case "unclosed_quote":
            cells[customer] = b'"' + cells[customer]
        case "invalid_utf8":
            cells[customer] = cells[customer] + b"\xff\xfe"
        case "nul_byte":
            cells[customer] = b"\x00" + cells[customer]
        case _:
            pass
    return b",".join(cells)

"""The log of one run, read from the JSON lines that the processes write."""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LogLine:
    """One event of a log."""

    at: dt.datetime
    """UTC, without zone."""
    level: str
    module: str
    message: str
    facts: dict[str, Any]
    """What was bound to the event, without role and run."""
    traceback: str


def run_log(folder: Path, run_id: str, *, limit: int = 500) -> list[LogLine]:
    """The last *limit* lines that carry *run_id*, oldest first, whichever process wrote them."""
    found: deque[LogLine] = deque(maxlen=limit)
    needle = json.dumps(run_id)
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        # Most lines belong to other runs: looking for the id is forty times quicker than reading the JSON.
        with path.open(encoding="utf-8", errors="replace") as file:
            found.extend(line for text in file if needle in text for line in _parsed(text, run_id))
    return sorted(found, key=lambda line: line.at)


def _parsed(text: str, run_id: str) -> Iterator[LogLine]:
    """The event of a line, if it is whole and belongs to the run; the last line may still be being written."""
    try:
        record = json.loads(text)["record"]
        extra = dict(record["extra"])
        if extra.pop("run", None) != run_id:
            return
        extra.pop("role", None)
        exception = record.get("exception")
        yield LogLine(
            at=dt.datetime.fromtimestamp(record["time"]["timestamp"], dt.UTC).replace(tzinfo=None),
            level=record["level"]["name"],
            module=record["name"] or record["module"],
            message=record["message"],
            facts=extra,
            traceback=f"{exception['type']}: {exception['value']}" if exception else "",
        )
    except (ValueError, KeyError, TypeError):
        return

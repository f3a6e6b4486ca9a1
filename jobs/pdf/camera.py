"""Figures as pictures: the charts of the pages, drawn by a Chromium without a screen and without a network.

Without a browser there is no camera and no error: `Camera.picture` gives None, `Camera.missing` says why, and the
report prints tables in place of charts.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import plotly.graph_objects as go
from loguru import logger

from jobs.pdf import fonts
from warehouse.reports import chrome

SCALE = 3
PIXELS_PER_POINT = 1.42
"""Charts are laid out in the pixels of the screen; so many to the point make their words as large as ours."""
FIRST_SECONDS, NEXT_SECONDS = 60.0, 30.0
"""The first figure waits for the browser to start, too."""
STOP_SECONDS = 5.0
NOWHERE = "http://127.0.0.1:9"
"""A proxy that does not answer: what Chromium would look up by itself, it does not get."""


class Camera:
    """Draws figures; use it in a `with` block.

    Args:
        cache: the cache folder; the fonts are made there.
        browser: path of a Chrome or Chromium; the default looks for one.
    """

    def __init__(self, cache: Path, browser: str | None = None) -> None:
        self._cache = cache
        self._browser = browser or chrome()
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._has_drawn = False
        self.missing = "" if self._browser else "no Chrome or Chromium was found"
        """Why there are no pictures; empty while there are."""

    def __enter__(self) -> Self:
        """Ready; the browser starts with the first figure."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the browser."""
        self._stop()

    def picture(self, figure: go.Figure, width: float, height: float) -> bytes | None:
        """*figure* as PNG, *width* × *height* points large; None when it cannot be drawn."""
        if self.missing:
            return None
        asked = {
            "figure": json.loads(figure.to_json()),
            "width": round(width * PIXELS_PER_POINT),
            "height": round(height * PIXELS_PER_POINT),
            "scale": SCALE,
        }
        try:
            answer = self._ask(asked)
        except (OSError, ValueError, queue.Empty) as error:
            answer = {"error": f"the browser did not answer ({type(error).__name__})"}
        if "png" in answer:
            self._has_drawn = True
            return base64.b64decode(answer["png"])
        self.missing = f"Chromium could not draw: {' '.join(answer['error'].split())[:200]}"
        logger.bind(browser=self._browser).warning("charts become tables: {}", self.missing)
        self._stop()
        return None

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101 it was opened as a pipe
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        line = self._answers.get(timeout=NEXT_SECONDS if self._has_drawn else FIRST_SECONDS)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "BROWSER_PATH": str(self._browser),
            "CHOREO_PROXY_SERVER": NOWHERE,
            "FONTCONFIG_FILE": str(fonts.fontconfig(self._cache)),
        }
        # A session of its own, so that the browser's many processes end with it.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "jobs.pdf.darkroom"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            start_new_session=True,
        )
        self._process = process
        threading.Thread(target=_listen, args=(process, self._answers), daemon=True, name="camera").start()
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1 if self.missing else STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _listen(process: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
    """Hand on each line; an end without one is an answer, too, so that nobody waits in vain."""
    if process.stdout is not None:
        with process.stdout:
            for line in process.stdout:
                answers.put(line)
    answers.put('{"error": "its process ended"}')

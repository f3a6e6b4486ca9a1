"""The process that draws figures: one browser for its whole life, a figure a line.

Standard input: a line of JSON with `figure`, `width`, `height`, `scale`. Standard output: a line of JSON with `png`
(base64) or `error`. It ends with its input, or when the browser does. `jobs.pdf.camera` starts it and kills it when it
is silent for too long: kaleido leaves threads behind that would keep a process from ending.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys

import kaleido


async def _draw() -> None:
    # MathJax would be fetched from a CDN.
    async with kaleido.Kaleido(n=1, mathjax=False) as browser:
        for line in sys.stdin:
            asked = json.loads(line)
            options = {"format": "png", "width": asked["width"], "height": asked["height"], "scale": asked["scale"]}
            try:
                png = await browser.calc_fig(asked["figure"], opts=options)
                answer = {"png": base64.b64encode(png).decode("ascii")}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def main() -> None:
    """Draw until nobody asks any more."""
    try:
        asyncio.run(_draw())
    finally:
        # Whatever happened: threads of a browser that did not start or end in good order must not keep this process.
        os._exit(0)


if __name__ == "__main__":
    main()

"""Third-party styles and fonts, served from the packages that are installed: nothing of theirs is in this repository.

| address under /vendor/<version>/ | from                                                                 |
|----------------------------------|----------------------------------------------------------------------|
| bootstrap.min.css                | bootstrap-flask                                                      |
| bootstrap-icons.min.css, fonts/  | bootstrap-flask                                                      |
| inter.css, inter.woff2           | fontpkg-inter: cut to Latin and currency signs, weights 400–600, once |

The addresses carry the versions, so browsers may keep the files for a year.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import tempfile
from pathlib import Path

import flask
import flask_bootstrap
import fontpkg_inter
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

BOOTSTRAP = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5" / "css"
INTER = Path(fontpkg_inter.__file__).parent / "files" / "Inter[opsz,wght].ttf"
YEAR_SECONDS = 365 * 86_400

CHARACTERS = (
    (0x0020, 0x024F),  # Latin with its extensions
    (0x02B9, 0x02DD),  # modifier letters
    (0x0300, 0x0331),  # combining accents
    (0x0370, 0x052F),  # Greek and Cyrillic: customers' names
    (0x1E00, 0x1EFF),  # Vietnamese and other accented Latin
    (0x2000, 0x206F),  # punctuation
    (0x20A0, 0x20C0),  # currency signs
    (0x2113, 0x2122),
    (0x2190, 0x2199),  # arrows
    (0x2212, 0x2265),  # minus, comparison
)
FEATURES = ("calt", "ccmp", "kern", "mark", "mkmk", "tnum", "locl", "case")
WEIGHTS = (400, 600)
OPTICAL_SIZE = 14

_FILES = {
    "bootstrap.min.css": BOOTSTRAP / "bootstrap.min.css",
    "bootstrap-icons.min.css": BOOTSTRAP / "font" / "bootstrap-icons.min.css",
    "fonts/bootstrap-icons.woff2": BOOTSTRAP / "font" / "fonts" / "bootstrap-icons.woff2",
    "fonts/bootstrap-icons.woff": BOOTSTRAP / "font" / "fonts" / "bootstrap-icons.woff",
}
_INTER_CSS = """@font-face {
  font-family: "Inter";
  font-style: normal;
  font-weight: 400 600;
  font-display: swap;
  src: url("inter.woff2") format("woff2");
}
"""


def _version() -> str:
    """Ten hex digits that change with any of the packages and with the recipe of the font."""
    recipe = repr((CHARACTERS, FEATURES, WEIGHTS, OPTICAL_SIZE))
    packages = [
        f"{name}={importlib.metadata.version(name)}" for name in ("bootstrap-flask", "fontpkg-inter", "fonttools")
    ]
    return hashlib.sha256("\n".join([*packages, recipe]).encode()).hexdigest()[:10]


VERSION = _version()
PREFIX = f"/vendor/{VERSION}"
STYLESHEETS = [f"{PREFIX}/bootstrap.min.css", f"{PREFIX}/bootstrap-icons.min.css", f"{PREFIX}/inter.css"]


def inter_woff2(cache: Path) -> Path:
    """The web font, made in *cache* on first use (a few seconds) and found there afterwards."""
    target = cache / "fonts" / f"inter-{VERSION}.woff2"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    options = Options()
    options.layout_features = list(FEATURES)
    options.flavor = "woff2"
    options.notdef_outline = True
    font = TTFont(INTER)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in CHARACTERS for code in range(first, last + 1)])
    subsetter.subset(font)
    font = instantiateVariableFont(font, {"opsz": OPTICAL_SIZE, "wght": WEIGHTS})
    font.flavor = "woff2"
    handle, aside = tempfile.mkstemp(dir=target.parent, suffix=".woff2")
    os.close(handle)
    font.save(aside)
    Path(aside).replace(target)
    return target


def register(server: flask.Flask, cache: Path) -> None:
    """Serve the files at `PREFIX`; makes the font when *cache* does not have it yet."""
    font = inter_woff2(cache)

    @server.get(f"{PREFIX}/<path:name>")
    def vendor_file(name: str) -> flask.Response:
        if name == "inter.css":
            response = flask.Response(_INTER_CSS, mimetype="text/css")
        elif name == "inter.woff2":
            response = flask.send_file(font, mimetype="font/woff2")
        elif name in _FILES:
            response = flask.send_file(_FILES[name])
        else:
            flask.abort(404)
        response.cache_control.public = True
        response.cache_control.max_age = YEAR_SECONDS
        response.cache_control.immutable = True
        return response

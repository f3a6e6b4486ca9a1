"""Inter for paper: one TTF a weight, cut out of the installed variable font, with figures of one width.

The core fonts of PDF cannot print ₹, and fpdf2 chooses no OpenType features without a shaping engine: the tabular
figures are therefore made the only ones. Chromium finds the same files through a font configuration of its own, so
that charts and text are of one hand.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from dashboard.vendor import CHARACTERS, INTER
from dashboard.vendor import VERSION as WEB_VERSION

FAMILY = "Inter"
WEIGHTS = {"regular": 400, "medium": 500, "semibold": 600}
OPTICAL_SIZE = 14
DIGITS = range(ord("0"), ord("9") + 1)
_RECIPE = 3
"""Goes up when the way in which the files are made changes."""
VERSION = hashlib.sha256(f"{WEB_VERSION} {_RECIPE}".encode()).hexdigest()[:10]


def inter(cache: Path) -> dict[str, Path]:
    """Weight → TTF; made in *cache* on first use (some seconds) and found there afterwards."""
    folder = cache / "fonts" / f"paper-{VERSION}"
    files = {name: folder / f"inter-{weight}.ttf" for name, weight in WEIGHTS.items()}
    if all(path.is_file() for path in files.values()):
        return files
    folder.mkdir(parents=True, exist_ok=True)
    font = _cut()
    for name, path in files.items():
        handle, aside = tempfile.mkstemp(dir=folder, suffix=".part")
        os.close(handle)
        _instance(font, WEIGHTS[name]).save(aside)
        Path(aside).replace(path)
    return files


def fontconfig(cache: Path) -> Path:
    """A configuration with which Chromium finds these files, and the system's for all other scripts.

    Without hinting it puts letters where they belong, not on whole pixels.
    """
    folder = next(iter(inter(cache).values())).parent
    path = folder / "fonts.conf"
    text = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{escape(str(folder))}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{escape(str(cache / "fonts" / "fontconfig"))}</cachedir>
  <match target="font">
    <edit name="hinting" mode="assign"><bool>false</bool></edit>
    <edit name="hintstyle" mode="assign"><const>hintnone</const></edit>
    <edit name="autohint" mode="assign"><bool>false</bool></edit>
  </match>
  <alias><family>sans-serif</family><prefer><family>{FAMILY}</family></prefer></alias>
</fontconfig>
"""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        aside = folder / f".fonts.conf.{os.getpid()}"
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    return path


def letters(cache: Path) -> frozenset[str]:
    """What can be printed."""
    with TTFont(inter(cache)["regular"], lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def _cut() -> TTFont:
    """The font with our characters alone, variable in its weight, its figures of one width."""
    options = Options()
    options.layout_features = ["tnum"]
    options.notdef_outline = True
    font = TTFont(INTER, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in CHARACTERS for code in range(first, last + 1)])
    subsetter.subset(font)
    tabular = _tabular(font)
    for table in font["cmap"].tables:
        for code in DIGITS:
            if code in table.cmap:
                table.cmap[code] = tabular.get(table.cmap[code], table.cmap[code])
    for name in ("GSUB", "GPOS", "GDEF"):
        if name in font:
            del font[name]
    return instantiateVariableFont(font, {"opsz": OPTICAL_SIZE}, inplace=True)


def _instance(font: TTFont, weight: int) -> TTFont:
    one = instantiateVariableFont(font, {"wght": weight}, inplace=False)
    one["OS/2"].usWeightClass = weight
    one.recalcTimestamp = False
    return one


def _tabular(font: TTFont) -> dict[str, str]:
    """Figure → its form of the common width."""
    table = font["GSUB"].table
    found: dict[str, str] = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for part in table.LookupList.Lookup[index].SubTable:
                    found.update(getattr(getattr(part, "ExtSubTable", part), "mapping", {}))
    return found

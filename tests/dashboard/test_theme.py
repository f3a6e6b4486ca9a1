import re
from pathlib import Path

import pytest

from dashboard import theme

ASSETS = Path(theme.__file__).parent / "assets"
TOKENS = (ASSETS / "10-tokens.css").read_text(encoding="utf-8")
# What is read on what: (text, ground). Soft grounds are mixed over the surface in the dark theme.
PAIRS = [
    (text, ground)
    for text in ("text", "text-2", "text-3")
    for ground in ("bg", "surface", "surface-2", "surface-3")
    if (text, ground) != ("text-3", "surface-3")
] + [(tone, "surface") for tone in ("accent", "pos", "neg", "warn", "info")]
SOFT = [
    ("accent", "accent-soft"),
    ("pos", "pos-soft"),
    ("neg", "neg-soft"),
    ("warn", "warn-soft"),
    ("info", "info-soft"),
]


def tokens(mode):
    """The variables of a theme."""
    block = re.search(rf'\[data-bs-theme="{mode}"\] \{{(.*?)\n\}}', TOKENS, re.DOTALL)[1]
    return dict(re.findall(r"--([a-z0-9-]+): ([^;]+);", block))


def rgb(colour, under=(1.0, 1.0, 1.0)):
    """A CSS colour as three numbers, laid over *under* where it is transparent."""
    if colour.startswith("#"):
        return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    *parts, alpha = (float(part) for part in re.findall(r"[\d.]+", colour))
    return tuple(alpha * part / 255 + (1 - alpha) * below for part, below in zip(parts, under, strict=True))


def contrast(one, other):
    """WCAG's contrast ratio."""

    def light(colour):
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS + SOFT, ids=lambda value: value)
def test_words_stand_out_from_their_ground(mode, text, ground):
    names = tokens(mode)
    below = rgb(names["surface"])

    assert contrast(rgb(names[text]), rgb(names[ground], below)) >= 4.5


def test_both_themes_have_the_same_tokens():
    assert tokens("light").keys() == tokens("dark").keys()


def test_series_are_the_same_in_python_and_css():
    assert re.findall(r"--c\d: (#[0-9a-f]{6})", TOKENS) == [colour.lower() for colour in theme.SERIES]


def test_no_other_stylesheet_names_a_colour_of_the_text_or_ground():
    found = {}
    for path in sorted(ASSETS.glob("*.css")):
        hits = re.findall(r"(?<![\w-])#[0-9a-fA-F]{3,8}\b(?=[;, )])", path.read_text(encoding="utf-8"))
        if path.name != "10-tokens.css" and hits:
            found[path.name] = hits

    assert found == {"20-shell.css": ["#6e6bf2", "#4b46d6", "#fff"]}  # the brand's mark is the same in both themes


def test_the_graph_config_has_no_button_that_uploads():
    assert theme.GRAPH_CONFIG["showSendToCloud"] is False
    assert theme.GRAPH_CONFIG["plotlyServerURL"] == ""
    assert theme.GRAPH_CONFIG["displayModeBar"] is False


def test_a_colour_takes_an_opacity():
    assert theme.rgba("#5B5BD6", 0.2) == "rgba(91,91,214,0.2)"


def test_a_segment_looks_like_its_rule_and_not_like_its_name():
    looks = theme.segment_looks(
        [("Stars", "best"), ("Often", "good"), ("Rich", "good"), ("<Lost>", "regular, silent"), ("All", "mixed")]
    )

    assert {name: look.tone for name, look in looks.items()} == {
        "Stars": "good", "Often": "accent", "Rich": "accent", "<Lost>": "bad", "All": "mute",
    }  # fmt: skip
    assert looks["Often"].colour != looks["Rich"].colour
    assert looks["<Lost>"].var == "var(--c4)"


def test_every_standing_that_a_rule_can_have_has_a_look():
    rules = (Path(__file__).parents[2] / "sql" / "features" / "segment_rules.sql").read_text(encoding="utf-8")

    assert set(re.findall(r"(?:then|else) '([^']+)'", rules)) == set(theme.SEGMENT_STANDINGS)

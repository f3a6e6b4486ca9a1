"""What a person sees of every page, in both themes, at a desk and on a phone, with a keyboard alone.

Pages are read from their files, so a page that is added is looked at.
"""

import dash
import pytest
from chromium import DESKTOP, PHONE
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from ..dashboard.site_walk import PAGE_FILES

pytestmark = pytest.mark.browser


CUSTOMER = "C03"
ADDRESSES = {page.name: page.path.replace("<customer_id>", CUSTOMER) for page in PAGE_FILES}
ADDRESSES["nowhere"] = "/no/such/page"
EVERY_PAGE = {"argvalues": ADDRESSES.values(), "ids": ADDRESSES.keys()}

# Every visible text with the contrast to what lies under it. Grounds are laid over each other from the outside in;
# a text on an image or a gradient is left out, since no one colour lies under it.
LOW_CONTRAST = """
    const parse = (text) => {
      const options = {willReadFrequently: true};
      const canvas = parse.canvas || (parse.canvas = document.createElement('canvas').getContext('2d', options));
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top, under) => top.slice(0, 3).map((part, at) => top[3] * part + (1 - top[3]) * under[at]);
    const light = (colour) => {
      const [r, g, b] = colour.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const bad = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const words = walker.currentNode.textContent.trim();
      const element = walker.currentNode.parentElement;
      if (!words || element.closest('script, style, svg, .visually-hidden, .skip-link, [hidden]')) continue;
      if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
      const path = [];
      for (let at = element; at; at = at.parentElement) path.unshift(getComputedStyle(at));
      if (path.some((style) => style.backgroundImage !== 'none')) continue;
      let ground = [255, 255, 255];
      for (const style of path) ground = over(parse(style.backgroundColor), ground);
      const style = getComputedStyle(element);
      const colour = over(parse(style.color), ground);
      const [high, low] = [light(colour), light(ground)].sort((one, other) => other - one);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      const isDisabled = element.closest(':disabled') !== null;
      if (!isDisabled && ratio < (isLarge ? 3 : 4.5)) bad.push(`${words.slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return bad;
"""

# Controls that a screen reader cannot name.
NAMELESS = """
    const named = (element) =>
      (element.getAttribute('aria-label') || element.title || element.textContent || '').trim() ||
      (element.labels && [...element.labels].some((label) => label.textContent.trim())) ||
      element.closest('[role=group][aria-label]') || element.type === 'hidden';
    return [...document.querySelectorAll('a, button, input, select, summary, textarea')]
      .filter((element) => element.checkVisibility() && !named(element))
      .map((element) => element.outerHTML.slice(0, 120));
"""


# Colours and rings as they end up, at once.
STILL = """
    const still = document.createElement('style');
    still.textContent = '*, *::before, *::after { transition: none !important; animation: none !important; }';
    document.head.append(still);
"""

# Everything that a keyboard must reach, and whether it then looks any different: itself, or what it stands in.
WITHOUT_FOCUS = """
    const own = '.ag-root-wrapper, .js-plotly-plot, [aria-hidden=true]';
    const look = (element) => {
      const parts = [element, element.nextElementSibling];
      for (let at = element.parentElement, up = 0; at && up < 4; at = at.parentElement, up++) parts.push(at);
      return parts.filter(Boolean).map((part) => {
        const style = getComputedStyle(part);
        const {outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, clipPath} = style;
        return [outlineStyle === 'none' ? '' : outlineWidth + outlineColor, boxShadow, borderColor, clipPath].join();
      }).join('|');
    };
    const seen = (element) => element.checkVisibility({visibilityProperty: true}) && !element.closest(own);
    const controls = [...document.querySelectorAll('a[href], button, input, select, summary, textarea, [tabindex="0"]')]
      .filter((element) => seen(element) && !element.disabled && element.tabIndex >= 0);
    const bad = [];
    for (const element of controls) {
      document.activeElement.blur();
      const before = look(element);
      element.focus({preventScroll: true});
      if (document.activeElement !== element) bad.push(`not reached: ${element.outerHTML.slice(0, 120)}`);
      else if (look(element) === before) bad.push(`not seen: ${element.outerHTML.slice(0, 120)}`);
    }
    const reached = 'a[href], button, label, summary, select, input, textarea, [tabindex="0"], [role=option]';
    for (const element of document.querySelectorAll('body *')) {
      if (getComputedStyle(element).cursor === 'pointer' && seen(element) && !element.closest(reached))
        bad.push(`for the mouse alone: ${element.outerHTML.slice(0, 120)}`);
    }
    document.activeElement.blur();
    return [controls.length, bad];
"""


@pytest.mark.parametrize("path", **EVERY_PAGE)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_readable_in_both_themes_and_asks_nobody_else(screen, address, size, path):
    screen.open(path, "light", size)
    screen.js(STILL)

    for theme in ("light", "dark"):
        screen.in_theme(theme)
        assert screen.js(LOW_CONTRAST) == []
        screen.js("document.querySelector('#theme-switch').click()")
    assert screen.js(NAMELESS) == []
    assert screen.js("return document.documentElement.scrollWidth") <= size[0]
    asked = [request["url"] for request in screen.requests()]
    assert asked
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert screen.console() == []


@pytest.mark.parametrize("path", **EVERY_PAGE)
def test_every_control_of_a_page_is_reached_and_seen_by_keyboard(screen, path):
    screen.open(path)
    screen.js(STILL)

    ActionChains(screen.driver).send_keys(Keys.TAB).perform()  # from now on the browser shows where the focus is
    n_controls, bad = screen.js(WITHOUT_FOCUS)
    ActionChains(screen.driver).send_keys("/").perform()

    assert n_controls > len(screen.all(".nav-item"))
    assert bad == []
    assert screen.driver.switch_to.active_element.get_attribute("id") == "search-text"


def test_every_registered_page_is_looked_at(app):
    pages = [page for page in dash.page_registry.values() if not page["module"].endswith("not_found_404")]

    assert len(pages) + 1 == len(ADDRESSES)

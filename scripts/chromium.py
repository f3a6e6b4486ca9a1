"""Chromium without a screen and without a network, for screenshots and browser tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root has no sandbox to drop into
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # What follows keeps it from calling home; only the last line stops every look-up.
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--metrics-recording-only",
    "--disable-features=AutofillServerCommunication,CertificateTransparencyComponentUpdater,DialMediaRouteProvider,"
    "InterestFeedContentSuggestions,MediaRouter,OptimizationHints,Translate",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
DESKTOP, PHONE = (1440, 900), (390, 844)
# Dash has drawn when nothing waits for a callback, and Plotly when no figure is still empty.
DRAWN = """
    const waits = document.querySelector('[data-dash-is-loading="true"], ._dash-loading, .skeleton');
    const page = document.querySelector('.page');
    const figures = [...document.querySelectorAll('.dash-graph')];
    return !waits && !!page && figures.every((figure) => figure.querySelector('.main-svg'));
"""


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser that keeps its console and its requests in logs.

    Raises:
        FileNotFoundError: Chromium or its driver is not installed; `make browser` installs them.
    """
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        raise FileNotFoundError("chromium or chromedriver was not found; `make browser` installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, size: tuple[int, int], scale: float = 1.0) -> None:
    """Make the page as wide and tall as *size*; a narrow one behaves as a phone."""
    width, height = size
    metrics: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 800}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def set_theme(browser: webdriver.Chrome, address: str, theme: str) -> None:
    """Remember *theme* as if it had been chosen, before a page of *address* is opened."""
    browser.get(f"{address}/healthz")
    browser.execute_script("localStorage.setItem('retain-theme', arguments[0])", theme)

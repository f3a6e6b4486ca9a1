"""A real Chromium on a real server on the tiny shop. Every test ends by reading an empty console."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dash import Dash
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from waitress.server import create_server

from clv.config import Settings
from dashboard.app import create_app

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from chromium import DESKTOP, DRAWN, chromium, resize, set_theme  # noqa: E402

WAIT_SECONDS = 20


@pytest.fixture(scope="session")
def settings(tiny_shop: Callable[[Path], Settings], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny shop, published."""
    return tiny_shop(tmp_path_factory.mktemp("browser") / "data")


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Dash]:
    """The application that is served; its database is closed at the end."""
    app = create_app(settings)
    yield app
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture(scope="session")
def address(app: Dash) -> Iterator[str]:
    """Where it is served."""
    server = create_server(app.server, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture(scope="session")
def driver() -> Iterator[webdriver.Chrome]:
    """One browser for all tests."""
    with chromium() as browser:
        yield browser


class Screen:
    """What a person sees and does."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        self.address = address

    def open(self, path: str, theme: str = "light", size: tuple[int, int] = DESKTOP) -> None:
        """Open a page and wait until all of it is drawn."""
        set_theme(self.driver, self.address, theme)
        resize(self.driver, size)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(self.address + path)
        self.drawn()

    def drawn(self) -> None:
        """Wait until all of the page is drawn."""
        self.until(lambda: self.js(DRAWN))

    def in_theme(self, theme: str) -> None:
        """Wait until the page is in this theme."""
        self.until(lambda: self.js("return document.documentElement.dataset.bsTheme") == theme)

    def until(self, is_so: Any) -> Any:
        """Wait until something is so; give it. An element that React replaces meanwhile is looked for again."""
        replaced = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, WAIT_SECONDS, poll_frequency=0.05, ignored_exceptions=replaced)
        return wait.until(lambda _driver: is_so())

    def js(self, script: str, *arguments: Any) -> Any:
        """The value of a script."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        """All elements that match."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The element that matches, as soon as it is there."""
        return self.until(lambda: next(iter(self.all(selector)), None))

    def type_while_busy(self, text: str) -> None:
        """Press one key after another while every timer of the page comes late, as it does while charts are drawn."""
        self.js(
            "const on_time = window.setTimeout;"
            "window.setTimeout = (act, ms = 0, ...rest) => on_time(act, ms + 40, ...rest);"
        )
        for letter in text:
            ActionChains(self.driver, duration=0).send_keys(letter).pause(0.03).perform()

    @property
    def query(self) -> str:
        """The query of the address."""
        return urlsplit(self.driver.current_url).query

    def requests(self) -> list[dict[str, Any]]:
        """What was asked for since the page was opened, or since this was last read: url, method, postData."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def console(self) -> list[str]:
        """What the page wrote to the console since it was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture
def screen(driver: webdriver.Chrome, address: str) -> Iterator[Screen]:
    """The browser at the app; fails the test when the console is not empty at its end."""
    screen = Screen(driver, address)
    yield screen
    assert screen.console() == []

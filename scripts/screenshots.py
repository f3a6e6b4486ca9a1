"""Draw every registered page, in both themes, at desktop and phone size, into docs/pictures.

Serves the data folder of the settings (`--config`, default config.toml) on a free port; needs a published build.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dash
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait
from waitress.server import create_server

sys.path.insert(0, str(Path(__file__).parent))
from chromium import DESKTOP, DRAWN, PHONE, chromium, resize, set_theme

from clv.config import load_settings
from dashboard import customer_list
from dashboard.app import create_app

ROOT = Path(__file__).parent.parent
SIZES = {"desktop": DESKTOP, "phone": PHONE}
THEMES = ("light", "dark")
TALLEST = 4000
"""Pixels; what is longer is cut."""
WAIT_SECONDS = 30


@contextmanager
def served(config: Path | None) -> Iterator[tuple[str, str | None]]:
    """The app at an address, and the id of a customer whose page is worth a picture."""
    app = create_app(load_settings(config))
    server = create_server(app.server, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    warehouse = app.server.extensions["retain"].warehouse
    block = customer_list.grid_of(warehouse).block(customer_list.wanted("?sort=-expected_revenue"), 0, 1)
    customer = str(block.rows[0]["customer_id"]) if block.rows else None
    try:
        yield f"http://127.0.0.1:{server.effective_port}", customer
    finally:
        server.close()
        warehouse.close()


def paths(customer: str | None) -> dict[str, str]:
    """Name of the picture → address of the page."""
    found = {}
    for page in dash.page_registry.values():
        template = page.get("path_template")
        if page["module"].endswith("not_found_404") or (template and not customer):
            continue
        path = template.replace("<customer_id>", str(customer)) if template else page["relative_path"]
        name = page["module"].rpartition(".")[2].replace("_", "-")
        found[name] = path
    return found


def draw(browser: webdriver.Chrome, address: str, size: tuple[int, int], target: Path) -> None:
    """Open a page and keep it as one picture from top to bottom."""
    resize(browser, size)
    browser.get(address)
    WebDriverWait(browser, WAIT_SECONDS).until(lambda driver: driver.execute_script(DRAWN))
    height = browser.execute_script("return document.documentElement.scrollHeight")
    resize(browser, (size[0], min(TALLEST, max(size[1], height))))
    # Two frames: one lays out at the new height, one paints.
    browser.execute_async_script(
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 400)))"
    )
    browser.save_screenshot(str(target))


def main() -> None:
    """Draw what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", help="names of pages; default all")
    parser.add_argument("--config", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    with served(chosen.config) as (address, customer), chromium() as browser:
        for name, path in paths(customer).items():
            if chosen.pages and name not in chosen.pages:
                continue
            for theme in THEMES:
                set_theme(browser, address, theme)
                for size_name, size in SIZES.items():
                    target = chosen.out / f"{name}_{theme}_{size_name}.png"
                    draw(browser, f"{address}{path}", size, target)
                    print(target)


if __name__ == "__main__":
    main()

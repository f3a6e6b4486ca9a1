"""What a person sees of the frame around every page, in a real Chromium."""

import pytest
from chromium import PHONE
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser


def test_the_theme_is_chosen_once_and_kept(screen):
    screen.open("/overview", "light")

    screen.one("#theme-switch").click()

    screen.in_theme("dark")
    screen.driver.get(f"{screen.address}/jobs")
    screen.drawn()
    screen.in_theme("dark")


def test_switching_the_theme_asks_the_server_for_nothing(screen):
    screen.open("/overview", "light")
    screen.requests()

    screen.one("#theme-switch").click()
    screen.until(lambda: screen.js("return document.documentElement.dataset.agThemeMode") == "dark")

    sent = [request.get("postData", "") for request in screen.requests() if request["method"] == "POST"]
    assert [body for body in sent if "shell-tick" not in body] == []


def test_the_theme_is_there_before_the_first_paint(screen, driver):
    screen.open("/overview", "dark")
    # A page whose scripts at the end of the body never come still has its theme.
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*_dash-component-suites*"]})
    try:
        driver.get(f"{screen.address}/overview")
        theme = screen.js("return document.documentElement.dataset.bsTheme")
        ground = screen.js("return getComputedStyle(document.body).backgroundColor")
    finally:
        driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        screen.console()

    assert (theme, ground) == ("dark", "rgb(11, 13, 17)")


def test_without_a_choice_the_system_decides(screen, driver):
    driver.get(f"{screen.address}/healthz")
    screen.js("localStorage.clear()")
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    try:
        driver.get(f"{screen.address}/overview")
        assert screen.js("return document.documentElement.dataset.bsTheme") == "dark"
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    screen.drawn()


def test_slash_focuses_the_search_and_enter_opens_the_first_hit(screen):
    screen.open("/overview")

    ActionChains(screen.driver).send_keys("/").perform()
    assert screen.driver.switch_to.active_element.get_attribute("id") == "search-text"
    ActionChains(screen.driver).send_keys("cy").perform()
    hit = screen.one(".search-hit")
    assert "C03" in hit.text
    ActionChains(screen.driver).send_keys(Keys.ENTER).perform()

    screen.until(lambda: screen.driver.current_url.endswith("/customers/C03"))
    screen.drawn()


def test_enter_waits_for_the_hits_of_what_was_typed(screen):
    screen.open("/overview")
    ActionChains(screen.driver).send_keys("/", "c0").perform()
    screen.one(".search-hit")

    ActionChains(screen.driver).send_keys("3", Keys.ENTER).perform()

    screen.until(lambda: screen.driver.current_url.endswith("/customers/C03"))
    screen.drawn()


def test_hits_are_walked_with_the_arrows_and_left_with_escape(screen):
    screen.open("/overview")
    ActionChains(screen.driver).send_keys("/", "c0").perform()
    screen.one(".search-hit")

    ActionChains(screen.driver).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN).perform()
    assert screen.js("return [...document.querySelectorAll('.search-hit')].indexOf(document.activeElement)") == 1
    ActionChains(screen.driver).send_keys(Keys.ESCAPE).perform()

    assert not screen.one("#search-results").is_displayed()


def test_a_slash_typed_into_a_field_is_a_slash(screen):
    screen.open("/overview")
    ActionChains(screen.driver).send_keys("/", "a/b").perform()

    assert screen.one("#search-text").get_attribute("value") == "a/b"


def test_letters_stay_in_their_order_while_the_page_is_busy(screen):
    screen.open("/overview")
    screen.one("#search-text").click()

    screen.type_while_busy("abcdefghijkl")

    assert screen.one("#search-text").get_attribute("value") == "abcdefghijkl"


def test_the_first_tab_reaches_a_link_past_the_menu_and_focus_can_be_seen(screen):
    screen.open("/overview")

    ActionChains(screen.driver).send_keys(Keys.TAB).perform()
    first = screen.driver.switch_to.active_element
    assert first.text == "Skip to content"
    ActionChains(screen.driver).send_keys(Keys.TAB).perform()

    outline = "const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);"
    assert screen.js(f"{outline} return [outlineStyle, outlineWidth]") == ["solid", "2px"]


def test_the_period_is_in_the_address_and_back_goes_back(screen):
    screen.open("/overview")

    _choose(screen, "30 days")
    screen.until(lambda: screen.query == "period=30")
    screen.until(lambda: "the 30 days before" in screen.one(".page-sub").text)
    screen.driver.back()

    screen.until(lambda: screen.query == "")
    screen.until(lambda: "the 30 days before" not in screen.one(".page-sub").text)


def test_the_default_period_is_not_in_the_address(screen):
    screen.open("/overview?period=30")

    _choose(screen, "90 days")

    screen.until(lambda: screen.query == "")


def test_a_picked_build_stays_while_one_walks_about(screen, settings):
    build_id = settings.paths.current.resolve().name
    screen.open(f"/overview?build={build_id}")

    screen.until(lambda: "build=" in screen.all(".nav-item")[-1].get_attribute("href"))
    screen.all(".nav-item")[-1].click()
    screen.until(lambda: "/overview" not in screen.driver.current_url)
    screen.drawn()

    assert screen.query == f"build={build_id}"
    assert screen.one("#build-slot select").get_attribute("value") == build_id


def test_the_sql_behind_a_number_opens_and_can_be_copied(screen):
    screen.open("/overview")

    screen.all(".sql-button")[1].click()
    screen.until(lambda: "grain: one row per metric" in screen.one(".sql-text").text)
    screen.one("#sql-copy").click()

    screen.until(lambda: screen.one("#sql-copy").text == "Copied")


def test_escape_closes_the_sql_panel(screen):
    screen.open("/overview")
    screen.all(".sql-button")[1].click()
    screen.until(screen.one(".sql-text").is_displayed)

    ActionChains(screen.driver).send_keys(Keys.ESCAPE).perform()

    screen.until(lambda: not screen.all(".offcanvas.show"))


def test_the_menu_of_a_phone_opens_closes_and_follows(screen):
    screen.open("/overview", size=PHONE)
    menu = screen.one("#side")
    assert not menu.is_displayed()

    screen.one(".nav-toggle").click()
    screen.until(menu.is_displayed)
    assert screen.one(".nav-toggle").get_attribute("aria-expanded") == "true"
    ActionChains(screen.driver).send_keys(Keys.ESCAPE).perform()
    screen.until(lambda: not menu.is_displayed())

    screen.one(".nav-toggle").click()
    screen.until(menu.is_displayed)
    screen.all(".nav-item")[-1].click()
    screen.until(lambda: not menu.is_displayed())
    screen.drawn()


def test_run_now_asks_once_and_shows_that_it_waits(screen, app):
    journal = app.server.extensions["retain"].journal
    journal.schedule.publish([{"job": "build", "question": "Make the tables", "cron": "", "next_run_at": None}])
    screen.open("/jobs")

    button = screen.one("button[aria-label='Run build now']")
    button.click()
    screen.until(lambda: "waiting for the worker" in screen.one("#jobs-live").text)
    run_id = journal.runs.active("build")[0].run_id
    journal.runs.finish(run_id, "done")

    screen.until(lambda: "Done" in screen.one("#jobs-live").text)
    assert len(journal.runs.table()) == 1


def _choose(screen, text):
    next(option for option in screen.all(".segmented .dash-options-list-option") if option.text == text).click()

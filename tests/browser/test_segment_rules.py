"""The rules editor under a person's hands."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains

pytestmark = pytest.mark.browser


def test_a_rule_is_renamed_letter_by_letter_and_judged_when_the_typing_pauses(screen):
    screen.open("/segments/rules")
    name = screen.one(".rules-name input")
    before = name.get_attribute("value")
    assert not screen.one("#rules-save").is_enabled()

    name.click()
    screen.js("arguments[0].setSelectionRange(0, 0)", name)
    screen.type_while_busy("Very best: ")

    assert name.get_attribute("value") == f"Very best: {before}"
    screen.until(screen.one("#rules-save").is_enabled)
    screen.until(lambda: f"Very best: {before}" in screen.one("#rules-preview").text)


def test_a_draft_is_left_in_the_middle_of_a_word(screen):
    screen.open("/segments/rules")

    screen.one(".rules-name input").click()
    ActionChains(screen.driver).send_keys("Xy").perform()
    screen.js("document.querySelector('.nav-item[href=\"/overview\"]').click()")

    screen.until(lambda: screen.driver.current_url.endswith("/overview"))
    screen.drawn()
    screen.driver.execute_async_script("setTimeout(arguments[0], 400)")  # past the pause that the draft waits for


def test_what_was_typed_into_a_page_that_is_gone_is_asked_of_nobody(screen):
    screen.open("/overview")

    screen.js("dash_clientside.retain.settle('Xy', 'rules-typed')")
    screen.driver.execute_async_script("setTimeout(arguments[0], 400)")

    assert screen.console() == []

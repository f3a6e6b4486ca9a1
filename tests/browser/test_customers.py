"""The list of customers and the page of one, in a real Chromium."""

from urllib.parse import parse_qs

import pytest
from chromium import PHONE
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser

API = "window.dash_ag_grid.getApi('customers-grid')"


def names(screen) -> list[str]:
    """The ids of the rows that are drawn, top to bottom."""
    rows = screen.js(
        "return [...document.querySelectorAll('#customers-grid [row-id]')]"
        ".map((row) => [+row.getAttribute('row-index'), row.getAttribute('row-id')])"
    )
    return [name for _, name in sorted(set(map(tuple, rows))) if name.startswith("C")]


def listed(screen, n_rows: int) -> list[str]:
    """Wait until that many rows are drawn."""
    screen.until(lambda: len(names(screen)) == n_rows)
    return names(screen)


def count(screen, text: str) -> None:
    screen.until(lambda: screen.one("#customers-count").text == text)


def test_all_customers_are_listed_by_what_is_expected_of_them(screen):
    screen.open("/customers")

    rows = listed(screen, 12)

    assert rows[0] == "C01"
    assert "sort=-expected_revenue" in screen.query


def test_a_link_shows_exactly_what_it_says(screen):
    screen.open("/customers?revenue=50..200&sort=revenue")

    count(screen, "4 of 12 customers")
    assert len(listed(screen, 4)) == 4
    assert parse_qs(screen.query) == {"revenue": ["50..200"], "sort": ["revenue"]}


def test_a_filter_made_in_the_grid_stands_in_the_address(screen):
    screen.open("/customers")
    listed(screen, 12)

    screen.js(f"{API}.setFilterModel({{n_orders: {{filterType: 'number', type: 'greaterThan', filter: 2}}}})")

    screen.until(lambda: "n_orders=%3E2" in screen.query)
    screen.until(lambda: "of 12" in screen.one("#customers-count").text)


def test_a_click_on_a_head_sorts_on_the_server_and_in_the_address(screen):
    screen.open("/customers")
    listed(screen, 12)

    screen.one(".ag-header-cell[col-id='revenue'] .ag-header-cell-label").click()

    screen.until(lambda: "sort=revenue" in screen.query)
    screen.until(lambda: names(screen)[0] in ("C04", "C02"))


def test_clear_filters_leads_back_to_all(screen):
    screen.open("/customers?segment=Nobody")
    count(screen, "0 of 12 customers")

    screen.one("#customers-clear").click()

    count(screen, "12 customers")
    listed(screen, 12)
    screen.until(lambda: "segment" not in screen.query)


def test_segments_are_chosen_above_the_grid(screen):
    screen.open("/customers")
    listed(screen, 12)
    first = screen.one(".grid-facet .dash-dropdown")

    first.click()
    option = screen.one(".dash-dropdown-content .dash-options-list-option")
    segment = option.text.strip()
    option.click()

    screen.until(lambda: parse_qs(screen.query).get("segment") == [segment])
    screen.until(lambda: "of 12" in screen.one("#customers-count").text)


def test_ticked_rows_are_counted_and_exported(screen):
    screen.open("/customers?sort=customer_id")
    listed(screen, 12)

    for box in screen.all(".ag-row .ag-selection-checkbox input")[:2]:
        box.click()

    button = screen.one("#customers-export-ticked")
    screen.until(lambda: button.text == "Export 2 selected")
    assert button.is_enabled()


def test_a_view_is_saved_and_opened_again(screen):
    screen.open("/customers?revenue=50..200&sort=revenue")
    listed(screen, 4)

    screen.one(".grid-views > summary").click()
    screen.one("#customers-view-name").send_keys("Middle & more", Keys.ENTER)
    screen.until(lambda: [link.text for link in screen.all("#customers-views .view-link")] == ["Middle & more"])
    screen.js(f"{API}.setFilterModel(null)")
    count(screen, "12 customers")
    screen.one("#customers-views .view-link").click()

    count(screen, "4 of 12 customers")
    screen.one(".grid-views > summary").click()
    screen.one("#customers-views .view .sql-button").click()
    screen.until(lambda: not screen.all("#customers-views .view-link"))


def test_ticked_customers_are_kept_renamed_deleted_and_had_back(screen):
    def lists() -> list[str]:
        return [link.text for link in screen.all("#customers-lists .view-link")]

    screen.open("/customers?sort=customer_id")
    listed(screen, 12)
    for box in screen.all(".ag-row .ag-selection-checkbox input")[:2]:
        box.click()
    screen.one("#customers-lists-menu > summary").click()

    screen.one("#customers-list-name").send_keys("Call & mail", Keys.ENTER)
    screen.until(lambda: lists() == ["Call & mail\n2 customers"])

    screen.one("#customers-lists .list-rename summary").click()
    screen.one("#customers-lists .list-rename input").send_keys(Keys.CONTROL, "a", Keys.NULL, "Call only", Keys.ENTER)
    screen.until(lambda: lists() == ["Call only\n2 customers"])

    screen.one("#customers-lists [title='Delete this list']").click()
    screen.until(lambda: lists() == [])
    screen.one(".lists-undo").click()
    screen.until(lambda: lists() == ["Call only\n2 customers"])

    screen.one("#customers-lists .view-link").click()
    count(screen, "2 of 12 customers")
    assert listed(screen, 2) == ["C01", "C02"]
    assert "Call only" in screen.one(".insight").text
    screen.one("#customers-lists-menu > summary").click()
    screen.one("#customers-lists [title='Delete this list']").click()
    screen.until(lambda: lists() == [])


def test_a_bar_of_a_chart_opens_its_customers(screen):
    screen.open("/overview?period=all")

    link = screen.one("[aria-label='Revenue by month: the customers behind it'] a")
    screen.js("arguments[0].click()", link)

    count(screen, "6 of 12 customers")
    assert "list=overview" in screen.query


def test_a_point_of_a_curve_opens_its_customers_and_one_of_a_forecast_does_not(screen):
    # Where a point of a trace is on the screen.
    place = (
        "const figure = document.querySelector('#cohorts-goes-on .js-plotly-plot');"
        "figure.scrollIntoView({block: 'center', behavior: 'instant'});"
        "const {xaxis, yaxis} = figure._fullLayout, box = figure.getBoundingClientRect();"
        "const {x, y} = figure._fullData[arguments[0]], at = arguments[1];"
        "return [box.left + xaxis._offset + xaxis.c2p(x[at]), box.top + yaxis._offset + yaxis.c2p(y[at])]"
    )
    cursor = "return getComputedStyle(document.querySelector('#cohorts-goes-on .nsewdrag')).cursor"
    screen.open("/cohorts?part=value")

    def point_at(trace, at, expected):
        x, y = screen.js(place, trace, at)
        actions = ActionChains(screen.driver)
        actions.w3c_actions.pointer_action.move_to_location(round(x) - 40, round(y))
        actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        actions.perform()
        screen.until(lambda: screen.js(cursor) == expected)

    # Traces 2 and 3 are January: what is expected of it, and what it has brought by the end of each month.
    point_at(2, 2, "default")
    ActionChains(screen.driver).click().perform()
    assert screen.query == "part=value"
    point_at(3, 1, "pointer")
    ActionChains(screen.driver).click().perform()

    count(screen, "6 of 12 customers")
    assert "cohort_month=2024-01-01" in screen.query


def test_the_marks_of_a_chart_are_one_stop_of_the_tab_key_and_arrow_keys_go_through_them(screen):
    screen.open("/cohorts")
    marks = screen.one("[aria-label='Average of the cohorts of each channel: the customers behind it']")
    first = marks.find_element("css selector", "a")
    screen.js("arguments[0].focus()", first)

    first.send_keys(Keys.ARROW_RIGHT)
    second = screen.driver.switch_to.active_element
    assert second.text
    assert second.get_attribute("href") != first.get_attribute("href")
    assert screen.js("return arguments[0].contains(document.activeElement)", marks)
    second.send_keys(Keys.TAB)
    assert not screen.js("return arguments[0].contains(document.activeElement)", marks)

    screen.js("arguments[0].focus()", second)
    second.send_keys(Keys.ENTER)

    screen.until(lambda: "list=cohorts" in screen.query)


def test_the_sidebar_leads_back_to_all_from_a_filter_made_in_the_grid(screen):
    screen.open("/customers")
    listed(screen, 12)
    screen.js(f"{API}.setFilterModel({{n_orders: {{filterType: 'number', type: 'greaterThan', filter: 2}}}})")
    screen.until(lambda: "n_orders" in screen.query)

    screen.one(".nav-item.active").click()

    count(screen, "12 customers")
    screen.until(lambda: "n_orders" not in screen.query)


def test_the_list_shows_its_sql(screen):
    screen.open("/customers?revenue=50..200")
    listed(screen, 4)

    screen.one("#customers-sql").click()

    screen.until(lambda: "between 50" in screen.one(".sql-text").text)


def test_a_name_leads_to_the_customer_and_back(screen):
    screen.open("/customers?sort=customer_id")
    listed(screen, 12)

    screen.one("a.customer[href='/customers/C01']").click()

    screen.until(lambda: screen.one(".page-title").text == "Ann")
    screen.drawn()
    screen.driver.back()
    listed(screen, 12)


@pytest.mark.parametrize("path", ["/customers", "/customers/C01"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_scrolls_only_downwards(screen, path, theme):
    screen.open(path, theme=theme, size=PHONE)

    assert screen.js("return document.documentElement.scrollWidth") <= PHONE[0]


def test_an_unknown_customer_is_text_and_not_markup(screen):
    screen.open("/customers/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")

    assert "<img src=x onerror=alert(1)>" in screen.one("#content .state").text


def test_nothing_is_asked_of_another_host(screen, address):
    screen.open("/customers")
    listed(screen, 12)
    screen.driver.get(f"{address}/customers/C01")
    screen.drawn()

    assert all(request["url"].startswith((address, "data:", "blob:")) for request in screen.requests())


def test_the_enter_key_in_a_cell_follows_its_link(screen):
    screen.open("/customers?sort=customer_id")
    listed(screen, 12)
    screen.js(f"{API}.setFocusedCell(0, 'name')")

    ActionChains(screen.driver).send_keys(Keys.ENTER).perform()

    screen.until(lambda: screen.one(".page-title").text == "Ann")


def test_a_grid_is_one_stop_of_the_tab_key(screen):
    screen.open("/customers/C01?part=history")
    screen.until(lambda: screen.all("#customer-lines .ag-header-cell"))
    screen.js("document.querySelector('#customer-lines .ag-header-cell').focus()")

    ActionChains(screen.driver).send_keys(Keys.TAB).perform()

    screen.until(lambda: not screen.js("return document.activeElement.closest('#customer-lines')"))
    assert screen.js("return document.activeElement.getAttribute('aria-label')") == "Show the SQL of Cart events"

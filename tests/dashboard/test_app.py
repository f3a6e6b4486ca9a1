import re
from datetime import date

import dash
import pandas as pd
import pytest
from dash import html

from clv.errors import NoBuildError, RequestError
from dashboard import data, shell
from dashboard.app import create_app
from dashboard.components import sql, states


def test_the_first_page_is_served_with_the_shops_locale(client):
    page = client.http.get("/overview")

    assert page.status_code == 200
    assert 'data-locale="en-GB" data-currency="GBP"' in page.text


def test_the_theme_is_set_before_any_stylesheet(client):
    head = client.http.get("/").text.partition("</head>")[0]

    assert 0 < head.index("/assets/theme.js") < head.index("stylesheet")


def test_all_scripts_and_styles_are_ours(client):
    text = client.http.get("/").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)

    assert addresses
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)


def test_scripts_run_only_from_us_or_by_hash(client):
    header = client.http.get("/").headers["Content-Security-Policy"]
    policy = dict(part.split(" ", 1) for part in header.split("; "))

    assert policy["default-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'self'"


def test_every_inline_script_has_its_hash_in_the_policy(app, client):
    page = client.http.get("/")
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", page.text, re.DOTALL)
    hashes = app.csp_hashes()

    assert len(inline) <= len(hashes)
    assert all(name in page.headers["Content-Security-Policy"] for name in hashes)


@pytest.mark.parametrize("name", ["bootstrap.min.css", "bootstrap-icons.min.css", "inter.css", "inter.woff2"])
def test_vendor_files_come_from_here_and_are_kept_for_a_year(client, name):
    address = next(re.finditer(r'href="(/vendor/\w+)/', client.http.get("/").text))[1]

    answer = client.http.get(f"{address}/{name}")

    assert answer.status_code == 200
    assert answer.cache_control.immutable
    assert answer.cache_control.max_age >= 365 * 86_400


def test_no_other_vendor_file_can_be_had(client):
    address = next(re.finditer(r'href="(/vendor/\w+)/', client.http.get("/").text))[1]

    assert client.http.get(f"{address}/../../../pyproject.toml").status_code == 404
    assert client.http.get(f"{address}/fonts/secret").status_code == 404


def test_the_web_font_is_small(client):
    address = next(re.finditer(r'href="(/vendor/\w+)/', client.http.get("/").text))[1]

    assert len(client.http.get(f"{address}/inter.woff2").data) < 150_000


def test_healthz_names_the_build(client, settings):
    answer = client.http.get("/healthz").get_json()

    assert answer["status"] == "ok"
    assert answer["build"] == settings.paths.current.resolve().name


def test_pages_of_a_group_stand_in_their_order(app, walk, words_of):
    groups = [node for node in walk(shell.layout("Tiny & Sons")) if node["props"].get("aria-label") == "Pages"]
    listed = [
        node["props"]["id"]["path"]
        for node in walk(groups[0])
        if isinstance(node["props"].get("id"), dict) and node["props"]["id"]["type"] == "nav"
    ]
    places = {page["relative_path"]: (shell.GROUPS.index(page["group"]), page["order"]) for page in _listed_pages()}

    assert listed == sorted(places, key=places.__getitem__)


def test_every_listed_page_says_its_question(app):
    assert all(page["question"].endswith("?") and page["icon"] and page["title"] for page in _listed_pages())


def test_an_unknown_address_leads_back(client, words_of):
    assert "There is no such page" in words_of(client.page("/no/such/page"))


def test_a_page_without_any_build_says_what_to_do(new_shop, tmp_path, words_of):
    empty = create_app(new_shop(tmp_path / "data"))

    from .conftest import Client

    page = words_of(Client(empty).page("/overview"))
    assert "No data yet" in page
    assert "clv demo" in page


def test_a_build_that_is_gone_is_a_state_not_a_crash(client, words_of):
    shown = words_of(client.page("/overview", "?build=20000101T000000-000000"))

    assert "there is no build 20000101T000000-000000" in shown
    assert "No data yet" not in shown


def test_crumbs_name_shop_and_page(client, words_of):
    answer = client.post(
        "shell-crumbs.children",
        [
            {"id": "_pages_location", "property": "pathname", "value": "/overview"},
            {"id": "_pages_location", "property": "search", "value": ""},
        ],
    )

    assert words_of(answer.get_json()["response"]["shell-crumbs"]["children"]) == "Tiny & Sons / Overview"


def test_search_finds_by_part_of_a_name_and_links_to_the_customer(client, walk, words_of):
    answer = client.post(
        "search-results.children",
        [{"id": "search-asked", "property": "data", "value": "cy"}],
        [{"id": "_pages_location", "property": "search", "value": ""}],
    )
    found = answer.get_json()["response"]["search-results"]["children"]

    assert "Cy" in words_of(found)
    assert [node["props"]["href"] for node in walk(found) if node["type"] == "Link"] == ["/customers/C03"]


def test_search_says_when_nobody_matches(client, words_of):
    answer = client.post(
        "search-results.children",
        [{"id": "search-asked", "property": "data", "value": "<script>"}],
        [{"id": "_pages_location", "property": "search", "value": ""}],
    )

    assert "Nobody matches" in words_of(answer.get_json()["response"]["search-results"]["children"])


def test_links_keep_the_build_that_is_looked_at(context):
    assert data.door("?build=b1").href("/customers", segment="At risk") == "/customers?segment=At+risk&build=b1"
    assert data.door("").href("/customers", sort=None) == "/customers"
    assert data.door("?build=latest").build is None


def test_open_alerts_are_counted_and_lead_somewhere(app, client, walk, words_of):
    journal = app.server.extensions["retain"].journal
    journal.alerts.open("test:one", "critical", "Training failed", remedy="See its log", link="/jobs?run=r1")

    answer = client.post("shell-foot.children", [{"id": "shell-tick", "property": "n_intervals", "value": 1}])
    response = answer.get_json()["response"]
    journal.alerts.close("test:one", "the test")

    assert words_of(response["alert-count"]["children"]) == "1"
    assert "Training failed" in words_of(response["alert-list"]["children"])
    assert [node["props"]["href"] for node in walk(response["alert-list"]["children"]) if node["type"] == "Link"] == [
        "/jobs?run=r1"
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoBuildError("nothing"), "No data yet"),
        (RequestError("there is no query x"), "there is no query x"),
        (ZeroDivisionError("secret"), "An error of ours"),
    ],
    ids=["no build", "ours", "a bug"],
)
def test_an_error_in_a_part_becomes_a_state(words_of, error, said):
    def draw():
        raise error

    shown = words_of(states.region(draw))

    assert said in shown
    assert "secret" not in shown


def test_the_sql_panel_refuses_what_it_did_not_pack(context, words_of):
    assert "load the page again" in words_of(states.region(sql._content, '{"query": 1}'))
    assert "no query" in words_of(
        states.region(sql._content, '{"query": "overview/nothing", "params": {}, "build": null}')
    ) or "is not the name" in words_of(
        states.region(sql._content, '{"query": "../secret", "params": {}, "build": "latest"}')
    )


def test_sql_keeps_every_character_when_it_is_coloured(words_of):
    text = "-- what\nselect sum(amount) as revenue from core.orders where day >= $from_date and x = 'it''s' -- end\n"
    parts = sql.highlighted(text)

    assert "".join(part if isinstance(part, str) else part.children for part in parts) == text
    assert [part.className for part in parts if isinstance(part, html.Span)][:2] == ["sql-comment", "sql-word"]


def _listed_pages():
    return [page for page in dash.page_registry.values() if page.get("group")]


def test_rows_are_what_python_has_and_none_where_nothing_is_known():
    moment = pd.Timestamp("2024-01-01 03:00:00")
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "share": [0.5, float("nan")],
            "day": pd.Series([date(2024, 1, 1), None], dtype=object),
            "at": [moment, pd.NaT],
            "name": ["x", None],
            "is_new": [True, False],
        }
    )

    first, second = data.records(frame)

    assert (first.n, first.share, first.day, first.at, first.name, first.is_new) == (
        1,
        0.5,
        date(2024, 1, 1),
        moment,
        "x",
        True,
    )
    assert (second.share, second.day, second.at, second.name) == (None, None, None, None)
    assert type(first.n) is int
    assert data.records(frame.head(0)) == []

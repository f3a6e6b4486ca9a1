"""The list of customers: the language of its address, its rows, its views."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from clv.errors import NoBuildError, RequestError
from dashboard import customer_list, data, export
from dashboard.app import create_app
from warehouse.grid import Members, Wanted

COLUMNS = customer_list.COLUMNS
NUMBERS = st.integers(-1000, 1000) | st.floats(-1e6, 1e6).filter(lambda number: not number.is_integer())
DAYS = st.dates().map(lambda day: f"{day.isoformat()} 00:00:00")
COMPARED = ["equals", "notEqual", "greaterThan", "greaterThanOrEqual", "lessThan", "lessThanOrEqual"]


def compared(kind: str, values, first: str, second: str):
    one = st.fixed_dictionaries({"filterType": st.just(kind), "type": st.sampled_from(COMPARED), first: values})
    span = st.fixed_dictionaries(
        {"filterType": st.just(kind), "type": st.just("inRange"), first: values, second: values}
    )
    blank = st.fixed_dictionaries({"filterType": st.just(kind), "type": st.sampled_from(["blank", "notBlank"])})
    return one | span | blank


TEXTS = st.fixed_dictionaries(
    {"filterType": st.just("text"), "type": st.sampled_from(["contains", "equals", "startsWith"]), "filter": st.text()}
)
BY_KIND = {
    "text": TEXTS,
    "number": compared("number", NUMBERS, "filter", "filterTo"),
    "date": compared("date", DAYS, "dateFrom", "dateTo"),
    "boolean": st.fixed_dictionaries(
        {"filterType": st.just("text"), "type": st.sampled_from(["true", "false", "blank"])}
    ),
}


def model_of(name: str):
    one = BY_KIND[COLUMNS[name].kind]
    several = st.fixed_dictionaries(
        {
            "filterType": st.just(COLUMNS[name].kind),
            "operator": st.sampled_from(["AND", "OR"]),
            "conditions": st.lists(one, min_size=2, max_size=3),
        }
    )
    return one | several


ASKED = st.builds(
    Wanted,
    filters=st.fixed_dictionaries({}, optional={name: model_of(name) for name in COLUMNS}),
    sort=st.lists(st.tuples(st.sampled_from(list(COLUMNS)), st.booleans()), max_size=3).map(tuple),
    members=st.none() | st.just(Members("segments/moved_customers", {"segment_before": "At risk", "segment": "L&yal"})),
)


@examples(max_examples=150, deadline=None)
@given(asked=ASKED)
def test_an_address_says_all_that_a_grid_holds(asked):
    assert customer_list.wanted(customer_list.search_of(asked)) == asked


@pytest.mark.parametrize(
    ("search", "model"),
    [
        ("revenue=100..500", {"filterType": "number", "type": "inRange", "filter": 100, "filterTo": 500}),
        ("revenue=..-5", {"filterType": "number", "type": "lessThanOrEqual", "filter": -5}),
        ("revenue=%3E1.5", {"filterType": "number", "type": "greaterThan", "filter": 1.5}),
        ("name=o%27neil", {"filterType": "text", "type": "contains", "filter": "o'neil"}),
        (
            "last_order_date=2024-01-31..",
            {"filterType": "date", "type": "greaterThanOrEqual", "dateFrom": "2024-01-31 00:00:00"},
        ),
        ("segment=At+risk", {"filterType": "text", "type": "equals", "filter": "At risk"}),
        ("persona=", {"filterType": "text", "type": "blank"}),
        ("is_subscriber=true", {"filterType": "text", "type": "true"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_address_can_be_written_by_hand(search, model):
    (found,) = customer_list.wanted(f"?{search}").filters.values()

    assert found == model


@pytest.mark.parametrize(
    "search",
    [
        "shoe_size=44",
        "revenue=much",
        "revenue=nan..",
        "revenue=1&revenue=2",
        "last_order_date=yesterday",
        "is_subscriber=perhaps",
        "revenue={",
        "revenue={}x",
        "sort=shoe_size",
        "list=data/quarantine",
        "list=cohorts/customers_in&list.cohort_month=May",
        "list=cohorts/customers_in&list.month_number=two",
        "list=segments/drafted_customers&list.r_min=4,high",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_with_words(client, words_of, search):
    assert "This could not be shown" in words_of(client.page("/customers", f"?{search}"))


def ask_rows(client, search="", filters=None, sort=None, start=0, end=100):
    """What the callback gives for a block, and the address that it writes."""
    request = {"startRow": start, "endRow": end, "filterModel": filters or {}, "sortModel": sort or []}
    outputs = [
        {"id": name, "property": prop}
        for name, prop in [
            ("customers-grid", "getRowsResponse"),
            ("customers-count", "children"),
            ("customers-shown", "data"),
        ]
    ]
    facets = [{"id": {"column": name, "type": "customers-facet"}, "property": "value"} for name in customer_list.FACETS]
    key = next(key for key in client.app.callback_map if "customers-grid.getRowsResponse" in key)
    body = {
        "output": key,
        "outputs": [*outputs, facets],
        "inputs": [{"id": "customers-grid", "property": "getRowsRequest", "value": request}],
        "state": [{"id": "_pages_location", "property": "search", "value": search}],
        "changedPropIds": ["customers-grid.getRowsRequest"],
    }
    response = client.http.post("/_dash-update-component", json=body)
    assert response.status_code == 200, response.text
    answer = response.get_json()["response"]
    return (
        answer["customers-grid"]["getRowsResponse"],
        answer["customers-count"]["children"],
        answer["customers-shown"]["data"],
    )


def test_rows_come_in_the_grids_order_with_their_count(client):
    rows, count, shown = ask_rows(client, sort=[{"colId": "revenue", "sort": "desc"}])

    revenues = [row["revenue"] for row in rows["rowData"]]
    assert revenues == sorted(revenues, reverse=True)
    assert (len(revenues), rows["rowCount"], count) == (12, 12, "12 customers")
    assert shown["search"] == "?sort=-revenue"


def test_a_filter_of_the_grid_is_written_into_the_address(client):
    rows, count, shown = ask_rows(
        client, filters={"revenue": {"filterType": "number", "type": "greaterThan", "filter": 50}}
    )

    assert count == f"{rows['rowCount']} of 12 customers"
    assert dict(parse_qsl(shown["search"][1:])) == {"revenue": ">50"}


def test_what_no_grid_sends_is_refused(context, client):
    for filters, sort in [({"x": {}}, []), ([1], []), ({}, [{"colId": "revenue", "sort": "up"}]), ({}, {"a": 1})]:
        with pytest.raises(RequestError):
            customer_list.moved(Wanted(), filters, sort)


def test_every_segment_link_shows_exactly_the_number_clicked(context, client):
    base = data.door("").ask("overview/customer_base")

    for row in base.rows:
        _, _, shown = ask_rows(client, filters={"segment": customer_list.chosen([row.segment])})
        assert shown["n_rows"] == row.n_customers


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("overview/customers_in", {"from_date": "2024-02-01", "to_date": "2024-03-01", "channel": "web"}),
        ("overview/customers_in", {"from_date": "2024-01-01", "to_date": "2024-04-11"}),
        ("cohorts/customers_in", {"cohort_month": "2024-01-01", "month_number": "0", "mode": "bought"}),
        ("segments/moved_customers", {"segment_before": "New", "segment": "Loyal"}),
        (
            "segments/drafted_customers",
            {
                "rule": "2",
                "segment_draft": "Rest",
                "r_min": "4,1",
                "r_max": "5,5",
                "f_min": "1,1",
                "f_max": "5,5",
                "m_min": "1,1",
                "m_max": "5,5",
                "max_age_days": "30,any",
            },
        ),
    ],
    ids=["channel in a month", "all in a period", "cohort cell", "move", "draft of segment rules"],
)
def test_a_list_shows_exactly_the_customers_behind_the_mark(context, client, query, params):
    search = customer_list.search_of(
        customer_list.wanted(
            "?" + "&".join([f"list={query}", *(f"list.{name}={value}" for name, value in params.items())])
        )
    )
    asked = customer_list.wanted(search)

    rows, _, _ = ask_rows(client, search=search)

    behind = data.door("").ask(query, **asked.members.params).frame["customer_id"]
    assert {row["customer_id"] for row in rows["rowData"]} == set(behind)
    assert rows["rowCount"] == len(behind)


def test_every_column_can_be_sorted_and_filtered(client):
    for name, column in COLUMNS.items():
        blank = {"filterType": column.kind, "type": "blank"}
        rows, _, _ = ask_rows(client, filters={name: blank}, sort=[{"colId": name, "sort": "asc"}])
        assert all(row[name] in (None, "") for row in rows["rowData"]), name


def test_columns_that_nobody_has_are_hidden(client, walk):
    grid = next(node for node in walk(client.page("/customers")) if node["props"].get("id") == "customers-grid")

    hidden = {column["field"] for column in grid["props"]["columnDefs"] if column["hide"]}
    assert {"subscription_plan", "is_churned_given", "next_order_from"} <= hidden
    assert not hidden & {"name", "segment", "revenue", "expected_revenue"}


def test_the_grid_begins_with_what_the_address_says(client, walk):
    page = client.page("/customers", "?segment=New&segment=Loyal&sort=-margin,name&revenue=5..")
    grid = next(node for node in walk(page) if node["props"].get("id") == "customers-grid")["props"]

    order = {
        column["field"]: (column["sort"], column["sortIndex"]) for column in grid["columnDefs"] if "sort" in column
    }
    assert order == {"margin": ("desc", 0), "name": ("asc", 1)}
    assert set(grid["filterModel"]) == {"segment", "revenue"}
    assert [one["filter"] for one in grid["filterModel"]["segment"]["conditions"]] == ["New", "Loyal"]
    assert grid["dashGridOptions"]["maxConcurrentDatasourceRequests"] == 1


def test_names_out_of_the_data_are_shown_with_a_capital_and_chosen_as_they_are(client, walk):
    page = client.page("/customers", "?channel=web")
    (options,) = [
        node["props"]["options"]
        for node in walk(page)
        if node["props"].get("id") == {"type": "customers-facet", "column": "channel"}
    ]
    grid = next(node for node in walk(page) if node["props"].get("id") == "customers-grid")["props"]

    assert {"label": "Web", "value": "web"} in options
    assert grid["filterModel"]["channel"]["filter"] == "web"
    looks = {column["field"]: column.get("valueFormatter") for column in grid["columnDefs"]}
    assert looks["channel"] == looks["persona"] == {"function": "label(params.value)"}


def press(client, button, **state):
    """Press a button of the views; give the response."""
    inputs = [
        {"id": "customers-view-save", "property": "n_clicks", "value": 1},
        {"id": "customers-view-name", "property": "n_submit", "value": None},
        [{"id": {"type": "customers-view-drop", "name": state["name"]}, "property": "n_clicks", "value": 1}],
    ]
    key = next(key for key in client.app.callback_map if "customers-views.children" in key)
    body = {
        "output": key,
        "outputs": [
            {"id": "customers-views", "property": "children"},
            {"id": "customers-view-name", "property": "value"},
        ],
        "inputs": inputs,
        "state": [
            {"id": "customers-view-name", "property": "value", "value": state["name"]},
            {"id": "customers-shown", "property": "data", "value": {"search": state.get("search", "")}},
            {"id": "_pages_location", "property": "search", "value": ""},
        ],
        "changedPropIds": [f"{button}.n_clicks"],
    }
    response = client.http.post("/_dash-update-component", json=body)
    assert response.status_code == 200, response.text
    return response.get_json()["response"]["customers-views"]["children"]


def test_a_view_is_kept_under_its_name_and_forgotten(client, walk):
    name = '<b>"Mine"</b>'
    kept = press(client, "customers-view-save", name=name, search="?segment=New&sort=-revenue")
    links = {node["props"]["children"]: node["props"]["href"] for node in walk(kept) if node["type"] == "Link"}
    assert links == {name: "/customers?segment=New&sort=-revenue"}

    dropped = press(client, json.dumps({"name": name, "type": "customers-view-drop"}, separators=(",", ":")), name=name)
    assert not [node for node in walk(dropped) if node["type"] == "Link"]


def press_list(client, button, *, name="", scope="all", ticked=(), search="", renames=None, prop="n_clicks"):
    """Press a button of the lists; give what the callback answers."""
    renames = renames or {}
    ids = [{"type": "customers-list-rename", "name": one} for one in renames]
    pressed = json.loads(button) if button.startswith("{") else None
    listed = {
        kind: [{"id": pressed, "property": "n_clicks", "value": 1}]
        if pressed and pressed["type"].endswith(kind)
        else []
        for kind in ("drop", "undo")
    }
    key = next(key for key in client.app.callback_map if "customers-lists.children" in key)
    body = {
        "output": key,
        "outputs": [
            {"id": one, "property": prop_}
            for one, prop_ in (
                ("customers-lists", "children"),
                ("customers-lists-said", "children"),
                ("customers-list-name", "value"),
            )
        ],
        "inputs": [
            {"id": "customers-list-save", "property": "n_clicks", "value": 1},
            {"id": "customers-list-name", "property": "n_submit", "value": None},
            listed["drop"],
            [{"id": one, "property": "n_submit", "value": 1} for one in ids],
            listed["undo"],
        ],
        "state": [
            {"id": "customers-list-name", "property": "value", "value": name},
            {"id": "customers-list-scope", "property": "value", "value": scope},
            [{"id": one, "property": "value", "value": renames[one["name"]]} for one in ids],
            [{"id": one, "property": "id", "value": one} for one in ids],
            {"id": "customers-shown", "property": "data", "value": {"search": search}},
            {
                "id": "customers-grid",
                "property": "selectedRows",
                "value": [{"customer_id": one} for one in ticked],
            },
            {"id": "_pages_location", "property": "search", "value": search},
        ],
        "changedPropIds": [f"{button}.{prop}"],
    }
    response = client.http.post("/_dash-update-component", json=body)
    assert response.status_code == 200, response.text
    return response.get_json()["response"]


def packed(kind, **named):
    """The id of a button of a list, as Dash writes it."""
    return json.dumps({**named, "type": f"customers-list-{kind}"}, sort_keys=True, separators=(",", ":"))


def lists_in(walk, words_of, answer):
    """Words of each kept list → where its link leads."""
    lines = walk(answer["customers-lists"]["children"])
    return {words_of(node): node["props"]["href"] for node in lines if node["type"] == "Link"}


def test_ticked_customers_are_kept_under_a_name_and_opened_again(client, walk, words_of):
    name = 'Win "back" & <more>/2'
    kept = press_list(client, "customers-list-save", name=name, scope="ticked", ticked=["C01", "C03"])

    (href,) = lists_in(walk, words_of, kept).values()
    rows, count, shown = ask_rows(client, search=href.removeprefix("/customers"))
    assert list(lists_in(walk, words_of, kept)) == [f"{name} 2 customers"]
    assert ({row["customer_id"] for row in rows["rowData"]}, count) == ({"C01", "C03"}, "2 of 12 customers")
    assert shown["search"] == href.removeprefix("/customers")
    assert "kept for a plan on" in words_of(client.page("/customers", href.removeprefix("/customers")))
    press_list(client, packed("drop", name=name))


def test_all_that_match_are_kept_whatever_the_filters_give_later(client, walk, words_of):
    kept = press_list(client, "customers-list-save", name="Worth it", search="?revenue=50..&sort=-revenue")

    # C01 200, C07 50, C08 70, C09 50
    (href,) = lists_in(walk, words_of, kept).values()
    rows, _, _ = ask_rows(client, search=href.removeprefix("/customers"))
    assert {row["customer_id"] for row in rows["rowData"]} == {"C01", "C07", "C08", "C09"}
    filtered = {"revenue": {"filterType": "number", "type": "greaterThan", "filter": 60}}
    assert ask_rows(client, search=href.removeprefix("/customers"), filters=filtered)[0]["rowCount"] == 2
    press_list(client, packed("drop", name="Worth it"))


def test_a_list_is_renamed_deleted_and_brought_back(client, walk, words_of):
    press_list(client, "customers-list-save", name="First", scope="ticked", ticked=["C01"])

    renamed = press_list(client, packed("rename", name="First"), renames={"First": "Second"}, prop="n_submit")
    assert list(lists_in(walk, words_of, renamed)) == ["Second 1 customer"]

    deleted = press_list(client, packed("drop", name="Second"))
    said = deleted["customers-lists-said"]["children"]
    undo = next(node["props"]["id"] for node in walk(said) if node["type"] == "Button")
    assert (lists_in(walk, words_of, deleted), words_of(said)) == ({}, "“Second” is deleted. Undo")

    back = press_list(client, packed("undo", id=undo["id"]))
    assert list(lists_in(walk, words_of, back)) == ["Second 1 customer"]
    press_list(client, packed("drop", name="Second"))


@pytest.mark.parametrize(
    ("name", "ticked", "words"),
    [("", ["C01"], "A list has a name"), ("x", [], "A list has a name and at least one customer")],
    ids=["no name", "nobody"],
)
def test_a_list_without_a_name_or_customers_is_refused_with_words(client, words_of, name, ticked, words):
    answer = press_list(client, "customers-list-save", name=name, scope="ticked", ticked=ticked)

    assert words in words_of(answer["customers-lists-said"]["children"])


def test_a_list_that_is_not_there_is_refused_with_words(client, words_of):
    assert "no list is called 'nobody'" in words_of(client.page("/customers", "?list=saved/nobody"))


def test_a_kept_list_is_exported_whole(app, client, context, walk, words_of):
    press_list(client, "customers-list-save", name="For export", scope="ticked", ticked=["C02", "C10"])

    href = export.link(data.door(""), "?list=saved/For+export")
    lines = client.http.get(href).get_data(as_text=True).splitlines()

    assert [line.split(",")[0] for line in lines] == ["customer_id", "C02", "C10"]
    press_list(client, packed("drop", name="For export"))


def test_without_a_build_the_page_says_what_to_do(new_shop, tmp_path, words_of):
    app = create_app(new_shop(tmp_path / "none"))

    with app.server.test_request_context("/"):
        with pytest.raises(NoBuildError):
            _ = data.door("").handle
        from dashboard.pages import customer, customers

        assert "No data yet" in words_of(customers.layout())
        assert "No data yet" in words_of(customer.layout("C01"))

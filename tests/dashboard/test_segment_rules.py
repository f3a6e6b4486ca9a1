"""The editor of the segment rules, through its callbacks, on the twelve customers in a data folder of their own."""

import json
from urllib.parse import urlsplit

import pytest

from clv.segments import FIELDS, Rule
from dashboard import customer_list, data
from dashboard.app import create_app
from dashboard.components.rules import DO, FIELD, fields_of
from warehouse import segment_rules
from warehouse.build import build

from ..conftest import AS_OF
from .conftest import Client

ODD = "A \"quoted\" <b>naïve</b>, 'näme'; 名"
# Scores are those of tests/sql/test_rfm.py. R ≥ 4: C01, C07, C08, C11, C12.
TWO = [Rule(ODD, r_min=4), Rule("Rest")]


@pytest.fixture(scope="module")
def served(tiny_shop, tmp_path_factory):
    """The shop and the app, made once."""
    settings = tiny_shop(tmp_path_factory.mktemp("rules") / "data")
    app = create_app(settings)
    yield Editor(app, settings)
    app.server.extensions["retain"].warehouse.close()


@pytest.fixture
def editor(served):
    """Speaks to the editor's callbacks; afterwards all is as it was."""
    yield served
    for path in (served.settings.segment_rules_path, segment_rules.previous_path(served.settings)):
        path.unlink(missing_ok=True)
    for run in served.journal.runs.active():
        served.journal.runs.finish(run.run_id, "aborted")
    build(served.settings, as_of=AS_OF)


class Editor(Client):
    def __init__(self, app, settings):
        super().__init__(app)
        self.settings = settings

    @property
    def journal(self):
        return self.app.server.extensions["retain"].journal

    def call(self, output, inputs, state, changed):
        key = next(key for key in self.app.callback_map if output in key)
        outputs = [
            dict(zip(("id", "property"), part.rsplit(".", 1), strict=True)) for part in key.strip(".").split("...")
        ]
        for one in outputs:
            one["property"] = one["property"].split("@")[0]
        body = {"output": key, "outputs": outputs, "inputs": inputs, "state": state, "changedPropIds": [changed]}
        response = self.http.post("/_dash-update-component", json=body)
        assert response.status_code in (200, 204), response.text
        return response.get_json()["response"] if response.status_code == 200 else {}

    def fields(self, rules):
        """The form's values and ids, as a browser sends them."""
        cells = [(place, name, row[name]) for place, row in enumerate(map(fields_of, rules)) for name in FIELDS]
        ids = [{"type": FIELD, "place": place, "field": name} for place, name, _ in cells]
        values = [{"id": at, "property": "value", "value": value} for at, (_, _, value) in zip(ids, cells, strict=True)]
        return values, [{"id": at, "property": "id", "value": at} for at in ids]

    def look(self, rules):
        values, ids = self.fields(rules)
        stores = [f"rules-{name}" for name in ("typed", "drawn", "built")]
        inputs = [{"id": store, "property": "data", "value": None} for store in stores]
        return self.call("rules-save.disabled", inputs, [values, ids, LOCATION], "rules-typed.data")

    def press(self, button, rules):
        """The rules in the form after a button was pressed: its id, or a row's place and what to do."""
        values, ids = self.fields(rules)
        at = {"type": DO, "place": button[0], "do": button[1]} if isinstance(button, tuple) else button
        row = [{"id": at, "property": "n_clicks", "value": 1}] if isinstance(at, dict) else []
        inputs = [row] + [
            {"id": name, "property": "n_clicks", "value": 1 if name == at else None}
            for name in ("rules-add", "rules-house", "rules-previous")
        ]
        said = json.dumps(at, sort_keys=True, separators=(",", ":")) if isinstance(at, dict) else at
        state = [values, ids, {"id": "rules-drawn", "property": "data", "value": None}, LOCATION]
        return self.call("rules-rows.children", inputs, state, f"{said}.n_clicks")["rules-rows"]["children"]

    def save(self, rules, seen=None):
        values, ids = self.fields(rules)
        seen = seen or segment_rules.mark(self.settings)
        state = [values, ids, {"id": "rules-seen", "property": "data", "value": seen}, LOCATION]
        inputs = [{"id": "rules-save", "property": "n_clicks", "value": 1}]
        return self.call("rules-run.data...rules-poll.disabled...rules-seen", inputs, state, "rules-save.n_clicks")

    def watch(self, run_id):
        state = [{"id": "rules-run", "property": "data", "value": run_id}, LOCATION]
        inputs = [{"id": "rules-poll", "property": "n_intervals", "value": 1}]
        return self.call("rules-built.data", inputs, state, "rules-poll.n_intervals")


LOCATION = {"id": "_pages_location", "property": "search", "value": ""}


def names(tree, walk):
    fields = [node["props"] for node in walk(tree) if node["type"] == "Input"]
    return [props.get("value") for props in fields if props["id"]["field"] == "segment"]


def test_the_editor_opens_with_the_rules_in_force_and_nothing_to_save(editor, walk, words_of):
    page = editor.page("/segments/rules")

    assert names(page, walk)[:2] == ["Champions", "Loyal"]
    assert "Nobody would change their segment" in words_of(page)
    assert editor.look(segment_rules.house_rules(editor.settings))["rules-save"]["disabled"] is True


def test_a_draft_says_who_would_move_before_anything_is_saved(editor, words_of):
    """Eleven customers have scores: five of them would get the first name, six the other."""
    said = editor.look(TWO)

    words = " ".join(words_of(said["rules-preview"]["children"]).split())
    assert "11 customers would change their segment" in words
    assert f"{ODD} 0 5 +5" in words
    assert "Rest 0 6 +6" in words
    assert "Champions goes away" in words
    assert said["rules-save"]["disabled"] is False
    assert not editor.settings.segment_rules_path.exists()


def test_the_preview_is_what_a_build_then_makes(editor):
    draft = [Rule("Fresh", first_order_within_days=10), Rule("Newish", r_min=2, first_order_within_days=45), *TWO]
    rows = segment_rules.table_rows(draft)
    given = {name: [row[name] for row in rows] for name in segment_rules.COLUMNS if name != "description"}
    with editor.app.server.test_request_context("/"):
        preview = {row.segment: row.n_customers_draft for row in data.door("").ask("segments/preview", **given).rows}

    segment_rules.save(editor.settings, draft)
    build(editor.settings, as_of=AS_OF)

    with editor.app.server.test_request_context("/"):
        made = {row.segment: row.n_customers for row in data.door("").ask("segments/summary").rows}
    made.pop("No purchase")
    assert {name: n for name, n in preview.items() if n} == made
    assert sum(made.values()) == 11


def test_counts_of_a_draft_open_exactly_the_customers_that_it_would_hold(editor, walk, words_of):
    """Of R ≥ 4 are C01, C07, C08, C11 and C12; first ordered within 30 days: C07 and C11, who are "New" now."""
    draft = [Rule("Fresh", r_min=4, first_order_within_days=30), Rule(ODD, r_min=4), Rule("Rest")]
    preview = editor.look(draft)["rules-preview"]["children"]
    links = [(words_of(node), node["props"]["href"]) for node in walk(preview) if node["type"] == "Link"]

    with editor.app.server.test_request_context("/"):
        grid = customer_list.grid_of(data.door("").site.warehouse)
        drafted = [
            (count, customer_list.wanted(urlsplit(href).query)) for count, href in links if "drafted_customers" in href
        ]
        held = {
            (asked.members.params["segment_draft"], asked.members.params["segment_now"]): grid.keys(asked)
            for _, asked in drafted
        }
        counts = [(count, str(grid.count(asked))) for count, asked in drafted]

    assert held["Fresh", None] == ["C07", "C11"]
    assert held[ODD, None] == ["C01", "C08", "C12"]
    assert held["Rest", None] == ["C02", "C03", "C05", "C06", "C09", "C10"]
    assert held["Fresh", "New"] == ["C07", "C11"]
    assert held[ODD, "Loyal"] == ["C12"]
    assert [count for count, _ in counts] == [n for _, n in counts]
    assert len(counts) == 3 + 8  # all eight segments of now go into one each


def test_a_draft_with_as_many_rules_as_there_can_be_has_an_address_that_servers_take(editor, walk):
    """4,094 characters is what a server takes as the first line of a request."""
    many = [Rule(f"{place:02d}{'ü' * 58}", first_order_within_days=30_000 + place) for place in range(39)]
    preview = editor.look([*many, Rule("Rest")])["rules-preview"]["children"]

    hrefs = [node["props"]["href"] for node in walk(preview) if node["type"] == "Link"]

    assert any("drafted_customers" in href for href in hrefs)
    assert max(map(len, hrefs)) < 3_500


def test_the_list_of_a_draft_says_what_it_is(editor, walk, words_of):
    preview = editor.look(TWO)["rules-preview"]["children"]
    href = next(node["props"]["href"] for node in walk(preview) if "list.rule=2" in str(node["props"].get("href")))
    path, _, search = href.partition("?")

    page = editor.page(path, f"?{search}")

    (note,) = [node for node in walk(page) if node["props"].get("className") == "insight"]
    assert "Only customers whom a draft of the segment rules would hold : rule 2, as Rest." in words_of(note)


def test_a_draft_with_a_gap_cannot_be_saved(editor, words_of):
    said = editor.look([Rule("Best", r_min=4)])

    assert said["rules-save"]["disabled"] is True
    assert "75 of the 125 combinations of scores have no segment" in words_of(said["rules-problems"]["children"])
    assert "Not saved" in words_of(editor.save([Rule("Best", r_min=4)])["rules-status"]["children"])
    assert not editor.settings.segment_rules_path.exists()


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ((1, "up"), ["B", "A", "C"]),
        ((1, "down"), ["A", "C", "B"]),
        ((0, "remove"), ["B", "C"]),
        ("rules-add", ["A", "B", "C", ""]),
    ],
    ids=["up", "down", "remove", "add"],
)
def test_rows_are_moved_removed_and_added(editor, walk, button, expected):
    assert names(editor.press(button, [Rule("A"), Rule("B"), Rule("C")]), walk) == expected


def test_the_defaults_come_back_as_a_draft(editor, walk):
    assert names(editor.press("rules-house", TWO), walk)[0] == "Champions"


def test_saving_asks_for_one_build_and_is_written_down(editor):
    first = editor.save(TWO)
    again = editor.save(TWO)

    assert segment_rules.own_rules(editor.settings) == TWO
    assert first["rules-run"]["data"] == again["rules-run"]["data"]
    run = editor.journal.runs.one(first["rules-run"]["data"])
    assert (run.job, run.status) == ("build", "queued")
    assert editor.journal.audit.table().iloc[0]["detail"]["segments"] == [ODD, "Rest"]
    assert first["rules-poll"]["disabled"] is False


def test_the_rules_before_come_back_as_a_draft(editor, walk):
    editor.save(TWO)
    editor.save([Rule("All")])

    assert names(editor.press("rules-previous", [Rule("All")]), walk) == [ODD, "Rest"]


def test_saving_the_defaults_takes_the_own_file_away(editor):
    editor.save(TWO)

    editor.save(segment_rules.house_rules(editor.settings))

    assert not editor.settings.segment_rules_path.exists()


def test_who_saves_over_another_is_told(editor, words_of):
    seen = segment_rules.mark(editor.settings)
    editor.save(TWO)

    said = editor.save([Rule("All")], seen=seen)

    assert "somebody else has changed the rules" in words_of(said["rules-status"]["children"])
    assert segment_rules.own_rules(editor.settings) == TWO


def test_a_build_that_had_begun_before_is_followed_by_another(editor, words_of):
    run_id = editor.save(TWO)["rules-run"]["data"]
    editor.journal.runs.claim()
    editor.journal.runs.finish(run_id, "done")

    second = editor.watch(run_id)["rules-run"]["data"]
    assert second != run_id
    build(editor.settings, as_of=AS_OF)
    editor.journal.runs.claim()
    editor.journal.runs.finish(second, "done")

    said = editor.watch(second)
    assert "Saved and published" in words_of(said["rules-status"]["children"])
    assert said["rules-poll"]["disabled"] is True


def test_rules_that_were_saved_and_not_built_can_be_saved_again(editor, walk):
    segment_rules.save(editor.settings, TWO)

    (button,) = [
        node["props"] for node in walk(editor.page("/segments/rules")) if node["props"].get("id") == "rules-save"
    ]

    assert button["disabled"] is False
    assert editor.look(TWO)["rules-save"]["disabled"] is False


def test_odd_names_are_links_to_their_customers(editor, walk):
    segment_rules.save(editor.settings, TWO)
    build(editor.settings, as_of=AS_OF)

    (link,) = [
        node["props"]
        for node in walk(editor.page("/segments"))
        if node["type"] == "Link" and node["props"]["href"].startswith("/customers?segment=A+")
    ]
    path, _, search = link["href"].partition("?")
    page = editor.page(path, f"?{search}")

    (count,) = [node["props"] for node in walk(page) if node["props"].get("id") == "customers-count"]
    assert link["children"] == "5"
    assert count["children"] == "5 of 12 customers"
    (column,) = [
        one for node in walk(page) for one in node["props"].get("columnDefs") or [] if one["field"] == "segment"
    ]
    assert column["cellRendererParams"]["tones"] == {ODD: "info", "Rest": "mute"}


def test_a_broken_file_is_said_and_the_rules_of_the_house_stand_in(editor, words_of, walk):
    editor.settings.segment_rules_path.write_text("order,segment\n1,A\n", encoding="utf-8")

    page = editor.page("/segments/rules")

    assert "missing columns" in words_of(page)
    assert names(page, walk)[0] == "Champions"


def test_recommendations_and_signs_go_by_what_a_rule_says_and_not_by_its_name(editor):
    """Of R ≤ 2 and F ≥ 3 there is only C03, whatever the segment is called."""
    name = 'Lost & "found", 100 % + #1; <ü>'
    segment_rules.save(editor.settings, [Rule(name, r_max=2, f_min=3), Rule("Rest")])
    build(editor.settings, as_of=AS_OF)

    with editor.app.server.test_request_context("/"):
        door = data.door("")
        (advice,) = [row for row in door.ask("summary/recommendations").rows if row.kind == "win_back"]
        signs = {row.sign: row.n_customers for row in door.ask("summary/at_risk").rows}
        grid = customer_list.grid_of(door.site.warehouse)
        asked = customer_list.wanted(urlsplit(door.kept(advice.link)).query)
        slipping = customer_list.wanted("list=overview/worth_saving")

    assert (advice.subject, advice.n_customers) == (name, 1)
    assert grid.count(asked) == 1
    assert grid.keys(slipping) == ["C03"]
    assert signs["regular_silent"] == 1

"""A grid's requests against an oracle in plain Python, and blocks, counts and files of a real build."""

import csv
import datetime as dt
import math
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_shop import TinyShop

from clv.errors import RequestError
from warehouse import grid
from warehouse.ask import Warehouse
from warehouse.grid import Column, Grid, Members, Wanted

COLUMNS = {
    column.id: column
    for column in (
        Column("id", "number"),
        Column("text", "text"),
        Column("listed", "text", is_exact=True),
        Column("number", "number"),
        Column("day", "date"),
        Column("flag", "boolean"),
    )
}
WORDS = ["50% off", "a_b", "Zoë", "o'neil", "C\\D", "plain", "PLAIN", "", None]
PARTS = ["%", "_", "zoË", "o'", "\\", "plain", "50% OFF", "'; drop table rows; --", "$grid_0", ""]
N_ROWS = 1_200
FIRST_DAY = dt.date(2025, 1, 1)


def made(n: int) -> tuple:
    """Row *n*: values repeat at lengths without a common factor, and each column is missing now and then."""
    return (
        n,
        WORDS[n % 9],
        WORDS[n % 7],
        None if n % 19 == 0 else (n * 7919) % 100 / 3,
        None if n % 23 == 0 else FIRST_DAY + dt.timedelta(n % 40),
        None if n % 29 == 0 else n % 2 == 0,
    )


ROWS = [made(n) for n in range(1, N_ROWS + 1)]


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    con.execute("create table rows (id integer, text varchar, listed varchar, number double, day date, flag boolean)")
    con.executemany("insert into rows values (?, ?, ?, ?, ?, ?)", ROWS)
    yield con
    con.close()


def found(con, filters) -> set[int]:
    condition, values = grid.where(COLUMNS, filters)
    return {row[0] for row in con.sql(f"select id from rows where {condition}", params=values).fetchall()}


def fits(column: Column, model, value) -> bool:
    """The oracle."""
    if "conditions" in model:
        every = all if model["operator"] == "AND" else any
        return every(fits(column, one, value) for one in model["conditions"])
    kind = model["type"]
    if column.kind == "text":
        return text_fits(column, kind, model.get("filter", ""), value)
    if column.kind == "boolean":
        return value is (kind == "true")
    if kind in ("blank", "notBlank"):
        return (value is None) == (kind == "blank")
    if value is None:
        return False
    low, high = (
        model.get(name) for name in (("filter", "filterTo") if column.kind == "number" else ("dateFrom", "dateTo"))
    )
    if column.kind == "date":
        low, high = (None if day is None else dt.date.fromisoformat(day[:10]) for day in (low, high))
    return {
        "equals": lambda: value == low,
        "notEqual": lambda: value != low,
        "greaterThan": lambda: value > low,
        "greaterThanOrEqual": lambda: value >= low,
        "lessThan": lambda: value < low,
        "lessThanOrEqual": lambda: value <= low,
        "inRange": lambda: low <= value <= high,
    }[kind]()


def text_fits(column: Column, kind: str, part: str, value: str | None) -> bool:
    if kind in ("blank", "notBlank"):
        return (value in (None, "")) == (kind == "blank")
    if not column.is_exact or kind not in ("equals", "notEqual"):
        part, value = part.lower(), None if value is None else value.lower()
    if kind in ("notEqual", "notContains") and value is None:
        return True
    if value is None:
        return False
    return {
        "equals": value == part,
        "notEqual": value != part,
        "contains": part in value,
        "notContains": part not in value,
        "startsWith": value.startswith(part),
        "endsWith": value.endswith(part),
    }[kind]


COMPARISONS = ["equals", "notEqual", "greaterThan", "greaterThanOrEqual", "lessThan", "lessThanOrEqual", "inRange"]
BLANKS = ["blank", "notBlank"]
TEXTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["equals", "notEqual", "contains", "notContains", "startsWith", "endsWith", *BLANKS]),
        "filter": st.sampled_from([*PARTS, *(word for word in WORDS if word)]),
    }
)
NUMBERS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(COMPARISONS + BLANKS),
        "filter": st.sampled_from([0, 1 / 3, 10, 20.0, 33]),
        "filterTo": st.sampled_from([0, 5, 12.5, 99]),
    }
)
DAYS = st.integers(-2, 42).map(lambda n: f"{FIRST_DAY + dt.timedelta(n)} 00:00:00")
DATES = st.fixed_dictionaries({"type": st.sampled_from(COMPARISONS + BLANKS), "dateFrom": DAYS, "dateTo": DAYS})
FLAGS = st.fixed_dictionaries({"type": st.sampled_from(["true", "false"])})


def joined(one):
    several = st.fixed_dictionaries(
        {"operator": st.sampled_from(["AND", "OR"]), "conditions": st.lists(one, min_size=1, max_size=4)}
    )
    return one | several


MODELS = st.fixed_dictionaries(
    {},
    optional={
        "text": joined(TEXTS),
        "listed": joined(TEXTS),
        "number": joined(NUMBERS),
        "day": joined(DATES),
        "flag": FLAGS,
    },
)


@settings(max_examples=300, deadline=None)
@given(model=MODELS)
def test_filters_find_what_plain_python_finds(con, model):
    at = {name: place for place, name in enumerate(COLUMNS)}

    assert found(con, model) == {
        row[0] for row in ROWS if all(fits(COLUMNS[name], one, row[at[name]]) for name, one in model.items())
    }


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param({"id; drop table rows": {"type": "equals", "filter": 1}}, id="column"),
        pytest.param({"number": {"type": "= 1 or 1=1 --", "filter": 1}}, id="operator"),
        pytest.param({"number": {"type": "equals", "filter": "1"}}, id="text for a number"),
        pytest.param({"number": {"type": "equals", "filter": True}}, id="boolean for a number"),
        pytest.param({"number": {"type": "equals", "filter": math.nan}}, id="nan"),
        pytest.param({"text": {"type": "contains", "filter": "x" * 999}}, id="long text"),
        pytest.param({"text": {"type": "contains", "filter": None}}, id="no text"),
        pytest.param({"day": {"type": "today"}}, id="unknown date operator"),
        pytest.param({"day": {"type": "equals", "dateFrom": "x"}}, id="not a date"),
        pytest.param({"flag": {"type": "maybe"}}, id="neither yes nor no"),
        pytest.param({"text": {"operator": "XOR", "conditions": [{"type": "blank"}]}}, id="unknown conjunction"),
        pytest.param({"text": {"operator": "AND", "conditions": [{"type": "blank"}] * 99}}, id="too many"),
        pytest.param({"text": {"operator": "AND", "conditions": []}}, id="none"),
        pytest.param({"text": {"operator": "AND", "conditions": ["blank"]}}, id="not a condition"),
        pytest.param({"text": []}, id="a list"),
        pytest.param([], id="no mapping"),
    ],
)
def test_what_the_grid_does_not_offer_is_refused(filters):
    with pytest.raises(RequestError):
        grid.where(COLUMNS, filters)


@given(st.lists(st.tuples(st.sampled_from(list(COLUMNS)), st.booleans()), max_size=6))
@settings(max_examples=40, deadline=None)
def test_pages_of_any_order_show_each_row_once(con, sort):
    order = grid.order_by(COLUMNS, sort, "id")

    seen = []
    for start in range(0, N_ROWS, 300):
        seen += con.execute(f"select id from rows order by {order} limit 300 offset {start}").fetchall()

    assert len(set(seen)) == N_ROWS


def test_missing_values_come_last_both_ways(con):
    for is_descending in (False, True):
        order = grid.order_by(COLUMNS, [("number", is_descending)], "id")
        last = con.execute(f"select number from rows order by {order}").fetchall()[-1]
        assert last == (None,)


@pytest.mark.parametrize("sort", [[("x", False)], [("id; --", True)], [("id", False)] * 9], ids=["name", "sql", "many"])
def test_an_order_that_the_grid_does_not_offer_is_refused(sort):
    with pytest.raises(RequestError):
        grid.order_by(COLUMNS, sort, "id")


@pytest.mark.parametrize(
    ("start", "end"), [(-1, 5), (5, 5), (0, 501), ("0", 5), (0.0, 5), (False, 5), (None, None)], ids=str
)
def test_a_block_has_whole_bounds(start, end):
    with pytest.raises(RequestError):
        grid.window(start, end)


MART = [Column("customer_id", "text"), Column("n_orders", "number"), Column("revenue", "number")]
"""c1 with 30 in two orders, c2 with 5, c3 with 1.5."""


@pytest.fixture
def customers(shop: TinyShop, warehouse: Warehouse) -> Grid:
    shop.put_sql("queries/overview/who.sql", "select customer_id from marts.customers where revenue >= $least")
    return Grid(warehouse, "marts.customers", "customer_id", MART)


def ids(block) -> list[str]:
    return [row["customer_id"] for row in block.rows]


@pytest.mark.parametrize("plain_rows", [5_000, 0], ids=["by offset", "by kept places"])
def test_blocks_follow_each_other_however_far_down(customers, monkeypatch, plain_rows):
    monkeypatch.setattr(grid, "PLAIN_ROWS", plain_rows)
    wanted = Wanted(sort=(("revenue", True),))

    first, second = customers.block(wanted, 0, 2), customers.block(wanted, 2, 4)

    assert (ids(first), ids(second)) == (["c1", "c2"], ["c3"])
    assert first.n_rows == second.n_rows == 3


def test_a_block_counts_all_that_fit(customers):
    wanted = Wanted({"revenue": {"type": "greaterThan", "filter": 2}}, (("revenue", False),))

    block = customers.block(wanted, 0, 1)

    assert (ids(block), block.n_rows, customers.count(wanted)) == (["c2"], 2, 2)


def test_members_are_exactly_those_of_the_named_query(customers):
    block = customers.block(Wanted(members=Members("overview/who", {"least": 5.0})), 0, 10)

    assert ids(block) == ["c1", "c2"]


def test_picked_ids_are_taken_as_they_are(customers):
    assert ids(customers.block(Wanted(ids=("c3", "nobody", "c1' or 'a'='a")), 0, 10)) == ["c3"]


def test_a_new_build_is_seen_at_once(shop, customers):
    before = customers.block(Wanted(), 0, 10)
    shop.land([("c9", "o9", "2024-02-20 10:00:00", 7.0)])

    shop.build()
    after = customers.block(Wanted(), 0, 10)

    assert (before.n_rows, after.n_rows) == (3, 4)
    assert before.build_id != after.build_id
    assert customers.count(Wanted(), before.build_id) == 3


def test_the_file_holds_the_same_rows_in_the_same_order(customers, tmp_path: Path):
    target = tmp_path / "it's.csv"
    wanted = Wanted({"revenue": {"type": "lessThan", "filter": 20}}, (("revenue", False),))

    customers.export(wanted, target, {"customer_id": "id", "revenue": "revenue"})

    with target.open(newline="") as file:
        assert list(csv.reader(file)) == [["id", "revenue"], ["c3", "1.5"], ["c2", "5.0"]]


@pytest.mark.parametrize(
    "sort",
    [
        (),
        (("customer_id", False),),
        (("customer_id", True),),
        (("n_orders", False),),
        (("n_orders", True), ("customer_id", True), ("revenue", False)),
        (("customer_id", True), ("customer_id", False)),
    ],
    ids=repr,
)
def test_blocks_have_the_order_of_the_file_where_rows_are_alike(shop, customers, tmp_path: Path, sort):
    shop.land([(f"c{number}", f"p{number}", "2024-02-20 10:00:00", 7.0) for number in (10, 9, 8, 11)])
    shop.build()

    customers.export(Wanted(sort=sort), tmp_path / "all.csv", {"customer_id": "id"})

    with (tmp_path / "all.csv").open(newline="") as file:
        exported = [row[0] for row in csv.reader(file)][1:]
    assert ids(customers.block(Wanted(sort=sort), 0, 10)) == exported
    assert len(exported) == 7


def test_numbers_in_the_file_have_six_decimals_at_most_and_counts_none(shop, customers, tmp_path: Path):
    shop.land([("c9", "o8", "2024-02-20 10:00:00", 0.1), ("c9", "o9", "2024-02-20 11:00:00", 0.2)])
    shop.build()

    customers.export(Wanted(ids=("c9",)), tmp_path / "all.csv", {"n_orders": "orders", "revenue": "revenue"})

    assert (tmp_path / "all.csv").read_text() == "orders,revenue\n2,0.3\n"


@pytest.mark.parametrize("start", grid.FORMULA_STARTS, ids=repr)
def test_text_that_a_spreadsheet_would_run_is_neutralised(shop, customers, tmp_path: Path, start):
    shop.land([(f"{start}11", "o9", "2024-02-20 10:00:00", -7.0)])
    shop.build()
    target = tmp_path / "all.csv"

    customers.export(Wanted(), target, {"customer_id": "id", "revenue": "revenue"})

    with target.open(newline="") as file:
        cells = {row[0]: row[1] for row in csv.reader(file)}
    assert not any(cell.startswith(grid.FORMULA_STARTS) for cell in cells)
    assert "-7.0" in cells.values()  # a negative number is a number


def test_the_shell_is_given_the_same_rows(warehouse, customers):
    wanted = Wanted(
        {
            "customer_id": {"type": "contains", "filter": "c"},
            "revenue": {"type": "inRange", "filter": 1, "filterTo": 5},
        },
        (("revenue", True),),
        Members("overview/who", {"least": 0.0}),
    )

    text = customers.shell_sql(wanted)

    assert "$grid" not in text
    assert list(warehouse.run_sql(text)["customer_id"]) == ids(customers.block(wanted, 0, 10)) == ["c2", "c3"]

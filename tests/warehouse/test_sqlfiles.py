from datetime import date, datetime
from pathlib import Path

import pytest

from clv.errors import RequestError, SqlFileError
from warehouse import sqlfiles

HEADER = "-- what it says\n-- grain: one row per x\n-- parameters: $as_of, $bucket\n"


def put(root: Path, name: str, text: str, header: str = HEADER) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + text, encoding="utf-8")
    return path


def test_references_are_the_tables_read_and_not_the_ctes(tmp_path):
    put(
        tmp_path,
        "core/a.sql",
        "with b as (select 1 as x from staging.c) select x from b join staging.d on x = y order by x",
    )

    file = sqlfiles.read_tree(tmp_path)["core.a"]

    assert file.refs == ("staging.c", "staging.d")


def test_table_functions_are_not_references(tmp_path):
    put(tmp_path, "core/a.sql", "select i from range(3) as t(i) order by i")

    assert sqlfiles.read_tree(tmp_path)["core.a"].refs == ()


def test_a_table_without_schema_is_refused(tmp_path):
    put(tmp_path, "core/a.sql", "select x from orders")

    with pytest.raises(SqlFileError, match=r"a\.sql reads orders without its schema"):
        sqlfiles.read_tree(tmp_path)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        pytest.param("", "what it answers", id="none"),
        pytest.param("-- what\n-- parameters: none\n", "grain", id="no grain"),
        pytest.param("-- what\n-- grain: one row\n", "parameters", id="no parameters"),
    ],
)
def test_a_file_opens_with_its_header(tmp_path, header, missing):
    put(tmp_path, "core/a.sql", "select 1 as x order by x", header)

    with pytest.raises(SqlFileError, match=missing):
        sqlfiles.read_tree(tmp_path)


def test_a_header_may_run_over_several_lines(tmp_path):
    put(
        tmp_path,
        "core/a.sql",
        "select 1 as x",
        "-- what it\n-- answers\n-- grain: one row\n-- parameters: $a, one;\n-- $b, two\n",
    )

    file = sqlfiles.read_tree(tmp_path)["core.a"]

    assert (file.what, file.parameters) == ("what it answers", "$a, one; $b, two")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("core/a.sql", "select 1; select 2", "2 statements", id="two statements"),
        pytest.param("core/a.sql", "create table x as select 1", "not a select", id="not a select"),
        pytest.param("core/a.sql", "select from where", "cannot|not SQL|is not", id="no SQL"),
        pytest.param("core/a.sql", "select $bucket as b", "layout: bucketed", id="bucket without layout"),
        pytest.param("core/A.sql", "select 1", "lower case", id="capital"),
        pytest.param("other/a.sql", "select 1", "out of place", id="unknown folder"),
        pytest.param("queries/a.sql", "select 1", "out of place", id="query without page"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, name, text, said):
    put(tmp_path, name, text)

    with pytest.raises(SqlFileError, match=said) as caught:
        sqlfiles.read_tree(tmp_path)

    assert Path(name).name in str(caught.value)


def test_a_bucketed_file_that_does_not_ask_for_its_bucket_is_refused(tmp_path):
    put(tmp_path, "core/a.sql", "-- layout: bucketed\nselect 1 as x order by x")

    with pytest.raises(SqlFileError, match=r"each part would be the whole table"):
        sqlfiles.read_tree(tmp_path)


def test_tables_are_built_after_what_they_read(tmp_path):
    put(tmp_path, "core/a.sql", "select x from core.b order by x")
    put(tmp_path, "core/b.sql", "select x from staging.c order by x")
    put(tmp_path, "staging/c.sql", "select x from landing.d order by x")

    order = sqlfiles.build_order(sqlfiles.read_tree(tmp_path), ["landing.d"])

    assert [file.name for file in order] == ["staging.c", "core.b", "core.a"]


def test_a_circle_is_refused_and_spelled_out(tmp_path):
    put(tmp_path, "core/a.sql", "select x from core.b order by x")
    put(tmp_path, "core/b.sql", "select x from core.a order by x")

    with pytest.raises(SqlFileError, match=r"core\.a → core\.b → core\.a"):
        sqlfiles.build_order(sqlfiles.read_tree(tmp_path), [])


@pytest.mark.parametrize("name", ["core/a.sql", "queries/overview/a.sql", "checks/a.sql", "labels/a.sql"])
def test_an_unknown_table_is_refused_with_the_nearest_name(tmp_path, name):
    put(tmp_path, "core/orders.sql", "select 1 as x order by x")
    put(tmp_path, name, "select x from core.order order by x")

    with pytest.raises(SqlFileError, match=r"a\.sql reads core\.order, .*did you mean core\.orders"):
        sqlfiles.build_order(sqlfiles.read_tree(tmp_path), [])


def test_the_digest_is_blind_to_layout_and_comments(tmp_path):
    put(tmp_path, "core/a.sql", "select x, y from core.z where x < $as_of order by x")
    before = sqlfiles.read_tree(tmp_path)["core.a"].digest

    put(tmp_path, "core/a.sql", "SELECT x,  -- the x\n   y\nFROM core.z /* so */ WHERE x<$as_of ORDER BY x")

    assert sqlfiles.read_tree(tmp_path)["core.a"].digest == before


def test_the_digest_sees_another_constant(tmp_path):
    put(tmp_path, "core/a.sql", "select 1 as x order by x")
    before = sqlfiles.read_tree(tmp_path)["core.a"].digest

    put(tmp_path, "core/a.sql", "select 2 as x order by x")

    assert sqlfiles.read_tree(tmp_path)["core.a"].digest != before


def test_cached_facts_are_those_that_parsing_gives(tmp_path):
    put(tmp_path / "sql", "core/a.sql", "select x,  -- the x\n y from core.b order by x")
    cache = tmp_path / "cache.json"

    first = sqlfiles.read_tree(tmp_path / "sql", cache=cache)
    second = sqlfiles.read_tree(tmp_path / "sql", cache=cache)

    assert first == second
    assert second["core.a"].comments == (("x", "the x"),)


def test_a_broken_cache_is_no_error(tmp_path):
    put(tmp_path / "sql", "core/a.sql", "select 1 as x order by x")
    (tmp_path / "cache.json").write_text("{", encoding="utf-8")

    assert "core.a" in sqlfiles.read_tree(tmp_path / "sql", cache=tmp_path / "cache.json")


def test_only_comments_behind_a_column_describe_it(tmp_path):
    put(
        tmp_path,
        "core/a.sql",
        "select\n    -- why it is so\n    a,\n    b as c,  -- money, net\nfrom core.z order by a",
    )

    assert sqlfiles.read_tree(tmp_path)["core.a"].comments == (("c", "money, net"),)


def test_parameters_in_strings_and_comments_are_not_parameters():
    sql = "select '$a', \"$b\", $c -- $d\n, /* $e */ $f, 'it''s $g'"

    assert sqlfiles.parameters_in(sql) == ("c", "f")


def test_a_parameter_beside_an_empty_string_is_no_dollar_quote(tmp_path):
    put(tmp_path, "core/a.sql", "select x from core.b where $as_of = ''")

    assert sqlfiles.read_tree(tmp_path)["core.a"].refs == ("core.b",)


def test_inlining_keeps_the_text_and_escapes_quotes():
    sql = "select $name -- $name\nwhere x < $as_of and y in $list"

    inlined = sqlfiles.inline(sql, {"name": "O'Hara", "as_of": date(2024, 2, 3), "list": [1, 2]})

    assert inlined == "select 'O''Hara' -- $name\nwhere x < date '2024-02-03' and y in [1, 2]"


def test_a_parameter_without_value_is_refused():
    with pytest.raises(RequestError, match=r"\$x"):
        sqlfiles.inline("select $x", {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5e0"),
        (1e-9, "1e-09"),
        (float("inf"), "cast('inf' as double)"),
        (datetime(2024, 1, 2, 3, 4), "timestamp '2024-01-02 03:04:00'"),  # noqa: DTZ001 - the shop's local time
        (("a", None), "['a', null]"),
    ],
)
def test_literals_are_the_value_in_sql(value, text):
    assert sqlfiles.literal(value) == text


def findings(tmp_path: Path, text: str, name: str = "core/a.sql") -> list[str]:
    path = put(tmp_path, name, text)
    return sqlfiles.lint(sqlfiles.read_file(path, tmp_path))


def test_portable_sql_has_no_findings(tmp_path):
    text = """
        with days as (
            select customer_id, date_trunc('month', order_date) as month_start, sum(amount) as amount
            from staging.orders where order_ts < $as_of group by all
        )
        select customer_id, amount / nullif(sum(amount) over (), 0e0) as share,
            date_diff('day', date '1970-01-05', month_start) % 7 as weekday,
            case when amount > 0e0 then 1e0 / amount end as inverse
        from days qualify row_number() over (partition by customer_id order by amount desc, month_start) = 1
        order by customer_id
    """

    assert findings(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1.5 as x order by x", "1e0"),
        ("select a / b as x from staging.y order by x", "nullif"),
        ("select hash(a) as x from staging.y order by x", "own"),
        ("select approx_quantile(a, 0.5e0) as x from staging.y order by x", "not exact"),
        ("select quantile_cont(a, 0.5e0) as x from staging.y order by x", "median"),
        ("select dayofweek(a) as x from staging.y order by x", "weekday"),
        ("select regr_slope(a, b) as x from staging.y order by x", "slope"),
        ("select current_date as x order by x", "clock"),
        ("select now() as x order by x", "clock"),
        ("select random() as x order by x", "same twice"),
        ("select any_value(a) as x from staging.y order by x", "chance"),
        ("select date_diff('month', a, b) as x from staging.y order by x", "month"),
        ("select date_diff('hour', a, b) as x from staging.y order by x", "days"),
        ("select row_number() over (partition by a) as x from staging.y order by x", "tie-break"),
        ("select cast(a as timestamptz) as x from staging.y order by x", "zone"),
        ("select list_transform(a, v -> v + 1) as x from staging.y order by x", "lambda"),
        ("select x from (pivot staging.y on a using sum(b)) as p order by x", "pivot"),
        ("select y.x from staging.y asof join staging.z on y.t >= z.t order by x", "asof"),
        ("select x from (select x from staging.y) order by x", "alias"),
        ("select * from staging.y order by x", "name the columns"),
        ("select x from staging.y", "ends with an order by"),
        ("with t as (select x from staging.y limit 3) select x from t order by x", "limit without order"),
        ("select x from staging.y where z = $other order by x", "not explained"),
        ("select x from marts.y order by x", "core may read"),
    ],
)
def test_lint_finds(tmp_path, text, said):
    found = findings(tmp_path, text)

    assert any(said in finding for finding in found), found


def test_a_feature_without_as_of_has_a_finding(tmp_path):
    found = findings(tmp_path, "select x from core.y order by x", "features/a.sql")

    assert any("$as_of" in finding for finding in found)


@pytest.mark.parametrize(
    ("name", "table", "finding"),
    [
        ("queries/compare/a.sql", "earlier.marts.customers", ""),
        ("queries/compare/a.sql", "earlier.landing.files", ""),
        ("queries/compare/a.sql", "earlier.core.orders", "may read its marts, outputs and landing.files"),
        ("queries/overview/a.sql", "earlier.marts.customers", "queries of compare/ may read"),
        ("queries/compare/a.sql", "other.marts.customers", "the only other catalog is earlier"),
    ],
)
def test_only_a_comparison_reads_another_build_and_only_its_native_tables(tmp_path, name, table, finding):
    header = "-- what it says\n-- grain: one row per x\n-- parameters: none\n"
    path = put(tmp_path, name, f"select t.x from {table} as t order by t.x", header)

    findings = sqlfiles.lint(sqlfiles.read_file(path, tmp_path))

    assert any(finding in one for one in findings) if finding else findings == []


BEFORE = "-- what it says\n-- grain: one row per x\n-- parameters: $as_of\n-- also: before\n"


def test_a_file_may_make_a_second_table_of_one_horizon_before(tmp_path):
    put(tmp_path, "features/a.sql", "select $as_of as day from core.b order by day", BEFORE)
    put(tmp_path, "core/b.sql", "select 1 as x order by x")

    files = sqlfiles.read_tree(tmp_path)

    values = {"as_of": date(2024, 4, 11), "horizon_days": 30, "other": 1}
    assert files["features.a"].bound(values) == {"as_of": date(2024, 4, 11)}
    assert files["features.a_before"].bound(values) == {"as_of": date(2024, 3, 12)}
    assert [file.name for file in sqlfiles.build_order(files, [])] == ["core.b", "features.a", "features.a_before"]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        pytest.param(BEFORE.replace("before", "after"), "select $as_of as day order by day", id="another word"),
        pytest.param(BEFORE, "select 1 as day order by day", id="no clock"),
    ],
)
def test_a_second_table_that_cannot_be_made_is_refused(tmp_path, header, text):
    put(tmp_path, "features/a.sql", text, header)

    with pytest.raises(SqlFileError, match=r"-- also: .* is not understood"):
        sqlfiles.read_tree(tmp_path)

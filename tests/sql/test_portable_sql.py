"""Every file under sql/ reads, builds on an empty shop, and stays in the portable part of the language."""

from pathlib import Path

import pytest

from clv.config import Engine, Paths, Settings
from warehouse import sqlfiles
from warehouse.ask import Warehouse
from warehouse.build import build, inputs, parameters

FILES = sqlfiles.read_tree()


@pytest.fixture(scope="module")
def empty_shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A build of nothing at all: no landed file, no output."""
    data = tmp_path_factory.mktemp("shop") / "data"
    settings = Settings(paths=Paths(data=data), engine=Engine(buckets=2, memory_limit="1GB"))
    build(settings)
    return Warehouse(data, settings.engine)


@pytest.mark.parametrize("name", sorted(FILES))
def test_file_keeps_the_portable_rules(name: str):
    assert sqlfiles.lint(FILES[name]) == []


def test_every_table_that_is_read_is_made_or_given(tmp_path: Path):
    given = [*inputs(Settings(paths=Paths(data=tmp_path)), []), "outputs.checks"]

    order = sqlfiles.build_order(FILES, given)

    assert {file.name for file in order} == {name for name, file in FILES.items() if file.is_table}


@pytest.mark.parametrize("name", sorted(name for name, file in FILES.items() if file.folder == "queries"))
def test_query_answers_on_an_empty_shop_in_portable_types(name: str, empty_shop: Warehouse):
    file = FILES[name]
    build = empty_shop.current()
    values = parameters(Settings(), build.as_of)

    with empty_shop.cursor(before=build.id if name.startswith("compare/") else None) as cursor:
        relation = cursor.sql(file.sql, params={param: values.get(param) for param in file.params})
        kinds = {column: str(kind) for column, kind in zip(relation.columns, relation.types, strict=True)}

    # sum(integer) is a HUGEINT, which Parquet and Arrow turn into a double; a DECIMAL rounds differently elsewhere.
    assert [column for column, kind in kinds.items() if kind.startswith(("HUGEINT", "DECIMAL"))] == []


def test_tables_have_portable_types(empty_shop: Warehouse):
    found = empty_shop.run_sql(
        "select schema_name || '.' || table_name || '.' || column_name as name, data_type from duckdb_columns()"
        " where schema_name <> 'main'"
        " and (data_type like 'HUGEINT%' or data_type like 'DECIMAL%' or data_type like '%TIME ZONE%')"
    )

    assert found["name"].tolist() == []

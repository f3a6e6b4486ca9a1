from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clv.errors import BuildError
from warehouse import outputs


def evaluation() -> pd.DataFrame:
    frame = outputs.empty("evaluations").reindex(range(1))
    frame["model_version"], frame["as_of"], frame["value"], frame["n"] = "v1", date(2024, 1, 1), 0.5, 3
    return frame


@pytest.mark.parametrize("name", sorted(outputs.TABLES))
def test_a_table_is_empty_before_the_first_run(tmp_path: Path, name: str):
    frame = outputs.read(tmp_path, name)

    assert (len(frame), list(frame.columns)) == (0, list(outputs.TABLES[name]))


def test_what_is_written_is_read(tmp_path: Path):
    outputs.write(tmp_path, "evaluations", evaluation())

    row = outputs.read(tmp_path, "evaluations").iloc[0]

    assert (row["model_version"], row["value"], row["n"]) == ("v1", 0.5, 3)
    assert pd.isna(row["lo"])


def test_types_are_the_declared_ones(tmp_path: Path):
    path = outputs.write(tmp_path, "evaluations", evaluation())

    assert pq.read_schema(path).equals(outputs.schema("evaluations"))


def test_predictions_are_sorted(tmp_path: Path):
    frame = outputs.empty("predictions").reindex(range(3))
    frame["customer_id"], frame["horizon_days"] = ["b", "a", "a"], [30, 90, 30]

    outputs.write(tmp_path, "predictions", frame)

    table = outputs.read(tmp_path, "predictions")
    assert list(zip(table["customer_id"], table["horizon_days"], strict=True)) == [("a", 30), ("a", 90), ("b", 30)]


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_other_columns_than_declared_are_refused(tmp_path: Path, change: str):
    frame = evaluation().drop(columns="n") if change == "missing" else evaluation().assign(colour=1)

    with pytest.raises(BuildError, match=change):
        outputs.write(tmp_path, "evaluations", frame)


def test_values_of_another_type_are_refused_and_leave_the_old_table(tmp_path: Path):
    outputs.write(tmp_path, "evaluations", evaluation())

    with pytest.raises(BuildError, match=r"outputs\.evaluations"):
        outputs.write(tmp_path, "evaluations", evaluation().assign(value="much"))

    assert len(outputs.read(tmp_path, "evaluations")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["evaluations.parquet"]


def test_an_open_reader_keeps_the_old_rows(tmp_path: Path):
    path = outputs.write(tmp_path, "evaluations", evaluation())
    with path.open("rb") as opened:
        outputs.write(tmp_path, "evaluations", outputs.schema("evaluations").empty_table())

        assert pq.read_table(pa.PythonFile(opened, mode="r")).num_rows == 1
    assert len(outputs.read(tmp_path, "evaluations")) == 0


def test_equal_rows_give_equal_bytes(tmp_path: Path):
    first = outputs.write(tmp_path / "a", "evaluations", evaluation()).read_bytes()

    second = outputs.write(tmp_path / "b", "evaluations", evaluation().set_axis([7])).read_bytes()

    assert first == second


def test_an_undeclared_table_is_refused(tmp_path: Path):
    with pytest.raises(BuildError, match="no output table 'colours' is declared"):
        outputs.write(tmp_path, "colours", pd.DataFrame())

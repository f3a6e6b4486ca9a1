"""`clv files`: what has landed, and how a wrong file goes again."""

import csv
import io

import pytest

from clv.config import load_settings
from clv.errors import SourceError
from warehouse.ask import Warehouse
from warehouse.journal import Journal

HEADER = "order_id,customer_id,order_date,amount\n"
RIGHT = "1,ann,2026-01-01,10.00\n2,bob,2026-01-02,20.00\n"
WRONG = "1,ann,2026-01-01,10.00\n7,cem,2026-01-03,999.00\n"


@pytest.fixture
def clv(new_data, tmp_path, command):
    """Run `clv` on a shop of two files, of which one is wrong; exit code, output and errors."""
    raw = new_data(tmp_path / "data") / "raw"
    raw.mkdir()
    config = tmp_path / "config.toml"
    config.write_text("[engine]\nbuckets = 2\nthreads = 1\n")
    clv = command(config)
    (raw / "orders-a.csv").write_text(HEADER + WRONG)
    (raw / "orders-b.csv").write_text(HEADER + RIGHT)
    clv("ingest")
    clv.raw, clv.settings = raw, load_settings(config)
    return clv


def test_the_list_says_what_landed_and_whether_it_still_lies_there(clv):
    (clv.raw / "orders-a.csv").unlink()

    _, said, _ = clv("files", "list")

    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(said))}
    # the order that both files hold counts once
    assert (rows["orders-a.csv"]["loaded"], rows["orders-b.csv"]["loaded"]) == ("2", "1")
    assert (rows["orders-a.csv"]["lies_at"], rows["orders-b.csv"]["lies_at"]) == ("", str(clv.raw / "orders-b.csv"))


def test_the_list_of_an_empty_shop_has_a_head(clv):
    for name in ("orders-a.csv", "orders-b.csv"):
        (clv.raw / name).unlink()
    clv("files", "remove", "orders-b.csv", "orders-a.csv")

    _, said, _ = clv("files", "list")

    assert said.startswith("id,source,file,loaded")
    assert len(said.splitlines()) == 1


def test_a_wrong_file_is_taken_back_with_all_that_came_of_it(clv):
    clv("build")
    (clv.raw / "orders-a.csv").unlink()

    code, said, _ = clv("files", "remove", "orders-a.csv")
    clv("build")

    assert code == 0
    assert "orders-a.csv" in said
    assert "orders-b.csv" in said
    assert "was landed again" in said
    frame = Warehouse(clv.settings.paths.data, clv.settings.engine).run_sql(
        "select customer_id, revenue from marts.customers order by customer_id"
    )
    assert frame.values.tolist() == [["ann", 10.0], ["bob", 20.0]]
    trail = Journal(clv.settings.journal_url).audit.table()
    assert trail["action"].tolist() == ["remove file"]


def test_a_dry_run_changes_nothing(clv):
    (clv.raw / "orders-a.csv").unlink()
    before = clv("files", "list")

    code, said, _ = clv("files", "remove", "orders-a.csv", "--dry-run")

    assert (code, "would be taken back" in said, "would be landed again" in said) == (0, True, True)
    assert clv("files", "list") == before


@pytest.mark.parametrize(
    ("word", "message"), [("orders-a.csv", "move it away first"), ("nonsense", "no landed file")], ids=["there", "none"]
)
def test_what_cannot_be_taken_back_is_said(clv, word, message):
    code, _, said = clv("files", "remove", word)

    assert (code, said.count("\n")) == (SourceError.exit_code, 1)
    assert message in said

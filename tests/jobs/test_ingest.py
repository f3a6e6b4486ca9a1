"""What `clv ingest` says to somebody who has just put files into the raw folder."""

from datetime import date
from pathlib import Path

import pytest

from clv.config import Engine, Paths, Settings
from clv.errors import RequestError, SourceError
from jobs.cli import main
from jobs.demo import write_demo
from jobs.ingest import remarks, require_transactions
from jobs.web import is_empty
from warehouse.ingest import land

TODAY = date(2026, 3, 1)
RETAIL = """InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID
1,A,2,2026-01-01 10:00:00,2.50,ann
2,A,1,2026-01-02 10:00:00,2.50,
3,A,1,2026-01-03 10:00:00,4.00,bob
3,A,1,2026-01-03 10:00:00,4.00,bob
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data/raw").mkdir(parents=True)
    return Settings(paths=Paths(data=tmp_path / "data"), engine=Engine(buckets=2), root=tmp_path)


@pytest.fixture
def ingest(settings, capsys, monkeypatch):
    """`clv ingest`: exit code, output and errors."""
    monkeypatch.delenv("CLV_CONFIG", raising=False)
    config = settings.root / "config.toml"
    config.write_text("[engine]\nbuckets = 2\n")

    def ingest():
        with pytest.raises(SystemExit) as stop:
            main(["ingest", "--config", str(config)])
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return ingest


def test_it_is_said_what_was_taken_for_what_and_why_rows_were_put_aside(settings, ingest):
    (settings.paths.raw / "online_retail.csv").write_text(RETAIL)

    code, said, _ = ingest()

    lines = said.splitlines()
    assert code == 0
    assert "amount = Quantity * UnitPrice" in said
    assert "  note: amount = quantity × unit price" in lines
    assert "  quarantined: duplicate 1, missing_customer 1 (the lines are on the Data quality page)" in lines
    # 2 x 2.50 and 4.00 are loaded; one row of 2.50 has nobody, one of 4.00 is there twice
    row = next(line for line in lines if "online_retail.csv" in line)
    assert row.replace("│", " ").split() == ["transactions", "online_retail.csv", "4", "2", "2", "9.00", "6.50", "new"]


def test_a_file_that_was_read_before_is_not_explained_again(settings, ingest):
    (settings.paths.raw / "online_retail.csv").write_text(RETAIL)
    ingest()

    _, said, _ = ingest()

    assert "known" in said
    assert "note:" not in said


def test_a_file_that_nobody_reads_is_named_with_its_columns(settings, ingest):
    (settings.paths.raw / "mail.csv").write_text("recency,history,visit\n1,2,0\n")
    (settings.paths.raw / "orders.xlsx").write_bytes(b"PK")

    code, said, notes = ingest()

    assert code == 0
    assert "mail.csv is not read: it is not recognised" in notes
    assert "(has: recency, history, visit)" in notes
    assert "orders.xlsx is not read: files of this kind are not read; save it as CSV" in notes
    assert "There is nothing to land" in said


def test_a_source_with_listed_files_says_that_it_takes_no_others(settings):
    (settings.paths.raw / "orders.csv").write_text(RETAIL)
    sources = {"transactions": {"files": "elsewhere/*.csv"}}
    listed = Settings(paths=settings.paths, root=settings.root, sources=sources)

    assert remarks(listed) == ["orders.csv is not read: [sources.transactions] files in config.toml lists others"]


def test_folders_and_links_to_nothing_are_not_skipped_in_silence(settings):
    for folder in ("2024", "empty", "listed"):
        (settings.paths.raw / folder).mkdir()
    (settings.paths.raw / "2024" / "orders.csv").write_text(RETAIL)
    (settings.paths.raw / "listed" / "carts.csv").write_text("customer_id,event_time\nann,2026-01-01\n")
    (settings.paths.raw / "orders.csv").symlink_to("/nowhere/orders.csv")
    sources = {"cart_events": {"files": "data/raw/listed/*.csv"}}

    said = remarks(Settings(paths=settings.paths, root=settings.root, sources=sources))

    assert len(said) == 2
    assert said[0].startswith("2024 is not read: it is a folder; put its files beside it")
    assert said[1] == "orders.csv is not read: the link leads to no file"


def test_a_workbook_under_another_name_is_said_to_be_one(settings):
    (settings.paths.raw / "export.csv").write_bytes(b"PK\x03\x04\x14\x00")

    (said,) = remarks(settings)

    assert "export.csv is an Excel workbook, or a ZIP archive, not text: save the table as CSV" in said


def test_the_same_bytes_under_two_names_are_one_file(settings, ingest):
    for name in ("orders.csv", "orders-copy.csv"):
        (settings.paths.raw / name).write_text(RETAIL)

    _, said, _ = ingest()

    assert sum("│ transactions │" in line for line in said.splitlines()) == 1
    assert "orders.csv: the same bytes as orders-copy.csv, counted once" in said


def test_another_file_of_the_same_name_asks_whether_it_replaces_the_first(settings, ingest):
    orders = settings.paths.raw / "online_retail.csv"
    orders.write_text(RETAIL)
    ingest()
    more = RETAIL + "4,A,1,2026-01-04 10:00:00,3.00,ann\n"
    orders.write_text(more)
    _, _, grown = ingest()
    orders.write_text(more.replace("2.50,ann", "2.60,ann"))

    _, _, corrected = ingest()

    assert grown == ""
    # of the three rows that count so far (two of the first file, one of the second), one is not in the third
    assert "online_retail.csv was landed before with other content, whose 3 rows still count" in corrected
    assert "clv files remove" in corrected


def test_hidden_files_and_the_truth_are_nobodys_business(settings):
    (settings.paths.raw / ".DS_Store").write_bytes(b"\0")
    (settings.paths.raw / "truth.csv").write_text("a\n1\n")

    assert remarks(settings) == []
    assert is_empty(settings)


def test_a_file_that_is_not_recognised_is_no_reason_to_make_a_synthetic_shop(settings):
    (settings.paths.raw / "mail.csv").write_text("recency,history,visit\n1,2,0\n")

    assert not is_empty(settings)


def test_without_a_usable_row_nothing_is_published_and_the_files_are_named(settings):
    (settings.paths.raw / "orders.csv").write_text("customer_id,order_id,order_date,amount\n")
    (settings.paths.raw / "mail.csv").write_text("recency,history\n1,2\n")
    land(settings, today=TODAY)

    with pytest.raises(
        SourceError, match=r"no transactions.*sales\.csv.*orders\.csv has no row.*mail\.csv is not read"
    ):
        require_transactions(settings, ["sales.csv has no column for customer_id"])


def test_the_reasons_are_said_where_no_row_can_be_used(settings):
    (settings.paths.raw / "orders.csv").write_text("customer_id,order_date,amount\nann,1850-01-01,3\nbob,never,4\n")
    land(settings, today=TODAY)

    with pytest.raises(SourceError, match=r"orders\.csv has no row that can be used \(bad_date 1, date_too_old 1\)"):
        require_transactions(settings)


def test_a_date_before_the_first_order_is_no_reason_to_publish_an_empty_shop(settings):
    (settings.paths.raw / "online_retail.csv").write_text(RETAIL)
    land(settings, today=TODAY)

    with pytest.raises(
        RequestError, match="nothing is known before 2026-01-01: the first transaction is of 2026-01-01"
    ):
        require_transactions(settings, as_of=date(2026, 1, 1))
    require_transactions(settings, as_of=date(2026, 1, 2))


def test_the_synthetic_shop_beside_own_orders_is_said(settings):
    write_demo(settings, n_customers=30, n_months=6, end_date=TODAY)
    land(settings, today=TODAY)
    alone = remarks(settings)
    (settings.paths.raw / "my_orders.csv").write_text(RETAIL)
    land(settings, today=TODAY)

    assert alone == []
    assert [said for said in remarks(settings) if "clv demo --remove" in said] == remarks(settings) != []

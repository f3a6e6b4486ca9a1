"""Files that are taken back: what goes, what comes back, and what is refused."""

from datetime import date

import pyarrow.parquet as pq
import pytest

from clv.config import Engine, Paths, Settings
from clv.errors import SourceError
from warehouse.ingest import land
from warehouse.landing import landed_files
from warehouse.unland import chosen, lying, plan, unland

TODAY = date(2026, 6, 1)
HEADER = "order_id,customer_id,order_date,amount\n"
JANUARY = "1,ann,2026-01-01,10\n2,bob,2026-01-02,20\n"
FEBRUARY = "3,ann,2026-02-01,30\n"


@pytest.fixture
def shop(tmp_path):
    """A shop whose second file repeats what the first one holds."""
    settings = Settings(paths=Paths(data=tmp_path / "data"), engine=Engine(buckets=2, threads=1), root=tmp_path)
    settings.paths.raw.mkdir(parents=True)
    (settings.paths.raw / "orders-1.csv").write_text(HEADER + JANUARY)
    (settings.paths.raw / "orders-2.csv").write_text(HEADER + JANUARY + FEBRUARY)
    land(settings, today=TODAY)
    return settings


def loaded(settings):
    """Order ids of the rows that count."""
    paths = [path for one in landed_files(settings.paths.landing) for path in one.accepted]
    return sorted(order for path in paths for order in pq.read_table(path)["order_id"].to_pylist())


def test_a_file_is_named_by_its_name_or_by_the_beginning_of_its_id(shop):
    (one,) = chosen(shop, ["orders-1.csv"])

    assert chosen(shop, [one.file_id[:6]]) == [one]
    assert chosen(shop, [one.file_id, "orders-1.csv"]) == [one]


@pytest.mark.parametrize("word", ["", "nonsense", "orders"])
def test_a_word_that_names_no_file_is_refused(shop, word):
    with pytest.raises(SourceError, match="clv files list"):
        chosen(shop, [word])


def test_a_name_that_several_files_bear_asks_for_the_id(shop):
    (shop.paths.raw / "orders-1.csv").write_text(HEADER + "9,cem,2026-03-01,5\n")
    land(shop, today=TODAY)

    with pytest.raises(SourceError, match=r"2 landed files are called 'orders-1\.csv'"):
        chosen(shop, ["orders-1.csv"])


def test_what_still_lies_where_files_are_read_is_refused(shop):
    with pytest.raises(SourceError, match=r"orders-1\.csv still lies where files are read.*move it away first"):
        plan(shop, chosen(shop, ["orders-1.csv"]))


def test_rows_that_were_duplicates_of_it_count_again(shop):
    (shop.paths.raw / "orders-1.csv").unlink()
    before = loaded(shop)

    found = plan(shop, chosen(shop, ["orders-1.csv"]))
    unland(shop, [*(one for one, _ in found.again), *found.going])
    land(shop, [path for _, path in found.again], today=TODAY)

    (left,) = landed_files(shop.paths.landing)
    assert [path.name for _, path in found.again] == ["orders-2.csv"]
    assert (left.account["n_accepted"], left.account["n_quarantined"]) == (3, 0)
    assert loaded(shop) == before == ["1", "2", "3"]


def test_a_file_whose_rows_would_be_lost_must_be_there(shop):
    for name in ("orders-1.csv", "orders-2.csv"):
        (shop.paths.raw / name).unlink()

    with pytest.raises(SourceError, match=r"orders-2\.csv has 2 rows that were put aside as duplicates"):
        plan(shop, chosen(shop, ["orders-1.csv"]))


def test_the_later_of_two_files_owes_the_earlier_one_nothing(shop):
    (shop.paths.raw / "orders-2.csv").unlink()

    found = plan(shop, chosen(shop, ["orders-2.csv"]))
    unland(shop, found.going)

    assert found.again == ()
    assert loaded(shop) == ["1", "2"]


def test_where_files_lie_is_known_by_their_bytes(shop):
    (shop.paths.raw / "orders-1.csv").rename(shop.paths.raw / "orders-renamed.csv")
    (shop.paths.raw / "orders-2.csv").write_text(HEADER + JANUARY + FEBRUARY.replace("30", "31"))

    files = landed_files(shop.paths.landing)
    names = {one.account["file_name"]: path for one, path in zip(files, lying(shop, files), strict=True)}

    assert names["orders-1.csv"].name == "orders-renamed.csv"
    assert names["orders-2.csv"] is None

"""The file of what is shown: signed, complete, noted."""

import csv
import io
import os
import stat

import pytest

from clv.errors import RequestError
from dashboard import customer_list, data, export


@pytest.fixture
def door(context):
    return data.door("")


def rows_of(response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text)))


def test_the_file_holds_all_that_is_shown(door, client):
    response = client.http.get(export.link(door, "?sort=-revenue"))

    rows = rows_of(response)
    assert [row["customer_id"] for row in rows][:2] == [
        row["customer_id"]
        for row in customer_list.grid_of(door.site.warehouse).block(customer_list.wanted("?sort=-revenue"), 0, 2).rows
    ]
    assert len(rows) == 12
    assert set(rows[0]) == set(customer_list.COLUMNS)
    assert response.headers["Content-Disposition"] == "attachment; filename=customers_2024-04-11.csv"


def test_the_file_holds_only_what_fits_the_filters(door, client):
    rows = rows_of(client.http.get(export.link(door, "?segment=New")))

    assert {row["segment"] for row in rows} <= {"New"}
    assert len(rows) == customer_list.grid_of(door.site.warehouse).count(customer_list.wanted("?segment=New"))


def test_ticked_rows_alone_are_in_the_file(door, client):
    rows = rows_of(client.http.get(export.link(door, "?segment=New", ["C07", "C01"])))

    assert sorted(row["customer_id"] for row in rows) == ["C01", "C07"]


def test_a_thousand_ticked_rows_leave_the_link_short(door):
    assert len(export.link(door, "", [f"customer-{number:032d}" for number in range(1000)])) < 1000


@pytest.mark.parametrize("token", ["", "x", "eyJzZWFyY2giOiIifQ.aaaa.bbbb"], ids=["none", "rubbish", "forged"])
def test_a_link_that_no_page_made_is_refused(client, token):
    response = client.http.get(export.ROUTE, query_string={"token": token})

    assert response.status_code == 400
    assert "was not made by the list" in response.text


def test_a_changed_link_is_refused(door, client):
    link = export.link(door, "?segment=New")

    assert client.http.get(link[:-2] + ("aa" if link[-2:] != "aa" else "bb")).status_code == 400


def test_an_old_link_is_refused(door, client, monkeypatch):
    link = export.link(door, "")
    monkeypatch.setattr(export, "VALID_SECONDS", -1)

    assert "quarter of an hour" in client.http.get(link).text


@pytest.mark.parametrize("ids", [[], [1], ["x"] * 20_001], ids=["none", "no text", "too many"])
def test_rows_that_cannot_be_ticked_are_refused(door, ids):
    with pytest.raises(RequestError):
        export.link(door, "", ids)


def test_a_link_for_a_filter_that_there_is_not_is_refused(door):
    with pytest.raises(RequestError):
        export.link(door, "?shoe_size=44")


def test_each_export_is_noted_without_what_was_looked_for(door, client):
    client.http.get(export.link(door, "?name=ann&sort=name"))

    note = door.journal.audit.table().iloc[0]
    assert (note["action"], note["subject"], note["detail"]["filtered_by"]) == ("export", "customers", ["name"])
    assert "ann" not in str(note["detail"]).lower()


def test_nothing_is_left_behind(door, client):
    folder = door.settings.paths.cache / "exports"
    link = export.link(door, "")
    before = set(folder.glob("*.csv"))

    assert client.http.get(link).text

    assert set(folder.glob("*.csv")) == before


def test_what_a_dead_process_left_is_swept_out(door, client):
    left = door.settings.paths.cache / "exports" / "left.csv"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("x")
    os.utime(left, (0, 0))

    client.http.get(export.link(door, "")).close()

    assert not left.exists()


def test_only_the_owner_reads_the_key(door):
    export.link(door, "")

    path = door.settings.paths.data / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

# ruff: noqa: DTZ001 - landed stamps are the shop's local time
"""Landing, compared in content with a reader that goes line by line and shares no code with it."""

import csv
import gzip
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clv.config import Engine, Paths, Settings, Source, Sources
from clv.errors import SourceError
from warehouse.account import FileAccount
from warehouse.ingest import LandingError, land

TODAY = date(2026, 1, 31)
HEADER = "customer_id,order_id,order_date,amount,category"
GOOD = [
    "C0000001,O1,2025-01-01 10:00:00,10.50,Books",
    "C0000002,O2,2025-01-02 11:00:00,20.00,Toys",
    "00042,O3,2025-02-03 12:30:00,-5.25,Books",
    "C0000003,O4,2025-03-04,0.00,",
]


def shop(folder: Path, **transactions: object) -> Settings:
    return Settings(
        paths=Paths(data=folder / "data"),
        sources=Sources(transactions=Source(**transactions)),
        engine=Engine(threads=2),
        root=folder,
    )


def land_bytes(folder: Path, content: bytes, name: str = "orders.csv", **transactions: object) -> FileAccount:
    path = folder / name
    path.write_bytes(content)
    (account,) = land(shop(folder, **transactions), [path], today=TODAY)
    return account


def land_lines(folder: Path, lines: list[str], **transactions: object) -> FileAccount:
    return land_bytes(folder, "\n".join([HEADER, *lines, ""]).encode(), **transactions)


def rows(folder: Path, columns: str, part: str = "accepted*", source: str = "transactions") -> list[tuple]:
    files = sorted(str(path) for path in (folder / "data/landing" / source).glob(f"*/{part}.parquet"))
    if not files:
        return []
    return duckdb.sql(f"select {columns} from read_parquet({files}) order by line_no, file_id").fetchall()


def quarantined(folder: Path, columns: str = "line_no, reasons") -> list[tuple]:
    return rows(folder, columns, "quarantine")


@dataclass
class Expected:
    accepted: dict[int, tuple]
    quarantined: dict[int, bytes]
    n_blank: int


def line_by_line(content: bytes) -> Expected:
    """What the file says, read with nothing but `re`, `csv` and `datetime`; for UTF-8 and commas."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    lines = re.split(rb"\r\n|\r|\n", content)
    if lines and lines[-1] == b"":
        lines.pop()
    expected, header, seen = Expected({}, {}, 0), None, set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            expected.n_blank += 1
            continue
        if header is None:
            header = line
            continue
        typed = _typed(line)
        if typed is None or typed in seen:
            expected.quarantined[number] = line
        else:
            seen.add(typed)
            expected.accepted[number] = typed
    return expected


def _typed(line: bytes) -> tuple | None:
    if b"\0" in line:
        return None
    try:
        (fields,) = csv.reader([line.decode()], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    if len(fields) != 5 or (line.count(b'"') % 2):
        return None
    customer, order, stamp, amount, category = (field.strip(" \t") for field in fields)
    try:
        when, money = datetime.fromisoformat(stamp), float(amount.replace(",", "").replace("$", ""))
    except ValueError:
        return None
    if not customer or not order or not datetime(1990, 1, 1) <= when < datetime(2026, 2, 1) or abs(money) > 1e7:
        return None
    return customer, order, when, money, category or None


def assert_landed_as_read(folder: Path, content: bytes) -> FileAccount:
    account = land_bytes(folder, content)
    expected = line_by_line(content)

    accepted = {row[0]: row[1:] for row in rows(folder, "line_no, customer_id, order_id, order_ts, amount, category")}
    aside = dict(quarantined(folder, "line_no, raw_bytes"))

    assert accepted == expected.accepted
    assert aside == expected.quarantined
    assert account.n_blank == expected.n_blank
    assert account.n_lines == account.n_header + account.n_blank + account.n_accepted + account.n_quarantined
    return account


def csv_bytes(lines: list[str | bytes], end: bytes = b"\n") -> bytes:
    return end.join([HEADER.encode(), *(line.encode() if isinstance(line, str) else line for line in lines), b""])


DAMAGE = {
    "clean": csv_bytes([*GOOD]),
    "no line end at the end": csv_bytes([*GOOD]).rstrip(b"\n"),
    "byte order mark": b"\xef\xbb\xbf" + csv_bytes([*GOOD]),
    "CRLF": csv_bytes([*GOOD], b"\r\n"),
    "lone CR": csv_bytes([*GOOD], b"\r"),
    "mixed line ends": b"\r\n".join([HEADER.encode(), GOOD[0].encode()])
    + b"\n"
    + b"\r".join(line.encode() for line in GOOD[1:])
    + b"\n\r\n",
    "CR CR LF": csv_bytes([*GOOD], b"\r\r\n"),
    "blank lines": csv_bytes([GOOD[0], "", "   ", *GOOD[1:], "", "\t"]),
    "short row": csv_bytes([GOOD[0], "C0002491,O9,2025-01-01", *GOOD[1:]]),
    "long row": csv_bytes([GOOD[0], GOOD[1] + ",extra,more", *GOOD[2:]]),
    "unclosed quote at the start of a field": csv_bytes([GOOD[0], 'C5,"O5,2025-01-01,3.00,Books', *GOOD[1:]]),
    "unclosed quote in the last field": csv_bytes([*GOOD, 'C5,O5,2025-01-01,3.00,"Books']),
    "two unclosed quotes, lines apart": csv_bytes(
        ['C5,"O5,2025-01-01,3.00,Books', *GOOD, 'C6,"O6,2025-01-01,3.00,Books', GOOD[0].replace("O1", "O9")]
    ),
    "quoted fields": csv_bytes(['"C5","O5","2025-01-01","3.00","Books"', *GOOD]),
    "quoted delimiter": csv_bytes(['C5,O5,2025-01-01,3.00,"Books, Games"', *GOOD]),
    "quoted thousands": csv_bytes(['C5,O5,2025-01-01,"1,600.50",Books', *GOOD]),
    "doubled quotes": csv_bytes(['C5,O5,2025-01-01,3.00,"The ""good"" ones"', *GOOD]),
    "invalid UTF-8 beside valid": csv_bytes(
        [b"C\xe9\xff5,O5,2025-01-01,3.00,Books", "C6,O6,2025-01-01,3.00,Bücher", *GOOD]
    ),
    "lone continuation bytes": csv_bytes([b"C5,O5,2025-01-01,3.00,\x80\x81", *GOOD]),
    "overlong and cut sequences": csv_bytes(
        [b"C5,O5,2025-01-01,3.00,\xc0\xaf", b"C6,O6,2025-01-01,3.00,\xe2\x82", *GOOD]
    ),
    "NUL bytes": csv_bytes([b"C5,O5,2025-01-01,3.00,Bo\0oks", b"\0\0\0", *GOOD]),
    "missing customer": csv_bytes([",O5,2025-01-01,3.00,Books", "  ,O6,2025-01-01,3.00,Books", *GOOD]),
    "missing date and amount": csv_bytes(["C5,O5,,3.00,Books", "C6,O6,2025-01-01,,Books", *GOOD]),
    "bad date and amount": csv_bytes(
        ["C5,O5,yesterday,3.00,Books", "C6,O6,2025-02-30,3.00,Books", "C7,O7,2025-01-01,12x,Books", *GOOD]
    ),
    "future date": csv_bytes(["C5,O5,2026-02-01,3.00,Books", "C6,O6,2026-01-31 23:59:59,3.00,Books", *GOOD]),
    "old date": csv_bytes(["C5,O5,1970-01-01,3.00,Books", "C6,O6,1899-12-30,3.00,Books", *GOOD]),
    "absurd amount": csv_bytes(["C5,O5,2025-01-01,99999999999,Books", "C6,O6,2025-01-01,-1e9,Books", *GOOD]),
    "duplicated rows": csv_bytes([*GOOD, GOOD[1], GOOD[1], GOOD[3]]),
    "negative and zero amounts": csv_bytes(["C5,O5,2025-01-01,-3.00,Books", "C6,O6,2025-01-01,0,Books", *GOOD]),
    "quotes and angle brackets": csv_bytes(
        ['C5,O5,2025-01-01,3.00,<b>Books</b> & "co"', "C6,O6,2025-01-01,3.00,O'Neill; drop table", *GOOD]
    ),
    "wrong delimiter in a line": csv_bytes([GOOD[0].replace(",", ";"), *GOOD[1:]]),
    "currency signs": csv_bytes(["C5,O5,2025-01-01,$3.00,Books", *GOOD]),
    "only bad rows": csv_bytes([",,,,", "x"]),
    "blank line before the damage": csv_bytes(
        [GOOD[0], "", "C0002491,O7,not-a-date,1.00,Books", "", 'C0002492,"O8,2025-01-01,1.00,Books', *GOOD[1:]]
    ),
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE.keys())
def test_every_line_lands_with_its_own_content(tmp_path: Path, content: bytes) -> None:
    assert_landed_as_read(tmp_path, content)


_FIELD = st.one_of(
    st.sampled_from(["C1", "2025-01-01", "12.5", "O7"]),
    st.text(alphabet="ab1é ,\"'<.-\t€", max_size=8),
)
_LINE = st.one_of(
    st.sampled_from([line.encode() for line in GOOD]),
    st.lists(_FIELD, min_size=1, max_size=7).map(lambda fields: ",".join(fields).encode()),
    st.tuples(st.sampled_from(GOOD), st.integers(0, 40), st.binary(max_size=3)).map(
        lambda parts: parts[0].encode()[: parts[1]] + parts[2] + parts[0].encode()[parts[1] :]
    ),
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_LINE, max_size=12), ends=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_bytes_are_accounted_for_and_quarantined_as_they_are(
    tmp_path_factory, lines: list[bytes], ends: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    content = ends.join([HEADER.encode(), *lines, b""])

    account = land_bytes(folder, content)

    source_lines = re.split(rb"\r\n|\r|\n", content)
    if account.encoding == "utf-8" and account.dialect == "lines":
        for number, raw in quarantined(folder, "line_no, raw_bytes"):
            assert raw == source_lines[number - 1]
        for number, customer in rows(folder, "line_no, customer_id"):
            assert customer.encode() in source_lines[number - 1].replace(b'""', b'"')
    numbers = [number for (number,) in [*rows(folder, "line_no"), *quarantined(folder, "line_no")]]
    assert len(numbers) == len(set(numbers))
    assert account.n_lines == account.n_header + account.n_blank + len(numbers)


def test_a_reject_after_blank_lines_keeps_its_first_byte(tmp_path: Path) -> None:
    # a parser that reports byte positions from 1, and skips blank lines, turns C0002491 into 0002491
    land_lines(tmp_path, [GOOD[0], "", "", "C0002491,O9,2025-01-01", GOOD[1]])

    assert quarantined(tmp_path, "line_no, raw_text, raw_bytes") == [
        (5, "C0002491,O9,2025-01-01", b"C0002491,O9,2025-01-01")
    ]


def test_structural_rejects_and_duplicates_are_saved_and_not_only_counted(tmp_path: Path) -> None:
    account = land_lines(tmp_path, [GOOD[0], "short", GOOD[0], "C9,O9,2025-01-01,1,Books,\xe9,more"])

    saved = quarantined(tmp_path, "line_no, reasons, raw_text, amount")
    assert saved == [
        (3, "too_few_columns", "short", None),
        (4, "duplicate", GOOD[0], 10.5),
        (5, "too_many_columns", "C9,O9,2025-01-01,1,Books,\xe9,more", None),
    ]
    assert (account.n_quarantined, account.n_duplicates) == (3, 1)


def test_absurd_amounts_are_no_money_of_the_account(tmp_path: Path) -> None:
    account = land_lines(
        tmp_path, ["C5,O5,2025-01-01,99999999999,Books", "C6,O6,2025-01-01,nan,Books", ",O7,2025-01-01,3,Books", *GOOD]
    )

    assert (account.n_quarantined, account.amount_quarantined) == (3, 3.0)


def test_bad_bytes_are_shown_in_hexadecimal_and_kept_as_they_are(tmp_path: Path) -> None:
    land_bytes(tmp_path, csv_bytes([b"C\xff1,O1,2025-01-01,1,a\0b", GOOD[0]]))

    (text, raw) = quarantined(tmp_path, "raw_text, raw_bytes")[0]
    assert text == "C\\xff1,O1,2025-01-01,1,a\\x00b"
    assert raw == b"C\xff1,O1,2025-01-01,1,a\0b"


def test_a_row_has_all_its_reasons_and_its_money(tmp_path: Path) -> None:
    land_lines(tmp_path, [",,1970-01-01,12.5,Books", ",O2,soon,abc,Books"])

    assert quarantined(tmp_path, "reasons, amount") == [
        ("date_too_old;missing_customer;missing_order", 12.5),
        ("bad_amount;bad_date;missing_customer", None),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_wide_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    lines = [HEADER, "C1,O1,2025-01-01,3.5,Bücher", "C2,O2,never,3.5,Spiele", ""]
    content = "\r\n".join(lines).encode(encoding)

    land_bytes(tmp_path, content)

    assert rows(tmp_path, "line_no, customer_id, category") == [(2, "C1", "Bücher")]
    raw = quarantined(tmp_path, "raw_bytes")[0][0]
    assert raw in content
    assert (
        raw.decode("utf-16-le" if encoding == "utf-16" else "utf-32-le" if encoding == "utf-32" else encoding)
        == lines[2]
    )


def test_a_western_european_file_is_recognised_and_said(tmp_path: Path) -> None:
    account = land_bytes(
        tmp_path,
        csv_bytes(["C1,O1,2025-01-01,3.5,Café – Thé", "C2,O2,never,1,Müller", *GOOD]).decode().encode("cp1252"),
    )

    assert rows(tmp_path, "category")[0] == ("Café – Thé",)
    assert quarantined(tmp_path, "raw_bytes") == [("C2,O2,never,1,Müller".encode("cp1252"),)]
    assert account.encoding == "cp1252"
    assert "cp1252" in account.notes[0]


def test_a_configured_encoding_is_used(tmp_path: Path) -> None:
    land_bytes(tmp_path, csv_bytes([]) + "C1,O1,2025-01-01,3.5,日本\n".encode("shift_jis"), encoding="shift_jis")

    assert rows(tmp_path, "category") == [("日本",)]


def test_newlines_inside_quotes_load_when_the_whole_file_is_well_quoted(tmp_path: Path) -> None:
    content = csv_bytes(['C1,O1,2025-01-01,3.5,"Two\nlines, and ""quotes"""', GOOD[1], 'C3,O3,never,1,"More\r\nlines"'])

    account = land_bytes(tmp_path, content)

    assert rows(tmp_path, "line_no, category") == [(2, 'Two\nlines, and "quotes"'), (4, "Toys")]
    assert quarantined(tmp_path, "line_no, raw_bytes") == [(5, b'C3,O3,never,1,"More\r\nlines"')]
    assert (account.dialect, account.n_lines) == ("quoted", 4)


def test_a_quoted_header_may_span_lines(tmp_path: Path) -> None:
    land_bytes(tmp_path, b'customer_id,"order\ndate",amount\nC1,2025-01-01,3\n')

    assert rows(tmp_path, "line_no, customer_id, amount") == [(3, "C1", 3.0)]


def test_a_character_cut_by_the_end_of_the_file_is_kept(tmp_path: Path) -> None:
    content = csv_bytes(GOOD).decode().encode("utf-16") + b"\x0a"

    account = land_bytes(tmp_path, content)

    assert (account.n_accepted, quarantined(tmp_path, "line_no, raw_bytes")) == (4, [(6, b"\x0a")])


def test_newlines_inside_quotes_beside_an_unclosed_quote_lose_no_line(tmp_path: Path) -> None:
    account = land_bytes(
        tmp_path, csv_bytes(['C1,O1,2025-01-01,3.5,"Two\nlines"', GOOD[1], 'C3,"O3,2025-01-01,1,Books', GOOD[2]])
    )

    assert account.dialect == "lines"
    assert [number for number, _ in quarantined(tmp_path)] == [2, 3, 5]
    assert [number for (number,) in rows(tmp_path, "line_no")] == [4, 6]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    account = land_bytes(tmp_path, csv_bytes(GOOD).replace(b",", delimiter.encode()))

    assert account.n_accepted == 4
    assert account.delimiter == delimiter


def test_a_wrong_configured_delimiter_is_survived_and_said(tmp_path: Path) -> None:
    account = land_bytes(tmp_path, csv_bytes(GOOD), delimiter=";")

    assert account.n_accepted == 4
    assert "';' does not fit" in account.notes[0]


def test_blanks_may_stand_for_the_delimiter(tmp_path: Path) -> None:
    account = land_bytes(
        tmp_path,
        b" customer_id  date number_of_cds  dollar_value\r\n 00001 19970101  1   11.77\r\n"
        b" 00001 19970101  5  3.00 \r\n 00002 x\r\n",
        "log.txt",
    )

    assert account.dialect == "whitespace"
    assert rows(tmp_path, "customer_id, order_id, amount, quantity") == [
        ("00001", "1997-01-01#2", 11.77, 1.0),
        ("00001", "1997-01-01#1", 3.0, 5.0),
    ]
    assert quarantined(tmp_path, "reasons, raw_bytes") == [("too_few_columns", b" 00002 x")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"], ids=["nothing", "blank lines", "a mark"])
def test_an_empty_file_lands_empty(tmp_path: Path, content: bytes) -> None:
    account = land_bytes(tmp_path, content)

    assert (account.n_accepted, account.n_quarantined, account.n_lines) == (0, 0, account.n_blank)
    assert "empty" in account.notes[0]


def test_a_header_alone_lands_empty(tmp_path: Path) -> None:
    account = land_lines(tmp_path, [])

    assert (account.n_lines, account.n_header, account.n_accepted) == (1, 1, 0)
    assert rows(tmp_path, "line_no") == []


def test_lines_before_the_header_are_put_aside(tmp_path: Path) -> None:
    land_bytes(tmp_path, b"Orders of January\nprinted 2025-02-01\n\n" + csv_bytes(GOOD))

    assert quarantined(tmp_path) == [(1, "before_header"), (2, "before_header")]
    assert len(rows(tmp_path, "line_no")) == 4


def test_a_header_that_comes_again_is_a_header(tmp_path: Path) -> None:
    account = land_lines(tmp_path, [*GOOD[:2], HEADER, *GOOD[2:]])

    assert (account.n_header, account.n_accepted, account.n_quarantined) == (2, 4, 0)


def test_a_column_that_is_there_twice_is_read_once_and_said(tmp_path: Path) -> None:
    account = land_bytes(tmp_path, b"customer_id,order_id,order_date,amount,amount\nC1,O1,2025-01-01,1,2\n")

    assert rows(tmp_path, "amount") == [(1.0,)]
    assert "twice" in account.notes[0]


def test_a_missing_column_names_file_column_header_and_remedy_and_others_land(tmp_path: Path) -> None:
    (tmp_path / "orders_a.csv").write_text("customer_id,order_id,order_date,betrag_netto\nC1,O1,2025-01-01,1\n")
    (tmp_path / "orders_b.csv").write_bytes(csv_bytes(GOOD))

    with pytest.raises(LandingError) as error:
        land(shop(tmp_path), [tmp_path / "orders_a.csv", tmp_path / "orders_b.csv"], today=TODAY)

    message = str(error.value)
    for word in ("orders_a.csv", "amount", "betrag_netto", "[sources.transactions.columns]", "config.toml"):
        assert word in message
    assert [account.file_name for account in error.value.accounts] == ["orders_b.csv"]
    assert len(rows(tmp_path, "line_no")) == 4


def test_a_file_without_a_header_is_told_how_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match=r"not a header: header = false in \[sources\.transactions\]"):
        land_bytes(tmp_path, b"ann,2026-01-02,10.50\nbob,2026-01-03,1.00\n")


@pytest.mark.parametrize(
    "magic", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-1.7", b"\x89PNG", b"\xff\xd8\xff", b"PAR1"]
)
def test_what_is_no_text_is_named_and_not_read(tmp_path: Path, magic: bytes) -> None:
    with pytest.raises(LandingError, match=r"orders\.csv is an? .*, not text: save the table as CSV"):
        land_bytes(tmp_path, magic + b"\n1,2\n")


def test_an_id_keeps_its_zeros_and_its_point(tmp_path: Path) -> None:
    land_lines(tmp_path, ["00042,007,2025-01-01,1,x", "17850.0,1e3,2025-01-01,1,x"])

    assert rows(tmp_path, "customer_id, order_id") == [("00042", "007"), ("17850.0", "1e3")]


def test_returns_are_seen_by_sign_flag_and_prefix(tmp_path: Path) -> None:
    content = b"""customer_id,order_id,order_date,amount,quantity,is_return
C1,O1,2025-01-01,10,1,no
C1,O2,2025-01-01,-10,1,no
C1,O3,2025-01-01,0,-1,no
C1,O4,2025-01-01,10,1,yes
C1,CO5,2025-01-01,10,1,
C1,O6,2025-01-01,10,1,maybe
"""
    land_bytes(tmp_path, content, cancelled_order_prefix="C")

    assert rows(tmp_path, "order_id, is_return") == [
        ("O1", False),
        ("O2", True),
        ("O3", True),
        ("O4", True),
        ("CO5", True),
    ]
    assert quarantined(tmp_path) == [(7, "bad_is_return")]


def test_day_first_is_decided_from_the_whole_column(tmp_path: Path) -> None:
    account = land_lines(tmp_path, ["C1,O1,01/02/2025,1,x", "C2,O2,03/04/2025 10:30,1,x", "C3,O3,13/02/2025,1,x"])

    assert rows(tmp_path, "order_ts") == [
        (datetime(2025, 2, 1),),
        (datetime(2025, 4, 3, 10, 30),),
        (datetime(2025, 2, 13),),
    ]
    assert any("day first" in note for note in account.notes)


def test_month_first_is_decided_from_the_whole_column(tmp_path: Path) -> None:
    land_lines(tmp_path, ["C1,O1,1/2/2025,1,x", "C3,O3,02/13/2025 1:05 PM,1,x"])

    assert rows(tmp_path, "order_ts") == [(datetime(2025, 1, 2),), (datetime(2025, 2, 13, 13, 5),)]


def test_a_column_that_reads_in_two_ways_is_refused_with_the_remedy(tmp_path: Path) -> None:
    lines = ["C1,O1,01/02/2025,1,x", "C2,O2,03/04/2025,1,x"]

    with pytest.raises(SourceError, match=r"orders.csv.*read in two ways.*date_formats.*\[sources.transactions\]"):
        land_lines(tmp_path, lines)

    account = land_lines(tmp_path, lines, date_formats=("%m/%d/%Y",))
    assert account.n_accepted == 2


def test_a_few_dates_that_read_in_two_ways_are_put_aside(tmp_path: Path) -> None:
    land_lines(tmp_path, [*GOOD, "C1,O8,01/02/2025,1,x", "C2,O9,05/05/2025,1,x"])

    assert quarantined(tmp_path) == [(6, "ambiguous_date")]
    assert rows(tmp_path, "order_ts")[-1] == (datetime(2025, 5, 5),)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("20250203", datetime(2025, 2, 3)),
        ("2025/02/03 04:05", datetime(2025, 2, 3, 4, 5)),
        ("2025-02-03T04:05:06Z", datetime(2025, 2, 3, 4, 5, 6)),
        ("2025-02-03 04:05:06 -0500", datetime(2025, 2, 3, 4, 5, 6)),
        ("2025-02-03T04:05:06.789+02:00", datetime(2025, 2, 3, 4, 5, 6, 789000)),
        ("3 Feb 2025", datetime(2025, 2, 3)),
        ("03-Feb-25", datetime(2025, 2, 3)),
        ("February 3 2025", datetime(2025, 2, 3)),
        ("Mon 3 Feb 2025 04:05 PM", datetime(2025, 2, 3, 16, 5)),
        ("3.2.2025", datetime(2025, 2, 3)),
        ("03.02.2025 04:05:06", datetime(2025, 2, 3, 4, 5, 6)),
        ("1738555506", datetime(2025, 2, 3, 4, 5, 6)),
        ("1738555506000", datetime(2025, 2, 3, 4, 5, 6)),
    ],
)
def test_dates_are_read_as_shops_write_them(tmp_path: Path, written: str, read: datetime) -> None:
    land_lines(tmp_path, [f"C1,O1,{written},1,x"])

    assert rows(tmp_path, "order_ts") == [(read,)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["12,50", "1.600"], [12.5, 1600.0]),
        (["1.234,56 €", "3"], [1234.56, 3.0]),
        (["1,600.50", "1,600"], [1600.5, 1600.0]),
        (["$1,600.50", "-$3.00", "($4.00)", "5.00-"], [1600.5, -3.0, -4.0, -5.0]),
        (["£12", "EUR 13.5", "14.5 USD"], [12.0, 13.5, 14.5]),
        (["1 600,50", "2\u00a0600,50"], [1600.5, 2600.5]),
        (["1'600.50"], [1600.5]),
        (["1e3", "+5", ".5"], [1000.0, 5.0, 0.5]),
    ],
)
def test_amounts_are_read_as_shops_write_them(tmp_path: Path, written: list[str], read: list[float]) -> None:
    lines = [f"C{i};O{i};2025-01-01;{text};x" for i, text in enumerate(written)]

    land_bytes(tmp_path, "\n".join([HEADER.replace(",", ";"), *lines]).encode())

    assert [amount for (amount,) in rows(tmp_path, "amount")] == read


def test_dates_that_do_not_fit_the_configured_format_are_bad(tmp_path: Path) -> None:
    land_lines(tmp_path, ["C1,O1,31/12/2024,1,x", "C2,O2,2025-01-01,1,x", "C3,O3,,1,x"], date_formats=("%d/%m/%Y",))

    assert rows(tmp_path, "order_ts") == [(datetime(2024, 12, 31),)]
    assert quarantined(tmp_path) == [(3, "bad_date"), (4, "missing_date")]


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"date_formats.*%Q"):
        land_lines(tmp_path, GOOD, date_formats=("%Q",))


def test_a_number_that_reads_in_two_ways_is_put_aside_unless_decided(tmp_path: Path) -> None:
    lines = ["C1;O1;2025-01-01;1,600;x", "C2;O2;2025-01-01;7;x"]
    content = "\n".join([HEADER.replace(",", ";"), *lines]).encode()

    land_bytes(tmp_path, content)
    assert quarantined(tmp_path) == [(2, "ambiguous_amount")]

    account = land_bytes(tmp_path, content, decimal=",")
    assert account.amount_accepted == 8.6


def test_a_late_surprise_in_a_plain_column_is_read_too(tmp_path: Path) -> None:
    lines = [f"C{i},O{i},2025-01-01,{i % 50}.50,x" for i in range(400_000)]
    lines += ['C1,P1,2025-01-01,"1,600.50",x', "C2,P2,3 Feb 2025,1,x", "C3,P3,2025-01-01,abc,x"]

    account = land_lines(tmp_path, lines)

    assert account.n_accepted == 400_002
    assert rows(tmp_path, "amount, order_ts")[-2:] == [(1600.5, datetime(2025, 1, 1)), (1.0, datetime(2025, 2, 3))]
    assert quarantined(tmp_path) == [(400_004, "bad_amount")]


def test_equal_rows_without_an_order_id_are_orders_of_their_own(tmp_path: Path) -> None:
    account = land_bytes(tmp_path, b"customer,date,amount\nC1,2025-01-01,5\nC1,2025-01-01,5\nC1,2025-01-02,5\n")

    assert account.n_accepted == 3
    assert rows(tmp_path, "order_id") == [("2025-01-01#1",), ("2025-01-01#2",), ("2025-01-02#1",)]


def test_equal_rows_may_be_kept(tmp_path: Path) -> None:
    assert land_lines(tmp_path, [GOOD[0], GOOD[0]], duplicates="keep").n_accepted == 2


def test_rows_that_differ_in_a_column_that_is_not_mapped_are_not_duplicates(tmp_path: Path) -> None:
    content = b"customer_id,order_id,order_date,amount,note\nC1,O1,2025-01-01,5,a\nC1,O1,2025-01-01,5,b\n"

    assert land_bytes(tmp_path, content).n_accepted == 2


def test_the_order_of_the_lines_changes_nothing_but_line_numbers(tmp_path: Path) -> None:
    lines = [*GOOD, GOOD[1], GOOD[1], "C9,O9,bad,1,x"]
    columns = "customer_id, order_id, order_ts, amount, category, content_key"
    for name, some in (("a", lines), ("b", lines[::-1])):
        (tmp_path / name).mkdir()
        land_lines(tmp_path / name, some)

    assert sorted(rows(tmp_path / "a", columns)) == sorted(rows(tmp_path / "b", columns))
    assert sorted(quarantined(tmp_path / "a", "reasons, raw_text")) == sorted(
        quarantined(tmp_path / "b", "reasons, raw_text")
    )


def test_made_order_ids_do_not_depend_on_the_order_of_the_lines(tmp_path: Path) -> None:
    lines = ["C1,2025-01-01,5", "C1,2025-01-01,3", "C2,2025-01-01,3", "C1,2025-01-01,4"]
    for name, some in (("a", lines), ("b", lines[::-1])):
        (tmp_path / name).mkdir()
        land_bytes(tmp_path / name, "\n".join(["customer,date,amount", *some]).encode())

    assert sorted(rows(tmp_path / "a", "customer_id, order_id, amount")) == sorted(
        rows(tmp_path / "b", "customer_id, order_id, amount")
    )


def test_landing_twice_adds_nothing(tmp_path: Path) -> None:
    first = land_lines(tmp_path, GOOD)
    before = sorted(
        (path, path.stat().st_mtime_ns) for path in (tmp_path / "data/landing/transactions").rglob("*.parquet")
    )

    second = land_lines(tmp_path, GOOD)

    assert (first.is_new, second.is_new) == (True, False)
    assert first == second
    assert before == sorted(
        (path, path.stat().st_mtime_ns) for path in (tmp_path / "data/landing/transactions").rglob("*.parquet")
    )


def test_the_same_bytes_under_another_name_add_nothing(tmp_path: Path) -> None:
    land_lines(tmp_path, GOOD)

    again = land_bytes(tmp_path, csv_bytes(GOOD), "orders_copy.csv")

    assert not again.is_new
    assert len(rows(tmp_path, "line_no")) == 4


def test_a_changed_mapping_lands_the_file_again_in_place_of_the_old_rows(tmp_path: Path) -> None:
    content = b"customer_id,order_id,order_date,net,gross\nC1,O1,2025-01-01,1,2\n"
    land_bytes(tmp_path, content, columns={"amount": "net"})

    land_bytes(tmp_path, content, columns={"amount": "gross"})

    assert rows(tmp_path, "amount") == [(2.0,)]


def test_rows_landed_from_another_file_are_duplicates(tmp_path: Path) -> None:
    land_bytes(tmp_path, csv_bytes(GOOD[:3]), "orders_1.csv")

    account = land_bytes(tmp_path, gzip.compress(csv_bytes(GOOD[1:], b"\r\n")), "orders_2.csv.gz")

    assert (account.n_accepted, account.n_duplicates) == (1, 2)
    assert sorted(row[0] for row in rows(tmp_path, "order_id")) == ["O1", "O2", "O3", "O4"]


def test_made_order_ids_are_unique_across_files(tmp_path: Path) -> None:
    land_bytes(tmp_path, b"customer,date,amount\nC1,2025-01-01,5\n", "orders_1.csv")
    land_bytes(tmp_path, b"customer,date,amount\nC1,2025-01-01,6\nC1,2025-01-01,5\n", "orders_2.csv")

    assert sorted(row[0] for row in rows(tmp_path, "order_id")) == ["2025-01-01#1", "2025-01-01#2", "2025-01-01#3"]


def test_overlapping_exports_without_order_ids_are_said(tmp_path: Path) -> None:
    land_bytes(tmp_path, b"customer,date,amount\nC1,2025-01-01,5\n", "orders_1.csv")

    account = land_bytes(tmp_path, b"customer,date,amount\nC1,2025-01-01,5\nC2,2025-01-01,5\n", "orders_2.csv")

    assert account.n_accepted == 2
    assert account.notes[-1].startswith("1 rows stand word for word in files landed before")


def test_large_files_are_compared_with_what_was_landed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land_lines(tmp_path, [f"C{i % 40},O{i},2025-01-01,{i},x" for i in range(100)])
    monkeypatch.setattr("warehouse.intake.ONE_PART_ROWS", 10)

    account = land_bytes(
        tmp_path, csv_bytes([f"C{i % 40},O{i},2025-01-01,{i},x" for i in range(50, 200)]), "orders_2.csv"
    )

    assert (account.n_accepted, account.n_duplicates) == (100, 50)


def test_a_future_row_is_accepted_when_its_day_has_come(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(csv_bytes([GOOD[0], "C5,O5,2026-03-01,3.00,Books"]))

    (before,) = land(shop(tmp_path), [path], today=TODAY)
    (after,) = land(shop(tmp_path), [path], today=date(2026, 3, 1))

    assert (before.n_accepted, before.revisit_on, after.n_accepted) == (1, "2026-03-01", 2)
    assert len(rows(tmp_path, "line_no")) == 2


def test_json_lines_land_by_key(tmp_path: Path) -> None:
    objects = [
        json.dumps({"customer": {"id": "C1"}, "order_id": "O1", "created_at": "2025-01-01T10:00:00Z", "total": 12.5}),
        "{not json",
        "[1]",
        "",
        json.dumps({"customer": {"id": None}, "order_id": "O2", "created_at": "2025-01-01", "total": "3"}),
    ]
    account = land_bytes(tmp_path, "\n".join(objects).encode(), "orders.jsonl", columns={"customer_id": "customer/id"})

    assert rows(tmp_path, "line_no, customer_id, amount, order_ts") == [(1, "C1", 12.5, datetime(2025, 1, 1, 10))]
    assert quarantined(tmp_path, "line_no, reasons, raw_text, amount") == [
        (2, "bad_json", "{not json", None),
        (3, "bad_json", "[1]", None),
        (5, "missing_customer", objects[4], 3.0),
    ]
    assert (account.n_lines, account.n_blank) == (5, 1)


def test_parquet_lands_with_types(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        "copy (select * from (values ('01', 7, timestamp '2025-01-01 10:00:00', 12.25, null), "
        "(null, 8, timestamp '2025-01-02', 1.0, 'x'))"
        f" t(customer_id, order_id, order_ts, amount, note)) to '{path}' (format parquet)"
    )

    (account,) = land(shop(tmp_path), [path], today=TODAY)

    assert rows(tmp_path, "line_no, customer_id, order_id, order_ts, amount") == [
        (1, "01", "7", datetime(2025, 1, 1, 10), 12.25)
    ]
    ((reasons, text),) = quarantined(tmp_path, "reasons, raw_text")
    assert reasons == "missing_customer"
    assert json.loads(text)["note"] == "x"
    assert account.n_lines == 2


def test_large_files_land_by_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.intake.ONE_PART_ROWS", 10)
    lines = [f"C{i % 40},O{i},2025-01-01,{i},x" for i in range(200)]

    account = land_lines(tmp_path, [*lines, lines[5], "bad"])

    assert (account.n_accepted, account.n_duplicates, account.n_quarantined) == (200, 1, 2)
    assert len(list((tmp_path / "data/landing/transactions").glob("*/accepted*.parquet"))) > 4
    assert {row[0] for row in rows(tmp_path, "bucket")} <= set(range(16))
    assert rows(tmp_path, "count(*) filter (bucket <> hash(customer_id) % 16) over ()")[0] == (0,)


def test_utc_is_moved_to_local_time(tmp_path: Path) -> None:
    land_lines(tmp_path, ["C1,O1,2025-01-01 02:00:00,1,x"], utc_offset_hours=-5)

    assert rows(tmp_path, "order_ts") == [(datetime(2024, 12, 31, 21),)]


_KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from clv.config import Paths, Settings
from warehouse import ingest, rejects
folder, step = Path(sys.argv[1]), sys.argv[2]
def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
steps = {"account": (ingest, "write_account"), "publish": (ingest, "_publish"), "quarantine": (rejects, "write_lines")}
holder, name = steps[step]
setattr(holder, name, die)
ingest.land(Settings(paths=Paths(data=folder / "data"), root=folder), [folder / "orders.csv"], today=date(2026, 1, 31))
"""


@pytest.mark.parametrize("step", ["quarantine", "account", "publish"])
def test_a_kill_leaves_nothing_half_landed(tmp_path: Path, step: str) -> None:
    (tmp_path / "orders.csv").write_bytes(csv_bytes([*GOOD, "bad"]))
    root = Path(__file__).parents[2]

    ended = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), step], cwd=root, check=False)

    assert ended.returncode == -signal.SIGKILL
    assert rows(tmp_path, "line_no") == []
    assert list((tmp_path / "data/landing/.tmp").iterdir())
    (account,) = land(shop(tmp_path), [tmp_path / "orders.csv"], today=TODAY)
    assert (account.n_accepted, account.n_quarantined) == (4, 1)
    assert not (tmp_path / "data/landing/.tmp").exists()


def test_a_kill_at_any_moment_leaves_nothing_half_landed(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(csv_bytes([f"C{i},O{i},2025-01-01,{i % 99},x" for i in range(300_000)]))
    root = Path(__file__).parents[2]
    running = subprocess.Popen(
        [sys.executable, "-c", _KILLED.replace("setattr(holder, name, die)", ""), str(tmp_path), "account"], cwd=root
    )
    temp, deadline = tmp_path / "data/landing/.tmp", time.monotonic() + 60
    while not (temp.is_dir() and any(temp.iterdir())) and running.poll() is None and time.monotonic() < deadline:
        pass

    running.kill()
    running.wait()

    assert list((tmp_path / "data/landing").glob("transactions/*/account.json")) == []
    (account,) = land(shop(tmp_path), [tmp_path / "orders.csv"], today=TODAY)
    assert account.n_accepted == 300_000


def test_progress_never_goes_back_and_ends_at_one(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(csv_bytes(GOOD))
    seen: list[float] = []

    land(shop(tmp_path), [tmp_path / "orders.csv"], today=TODAY, progress=lambda share, _message: seen.append(share))

    assert seen == sorted(seen)
    assert seen[-1] == 1.0

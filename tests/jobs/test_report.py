"""The executive summary as a PDF: what it says is what the queries say; what it cannot draw, it says in tables."""

import io
import json
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import psutil
import pypdf
import pytest

from clv.config import Business
from clv.errors import NoBuildError, RequestError
from dashboard.format import Format
from jobs import report
from jobs.catalog import job_named
from jobs.pdf import fonts
from jobs.pdf.book import CONTENT, Book, Cover, plain
from jobs.pdf.camera import Camera
from jobs.run import execute
from warehouse import outputs, publish, reports
from warehouse.ask import Warehouse
from warehouse.journal import Journal

NAME = "executive-summary"
LETTERS = "₹ € £ ¥ − – × … É ß Ž Ω Ж ễ → 0123456789"


def make(shop, **params):
    return execute(job_named("report"), shop.settings, by="a test", params=params)


def pdf_of(shop, build=None):
    build = build or publish.current_id(shop.settings.paths.data)
    return pypdf.PdfReader(reports.find(shop.settings.paths.reports, build, NAME).path)


def manifest_of(shop):
    with publish.lease(shop.settings.paths.data) as lease:
        return publish.manifest_of(lease.folder)


def made_of(shop):
    return reports.find(shop.settings.paths.reports, publish.current_id(shop.settings.paths.data), NAME)


def text_of(reader):
    """All words, with single blanks."""
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages).replace("\u00a0", " "))


def words_of(shop):
    business = shop.settings.business
    return Format(business.currency, business.locale, business.timezone)


def uris(reader):
    found = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    return [note["/A"]["/URI"] for note in found if "/A" in note and "/URI" in note["/A"]]


def with_business(shop, **changes):
    shop.settings = shop.settings.model_copy(update={"business": Business(**changes)})
    return shop


@pytest.fixture(scope="module")
def reported(trained_shop, tmp_path_factory):
    """The trained shop, scored a second time, with its report; not to be changed."""
    shop = trained_shop.copy(tmp_path_factory.mktemp("reported") / "data")
    with_business(shop, name="Tiny & Söhne", currency="GBP", locale="en_GB", timezone="Europe/London")
    _scored_before(shop, 1.1)
    shop.run("build")
    make(shop)
    return shop


def _scored_before(shop, times):
    """Let the customers have been scored a month earlier, by the same model, as worth *times* as much."""
    folder = shop.settings.paths.outputs
    now = outputs.read(folder, "predictions")
    before = now[["customer_id", "horizon_days", "as_of", "expected_revenue", "model_version"]].copy()
    before["as_of"] = (pd.to_datetime(before["as_of"]) - pd.Timedelta(days=31)).dt.date
    before["expected_revenue"] *= times
    before["expected_revenue_rescored"] = now["expected_revenue"]
    outputs.write(folder, "predictions_before", before)


@pytest.fixture(scope="module")
def text(reported):
    return text_of(pdf_of(reported))


@pytest.fixture(scope="module")
def ask(reported):
    warehouse = Warehouse(reported.settings.paths.data, reported.settings.engine)
    yield warehouse.query
    warehouse.close()


def test_the_answer_comes_first_and_is_the_headline_of_the_page(text, ask, reported):
    row, words = ask("summary/headline").iloc[0], words_of(reported)

    assert f"{words.count(row.n_customers)} customers brought {words.money(row.revenue_365d)}" in text
    assert f"expected to bring {words.money(row.expected_revenue)} in the next 90 days" in text
    for shown in (words.share(row.repeat_rate), words.count(row.n_active_90d), words.count(row.n_new_90d)):
        assert shown in text
    assert text.index("How are our customers doing") < text.index("customers brought") < text.index("What to do next")


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("summary/recommendations", {"n_customers": "count", "money": "money", "money_is": None}),
        (
            "summary/segments",
            {"segment": None, "n_customers": "count", "customer_share": "share", "expected_revenue": "money"},
        ),
        ("summary/personas", {"n_customers": "count", "expected_revenue": "money"}),
        (
            "summary/at_risk",
            {"n_customers": "count", "revenue": "money", "revenue_365d": "money", "expected_revenue": "money"},
        ),
        ("summary/bridge", {"n_customers": "count", "money": "money_exact"}),
        ("summary/retention_trend", {"n_returning": "count", "returning_share": None}),
        ("data/totals", {"n_accepted": "count", "n_quarantined": "count", "amount_quarantined": "money"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_number_of_the_query_stands_in_the_report(text, ask, reported, query, columns):
    words, frame = words_of(reported), ask(query)

    assert len(frame)
    for name, kind in columns.items():
        for value in frame[name]:
            shown = (
                words.words(value, kind) if kind else words.share(value, 1) if name.endswith("share") else str(value)
            )
            assert shown in text, f"{name} = {value!r}"


def test_the_same_words_are_there_as_text(reported, ask):
    text, words = made_of(reported).path.with_suffix(".md").read_text(), words_of(reported)

    row = ask("summary/headline").iloc[0]
    assert text.startswith("Retain · Tiny & Söhne")
    assert f"- **Customers** {words.count(row.n_customers)} (" in text
    for segment in ask("summary/segments").itertuples():
        assert f"| {segment.segment} | {words.count(segment.n_customers)} |" in text


def test_a_name_is_only_letters_in_the_text():
    assert plain("a|b <i> *x* _y_ #1") == r"a\|b \<i\> \*x\* \_y\_ \#1"


def test_the_bridge_adds_up_to_the_cent(ask):
    money = ask("summary/bridge")["money"].round(2).tolist()

    assert round(sum(money[:-1]), 2) == money[-1]


def test_it_says_how_far_to_trust_it(text, ask, reported):
    words = words_of(reported)
    row = ask("model/verdict", horizon_days=90).iloc[0]

    assert f"Total was off by {'+' if row.total_bias > 0 else ''}{words.share(row.total_bias, 1)}" in text
    assert f"80% intervals held {words.share(row.coverage_80)}" in text
    assert re.search(r"90 days: .* earlier periods", text)


def test_rows_in_are_rows_loaded_and_quarantined(text, ask, reported):
    words, row = words_of(reported), ask("data/headline").iloc[0]
    n_in, loaded, aside = (
        words.count(n) for n in (row.n_accepted + row.n_quarantined, row.n_accepted, row.n_quarantined)
    )

    assert f"{n_in} rows in = {loaded} loaded + {aside} quarantined" in text


def test_every_page_says_of_which_build_and_day_it_is(reported):
    reader, build = pdf_of(reported), manifest_of(reported)

    for number, page in enumerate(reader.pages, start=1):
        said = page.extract_text()
        assert build["id"] in said
        assert f"as of {words_of(reported).date(date.fromisoformat(build['as_of']))}" in said
        assert "Tiny & Söhne" in said
        assert f"Page {number} of {len(reader.pages)}" in said


def test_metadata_and_outline_lead_through_it(reported):
    reader = pdf_of(reported)
    made_at = datetime.fromisoformat(manifest_of(reported)["made_at"])

    titles = [one.title for part in reader.outline for one in (part if isinstance(part, list) else [part])]
    assert reader.metadata.title == "Executive summary · Tiny & Söhne"
    assert reader.metadata.author == "Tiny & Söhne"
    assert reader.metadata.creation_date == made_at.astimezone(UTC)
    assert titles[:3] == ["Executive summary", "What to do next", "Why customer equity changed"]
    assert {"Segments", "Who came back", "Value at risk", "How far to trust it", "Can the data be trusted?"} < set(
        titles
    )


def test_links_lead_to_the_customers_in_the_same_build(reported, ask):
    build = manifest_of(reported)["id"]
    found = uris(pdf_of(reported))

    for link in ask("summary/recommendations")["link"]:
        assert any(uri.startswith(f"http://127.0.0.1:8050{link}") and uri.endswith(f"build={build}") for uri in found)
    for segment in ask("summary/segments")["segment"]:
        assert f"http://127.0.0.1:8050/customers?segment={segment.replace(' ', '+')}&build={build}" in found


def test_a_headline_leads_to_the_meaning_of_its_words(reported):
    reader = pdf_of(reported)
    inside = [note.get_object() for note in reader.pages[0]["/Annots"] if "/Dest" in note.get_object()]

    last_page = max(reader.get_page_number(note["/Dest"][0].get_object()) for note in inside)
    assert "What the words mean" in reader.pages[last_page].extract_text()


def test_the_same_build_gives_the_same_file(reported):
    path = made_of(reported).path
    before = path.read_bytes()

    make(reported)

    assert path.read_bytes() == before


def test_nothing_of_this_machine_is_in_it(reported):
    reader = pdf_of(reported)

    content = b"".join(page.get_contents().get_data() for page in reader.pages) + made_of(reported).path.read_bytes()
    assert str(reported.settings.paths.data).encode() not in content


def test_without_a_browser_tables_stand_in_place_of_charts_and_it_says_so(reported, text, ask):
    words, trend = words_of(reported), ask("summary/retention_trend")
    made = made_of(reported)

    assert "Tables stand in place of charts: no Chrome or Chromium was found." in text
    assert made.missing_charts == "no Chrome or Chromium was found"
    assert words.count(trend["n_earlier_customers"].iloc[-1]) in text
    assert not [image for page in pdf_of(reported).pages for image in page.images]


def test_a_browser_that_does_not_start_is_no_browser(trained_shop):
    with Camera(trained_shop.settings.paths.cache, browser="/bin/false") as camera:
        assert camera.picture(go.Figure(), 100, 100) is None
        assert "could not draw" in camera.missing


@pytest.mark.browser
def test_charts_are_drawn_by_one_browser_and_give_the_same_file_again(shop_copy, monkeypatch):
    monkeypatch.delenv("BROWSER_PATH")
    _scored_before(shop_copy, 0.9)
    shop_copy.run("build")

    detail = make(shop_copy)
    reader = pdf_of(shop_copy)
    first = reports.find(shop_copy.settings.paths.reports, detail["build_id"], NAME).path.read_bytes()
    make(shop_copy)

    assert detail["missing_charts"] == ""
    pictures = [image.image.size for page in reader.pages for image in page.images if image.image.width > 1000]
    assert len(pictures) == 2
    assert "Tables stand in place" not in text_of(reader)
    assert reports.find(shop_copy.settings.paths.reports, detail["build_id"], NAME).path.read_bytes() == first


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", ["Nobody has bought yet", "No customers yet", "Not two months yet", "No warning sign"]),
        (
            "a,1,2026-01-01,10 a,2,2026-02-01,20 b,3,2026-02-02,5",
            ["2 customers brought", "Not trained yet", "No predictions yet"],
        ),
        ("a,1,2026-01-01,9999999 a,2,2026-02-01,0.01", ["1 customer brought $10M"]),
    ],
    ids=["nobody", "no model", "huge and tiny"],
)
def test_a_shop_of_any_kind_has_a_report(shop_of, lines, said):
    shop = shop_of(lines)

    make(shop)

    text = text_of(pdf_of(shop))
    for words in said:
        assert words in text


@pytest.mark.parametrize(
    ("currency", "locale", "money"),
    [
        ("INR", "en_IN", "₹2.35L"),
        ("EUR", "de_DE", "235.000\u00a0€"),
        ("GBP", "en_GB", "£235K"),
        ("JPY", "ja_JP", "¥235K"),
    ],
    ids=["rupee", "euro", "pound", "yen"],
)
def test_money_is_written_as_the_shop_writes_it(shop_of, currency, locale, money):
    name = "A very long name of a shop that sells all things that one can think of, and then some more, and sons, Ltd."
    shop = with_business(shop_of("a,1,2026-01-01,234567.89"), name=name, currency=currency, locale=locale)

    make(shop)

    text = text_of(pdf_of(shop))
    assert money.replace("\u00a0", " ") in text
    assert "A very long name of a shop" in text


def test_an_older_build_has_a_report_of_its_own(shop_copy):
    older = publish.current_id(shop_copy.settings.paths.data)
    _scored_before(shop_copy, 1.0)
    newer = shop_copy.run("build")["build_id"]

    make(shop_copy, build=older, name=NAME)

    assert [one.build_id for one in reports.made(shop_copy.settings.paths.reports)] == [older]
    assert older != newer
    # it was published before anybody was scored
    assert "Not trained yet" in text_of(pdf_of(shop_copy, older))


@pytest.mark.parametrize(
    ("params", "error"),
    [({"name": "../../etc"}, RequestError), ({"build": "../x"}, NoBuildError)],
    ids=["name", "build"],
)
def test_what_there_is_not_cannot_be_asked_for(shop_copy, params, error):
    with pytest.raises(error):
        make(shop_copy, **params)


def test_the_reports_of_the_newest_builds_are_kept_and_the_one_just_asked_for(tmp_path):
    one = reports.REPORTS[NAME]
    for number in range(4):
        reports.write(tmp_path, f"2026010{number}T000000-aaaaaa", one, {"pdf": b"x"}, {})
    (tmp_path / "20260103T000000-aaaaaa" / ".left.pdf.1.part").write_bytes(b"half")

    gone = reports.keep_newest(tmp_path, 2, but="20260100T000000-aaaaaa")

    assert gone == ["20260101T000000-aaaaaa"]
    assert [made.build_id[:8] for made in reports.made(tmp_path)] == ["20260103", "20260102", "20260100"]
    assert not list(tmp_path.rglob("*.part"))


KILLED = """
import os, signal, sys
from pathlib import Path
from warehouse import reports
syncs = []
def fsync(number):
    syncs.append(number)
    if len(syncs) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
reports.write(Path(sys.argv[1]), "b", reports.REPORTS["executive-summary"], {"pdf": b"new" * 1000}, {"n": 1})
"""


@pytest.mark.parametrize("at", [1, 2], ids=["facts", "pdf"])
def test_a_job_that_is_killed_leaves_the_old_report_or_none(tmp_path, at):
    process = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(at)], cwd=Path(__file__).parents[2])
    none = reports.find(tmp_path, "b", NAME)
    reports.write(tmp_path, "b", reports.REPORTS[NAME], {"pdf": b"old"}, {})
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(at)], cwd=Path(__file__).parents[2])

    assert process.returncode == -signal.SIGKILL
    assert none is None
    assert reports.find(tmp_path, "b", NAME).path.read_bytes() == b"old"


REPORTING = """
import sys
from clv.config import Settings
from jobs.catalog import job_named
from jobs.run import execute
execute(job_named("report"), Settings.model_validate_json(sys.argv[1]), by="a test")
"""


@pytest.mark.browser
def test_a_job_that_is_killed_while_it_draws_leaves_nothing_and_no_browser(shop_copy, monkeypatch):
    monkeypatch.delenv("BROWSER_PATH")
    shop_copy.run("build")
    journal, pause, drawing = Journal(shop_copy.settings.journal_url), threading.Event(), []
    process = subprocess.Popen(
        [sys.executable, "-c", REPORTING, shop_copy.settings.model_dump_json()],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )

    while process.poll() is None and len(drawing) < 2:  # the process that draws, and its browser
        drawing = psutil.Process(process.pid).children(recursive=True)
        pause.wait(0.01)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(drawing, timeout=30)
    (orphan,) = journal.runs.abort_orphans()
    journal.close()

    assert len(drawing) >= 2
    assert not alive
    assert orphan.job == "report"
    assert not [path for path in shop_copy.settings.paths.reports.rglob("*") if path.is_file()]


def test_every_report_has_its_writer():
    assert set(report.WRITERS) == set(reports.REPORTS)


def empty_book(shop):
    cache = shop.settings.paths.cache
    cover = Cover("p", "s", "t", "b", "n", datetime(2026, 1, 1, tzinfo=UTC))
    return Book(cover, fonts.inter(cache), fonts.letters(cache))


def test_a_letter_that_the_font_lacks_does_not_vanish(trained_shop):
    book = empty_book(trained_shop)

    book.text(50, 100, "<東> \x07 Čaj", 12)

    assert "<?>   Čaj" in pypdf.PdfReader(io.BytesIO(book.bytes())).pages[0].extract_text().replace("\u00a0", " ")


def test_the_font_prints_what_shops_write_and_its_figures_are_of_one_width(trained_shop):
    book = empty_book(trained_shop)

    book.text(50, 100, LETTERS, 12)

    assert set(LETTERS) <= fonts.letters(trained_shop.settings.paths.cache)
    assert len({round(book.width(digit, 10, weight), 3) for digit in "0123456789" for weight in ("regular",)}) == 1
    assert LETTERS in text_of(pypdf.PdfReader(io.BytesIO(book.bytes())))


def test_words_that_are_too_long_are_cut_and_lines_broken(trained_shop):
    book = empty_book(trained_shop)

    lines = book.lines("one two " + "x" * 500 + " three", 9, CONTENT)

    assert book.fitted("x" * 500, 9, "regular", 100).endswith("…")
    assert all(sum(book.width(text, 9, weight) for text, weight in line) <= CONTENT for line in lines)
    assert "".join(text for line in lines for text, _ in line).endswith("three")


def test_the_facts_beside_it_say_what_it_was_made_from(reported):
    made = reports.made(reported.settings.paths.reports)[0]

    assert json.loads(made.path.with_suffix(".json").read_text())["n_pages"] == len(pdf_of(reported).pages)

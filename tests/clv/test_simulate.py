from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clv import simulate
from clv.simulate import HORIZONS_DAYS, Shop, shop_plan, simulate_block, simulate_shop
from clv.simulate_customers import ACTIONS, DAYS_PER_MONTH, EFFECT_DAYS, PERSONAS
from clv.simulate_truth import purchase_intensity

END = date(2026, 11, 1)
TABLES = ("transactions", "customers", "cart_events", "campaigns", "truth")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate_shop(40_000, 24, 7, END)


@pytest.fixture(scope="module")
def lines(shop: Shop) -> pd.DataFrame:
    frame = shop.transactions.to_pandas()
    return frame.assign(amount=frame["amount"].astype(float))


@pytest.fixture(scope="module")
def status(shop: Shop) -> pd.DataFrame:
    return shop.customers.to_pandas().set_index("customer_id")


@pytest.fixture(scope="module")
def truth(shop: Shop) -> pd.DataFrame:
    return shop.truth.to_pandas().set_index("customer_id")


def z_of_mean(values: pd.Series) -> float:
    return float(values.mean() / (values.std() / np.sqrt(len(values))))


def test_same_seed_gives_the_same_shop() -> None:
    first, second = (simulate_shop(500, 12, 3, END) for _ in range(2))

    assert all(getattr(first, name).equals(getattr(second, name)) for name in TABLES)


def test_another_seed_gives_another_shop() -> None:
    assert not simulate_shop(500, 12, 3, END).transactions.equals(simulate_shop(500, 12, 4, END).transactions)


def test_a_block_does_not_depend_on_the_blocks_made_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "BLOCK", 200)
    plan = shop_plan(500, 12, 3, END)

    backwards = [simulate_block(plan, index) for index in (2, 1, 0)][::-1]

    whole = simulate_shop(500, 12, 3, END)
    for name in TABLES:
        parts = [getattr(block, name).to_pandas() for block in backwards]
        pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), getattr(whole, name).to_pandas())


def test_every_customer_has_a_purchase_inside_the_history(lines: pd.DataFrame, status: pd.DataFrame) -> None:
    assert set(lines.loc[~lines["is_return"], "customer_id"]) == set(status.index)
    assert lines["order_date"].min() >= pd.Timestamp(2024, 11, 1)
    assert lines["order_date"].max() < pd.Timestamp(END)
    assert lines["order_date"].max() >= pd.Timestamp(END) - pd.Timedelta(days=1)


def test_the_shop_has_the_shape_that_was_asked_for(status: pd.DataFrame) -> None:
    orders = status["total_orders"]

    assert 4.5 < orders.mean() < 6.5
    assert 0.42 < (orders == 1).mean() < 0.55
    assert orders.quantile(0.99) > 30
    assert orders.max() > 100


def test_status_totals_agree_with_the_order_log(lines: pd.DataFrame, status: pd.DataFrame) -> None:
    bought = lines[~lines["is_return"]]

    assert (lines.groupby("customer_id")["amount"].sum() - status["total_revenue"].astype(float)).abs().max() < 0.005
    assert (bought.groupby("customer_id")["order_id"].nunique() == status["total_orders"]).all()
    assert (bought.groupby("customer_id")["category"].nunique() == status["distinct_categories"]).all()
    assert (bought.groupby("customer_id")["channel"].nunique() == status["distinct_channels"]).all()
    assert (bought.groupby("customer_id")["order_date"].min().dt.date == status["first_order_date"]).all()


def test_no_two_lines_are_the_same_and_some_orders_have_several(lines: pd.DataFrame) -> None:
    assert not lines.duplicated().any()
    assert 1.3 < lines[~lines["is_return"]].groupby("order_id").size().mean() < 1.8


def test_returns_are_negative_and_come_after_what_they_return(lines: pd.DataFrame) -> None:
    returns = lines[lines["is_return"]]
    bought = lines[~lines["is_return"]].set_index(["order_id", "product"])

    original = bought.loc[list(zip(returns["order_id"].str.replace("R", "O"), returns["product"], strict=True))]

    assert (returns["amount"] < 0).all()
    assert (returns["quantity"] < 0).all()
    assert np.allclose(returns["amount"], -original["amount"])
    wait = returns["order_date"].dt.normalize() - original["order_date"].dt.normalize().array
    assert wait.min() >= pd.Timedelta(days=3)
    assert wait.max() <= pd.Timedelta(days=28)
    assert 0.02 < len(returns) / len(bought) < 0.06


@pytest.mark.parametrize("horizon", HORIZONS_DAYS)
@pytest.mark.parametrize("what", ["orders", "revenue"])
def test_truth_is_the_mean_of_what_happens(truth: pd.DataFrame, what: str, horizon: int) -> None:
    error = truth[f"realised_{what}_{horizon}d"] - truth[f"expected_{what}_{horizon}d"]

    assert abs(z_of_mean(error)) < 3


def test_truth_is_right_for_each_persona(truth: pd.DataFrame) -> None:
    error = (truth["realised_orders_180d"] - truth["expected_orders_180d"]).groupby(truth["persona"])

    assert error.agg(z_of_mean).abs().max() < 3.5


def test_truth_is_right_in_each_decile_of_itself(truth: pd.DataFrame) -> None:
    alive = truth[truth["is_alive"]]
    decile = pd.qcut(alive["expected_orders_90d"], 10, labels=False)

    error = (alive["realised_orders_90d"] - alive["expected_orders_90d"]).groupby(decile)

    assert error.agg(z_of_mean).abs().max() < 3.5


def test_who_has_left_buys_nothing_more(truth: pd.DataFrame) -> None:
    left = truth[~truth["is_alive"]]

    assert left["realised_orders_365d"].sum() == 0
    assert left["expected_orders_365d"].sum() == 0


@pytest.mark.parametrize("regularity", [1, 2, 4], ids=["poisson", "erlang-2", "erlang-4"])
def test_expected_purchases_agree_with_a_simulated_process(regularity: int) -> None:
    rate, p, hazard, idle, span, n = 0.05, 0.2, 0.004, 12.0, 90.0, 60_000
    rng = np.random.default_rng(11)
    gaps = rng.gamma(regularity, 1 / (regularity * rate), (n * 4, 40))
    gaps = gaps[gaps[:, 0] > idle][:n]
    gaps[:, 0] -= idle
    n = len(gaps)
    times = np.cumsum(gaps, axis=1)
    stays = np.cumprod(rng.random(times.shape) >= p, axis=1)
    stays = np.concatenate([np.ones((n, 1)), stays[:, :-1]], axis=1)
    counts = ((times < np.minimum(span, rng.exponential(1 / hazard, n))[:, None]) & (stays == 1)).sum(1)

    grid = np.linspace(0, span, 4001)
    one = np.ones(1)
    density = purchase_intensity(grid[None, :], rate * one, p * one, hazard * one, np.array([regularity]), idle * one)[
        0
    ]

    expected = np.trapezoid(density, grid)
    assert abs(counts.mean() - expected) < 3 * counts.std() / np.sqrt(n)


@pytest.mark.parametrize("index", range(len(PERSONAS)), ids=[p.name for p in PERSONAS])
def test_rates_of_a_persona_are_gamma(truth: pd.DataFrame, status: pd.DataFrame, index: int) -> None:
    persona = PERSONAS[index]
    is_of_it = (truth["persona"] == persona.name) & ~status["is_subscriber"]
    rates = truth.loc[is_of_it, "rate_per_day"]
    scale = persona.orders_per_month / persona.rate_shape / DAYS_PER_MONTH

    assert stats.kstest(rates, stats.gamma(persona.rate_shape, scale=scale).cdf).pvalue > 0.001


def test_personas_differ_in_rate_spend_breadth_discount_and_regularity(
    lines: pd.DataFrame, status: pd.DataFrame
) -> None:
    bought = lines[~lines["is_return"]]
    orders = bought.groupby(["customer_id", "order_id", "persona"], as_index=False).agg(
        at=("order_date", "first"), amount=("amount", "sum")
    )
    orders = orders.sort_values(["customer_id", "at"])
    orders["gap"] = orders.groupby("customer_id")["at"].diff().dt.total_seconds() / 86_400
    spread = orders.groupby(["persona", "customer_id"])["gap"].agg(["count", "mean", "std"]).query("count >= 10")
    by_persona = pd.DataFrame(
        {
            "rate": status.groupby("persona")["total_orders"].mean(),
            "spend": orders.groupby("persona")["amount"].mean(),
            "breadth": status[status["total_orders"] >= 5].groupby("persona")["distinct_categories"].mean(),
            "discount": bought["discount"].astype(float).gt(0).groupby(bought["persona"]).mean(),
            "cv": (spread["std"] / spread["mean"]).groupby("persona").mean(),
        }
    )

    assert (by_persona.max() / by_persona.min()).drop(["breadth", "cv"]).gt(3).all()
    assert by_persona["breadth"].max() / by_persona["breadth"].min() > 1.3
    assert by_persona["cv"].max() / by_persona["cv"].min() > 1.5
    assert by_persona["discount"].idxmax() == "bargain_hunter"
    assert by_persona["cv"].idxmin() == "regular"


def test_there_are_seasons_in_the_year_the_week_and_the_day(lines: pd.DataFrame) -> None:
    at = lines.loc[~lines["is_return"], "order_date"].dt
    months = at.strftime("%Y-%m").value_counts()
    days = at.day_of_week.value_counts()
    hours = at.hour.value_counts()

    assert months["2025-12"] > 1.2 * months["2025-10"]
    assert days[5] > 1.1 * days[1]
    assert hours[20] > 10 * hours[3]


def test_customers_arrive_all_over_the_history(status: pd.DataFrame) -> None:
    arrivals = pd.to_datetime(status["first_order_date"]).dt.to_period("M").value_counts(normalize=True)

    assert len(arrivals) == 24
    assert arrivals.max() < 0.08


def test_converted_carts_match_an_order_of_the_same_customer_and_value(shop: Shop, lines: pd.DataFrame) -> None:
    carts = shop.cart_events.to_pandas()
    orders = lines[~lines["is_return"]].groupby(["customer_id", "order_id"], as_index=False)
    orders = orders.agg(order_date=("order_date", "first"), value=("amount", "sum"))
    converted = carts[carts["converted"]].assign(cart_value=lambda frame: frame["cart_value"].astype(float))

    pairs = converted.merge(orders, on="customer_id")
    wait = pairs["order_date"] - pairs["event_date"]
    pairs = pairs[(wait >= pd.Timedelta(0)) & (wait <= pd.Timedelta(minutes=90))]
    matched = pairs[(pairs["cart_value"] - pairs["value"]).abs() < 0.005]["event_id"].nunique()

    # A cart at the shop's opening may be pushed to its first second; no other may miss its order.
    assert matched >= len(converted) - 2
    assert 0.3 < carts["converted"].mean() < 0.7
    assert carts["event_id"].is_unique


def test_control_is_a_random_part_of_each_experiment(shop: Shop, lines: pd.DataFrame, truth: pd.DataFrame) -> None:
    sent = shop.campaigns.to_pandas()
    for _, campaign in sent.groupby("campaign_id"):
        before = lines[lines["order_date"] < campaign["sent_ts"].iloc[0]].groupby("customer_id")["amount"].sum()
        campaign = campaign.set_index("customer_id").assign(before=before, rate=truth["rate_per_day"])
        is_treated = campaign["treated"] == 1

        assert stats.binomtest(int(is_treated.sum()), len(campaign), campaign["propensity"].iloc[0]).pvalue > 1e-3
        for column in ("before", "rate"):
            log = np.log(campaign[column].clip(lower=0.01))
            assert stats.ttest_ind(log[is_treated], log[~is_treated], equal_var=False).pvalue > 1e-3


def orders_after_campaigns(shop: Shop, lines: pd.DataFrame) -> pd.DataFrame:
    sent = shop.campaigns.to_pandas()
    bought = lines.loc[~lines["is_return"], ["customer_id", "order_id", "order_date"]].drop_duplicates("order_id")
    pairs = sent.merge(bought, on="customer_id")
    wait = pairs["order_date"] - pairs["sent_ts"]
    pairs = pairs[(wait >= pd.Timedelta(0)) & (wait < pd.Timedelta(days=EFFECT_DAYS))]
    counts = pairs.groupby(["campaign_id", "customer_id"]).size().rename("n_orders").reset_index()
    return sent.merge(counts, how="left").fillna({"n_orders": 0})


@pytest.mark.parametrize("action", ACTIONS)
def test_intention_to_treat_shows_the_effect(shop: Shop, lines: pd.DataFrame, action: str) -> None:
    readout = orders_after_campaigns(shop, lines).query("action == @action")

    treated, control = (readout.loc[readout["treated"] == side, "n_orders"] for side in (1, 0))

    assert treated.mean() > control.mean()
    assert stats.ttest_ind(treated, control, equal_var=False).pvalue < 0.01


def test_sleeping_dogs_buy_less_when_treated(shop: Shop, lines: pd.DataFrame, truth: pd.DataFrame) -> None:
    readout = orders_after_campaigns(shop, lines)
    dogs = readout[readout["customer_id"].map(truth["is_sleeping_dog"])]

    treated, control = (dogs.loc[dogs["treated"] == side, "n_orders"] for side in (1, 0))

    assert treated.mean() < 0.8 * control.mean()
    assert stats.ttest_ind(treated, control, equal_var=False).pvalue < 0.01
    assert (truth.loc[truth["is_sleeping_dog"] & truth["is_alive"], "effect_orders_email"] < 0).all()


def test_best_action_differs_between_customers(truth: pd.DataFrame) -> None:
    alive = truth[truth["is_alive"]]

    best = alive[[f"effect_revenue_{action}" for action in ACTIONS]].idxmax(axis=1).value_counts(normalize=True)

    assert len(best) == len(ACTIONS)
    assert best.min() > 0.05


def test_addresses_are_plain_unique_and_lead_nowhere(status: pd.DataFrame) -> None:
    assert status["email"].is_unique
    assert status["email"].str.fullmatch(r"[a-z.-]+\d+@example\.(com|org|net)").all()
    assert status["name"].str.contains("'").any()
    assert status["name"].str.contains("ł").any()


def test_the_given_churn_flag_is_a_rule_and_not_the_truth(status: pd.DataFrame, truth: pd.DataFrame) -> None:
    silent = pd.Timestamp(END) - pd.to_datetime(status["last_order_date"]) > pd.Timedelta(days=120)

    assert (silent == status["is_churned"]).all()
    assert 0.03 < (status["is_churned"] == truth["is_alive"]).mean() < 0.5


@pytest.mark.parametrize(("n_customers", "n_months"), [(1, 1), (3, 2), (50, 4)])
def test_small_shops_work(n_customers: int, n_months: int) -> None:
    shop = simulate_shop(n_customers, n_months, 0, date(2026, 3, 31))

    assert shop.customers.num_rows == shop.truth.num_rows == n_customers


@pytest.mark.parametrize(("n_customers", "n_months", "seed"), [(0, 24, 7), (10, 0, 7), (10, 24, -1)])
def test_impossible_shops_are_refused(n_customers: int, n_months: int, seed: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        simulate_shop(n_customers, n_months, seed, END)


def test_activity_raises_the_number_of_orders() -> None:
    quiet, busy = (simulate_shop(3000, 24, 7, END, activity=activity) for activity in (1.0, 5.0))

    assert np.mean(busy.customers["total_orders"].to_numpy()) > 3 * np.mean(quiet.customers["total_orders"].to_numpy())

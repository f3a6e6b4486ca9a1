"""The synthetic shop: order log, customer file, carts and campaigns, with the hidden truth beside them.

It exists so that every page has something true to say and every estimate can be checked against what is so. It is not
a model of anybody's shop. The parts: `simulate_customers` (who), `simulate_orders` (what they do), `simulate_truth`
(what that is worth), `simulate_names` (made-up names); here they become tables. The formulas: docs/synthetic-shop.md.

Customers are made in blocks of BLOCK, each from its own random stream, so that a million of them need the memory of one
block and the result does not depend on how many blocks are made at a time, nor in which order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clv.simulate_customers import (
    ACQUISITION_CHANNELS,
    ACTION_COSTS,
    ACTIONS,
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    HALT_AFTER_DAYS,
    PERSONAS,
    PLANS,
    Floats,
    Ints,
    Latents,
    catalogue_products,
    draw_latents,
)
from clv.simulate_names import emails, full_names
from clv.simulate_orders import (
    SEND_HOUR,
    Campaign,
    Clock,
    Lines,
    Purchases,
    campaign_calendar,
    second_of_day,
    shop_clock,
    simulate_lines,
    simulate_purchases,
)
from clv.simulate_truth import expectations, realised

BLOCK = 16_384
HORIZONS_DAYS = (30, 90, 180, 365)
GROWTH_PER_YEAR = 0.25
"""New customers come this much faster after a year."""
CART_SHARE = 0.35
"""Share of purchases that were seen as a cart before."""
ABANDONED_CARTS = 0.4
"""Carts left behind after each purchase, on average, by those who are still customers."""
ABANDONED_AFTER_DAYS = 20.0
MINUTE = 60
DAY = 86_400


@dataclass(frozen=True)
class Shop:
    """Tables of a shop, or of one block of its customers."""

    transactions: pa.Table
    """One row per order line, and one per line that came back."""
    customers: pa.Table
    cart_events: pa.Table
    campaigns: pa.Table
    """One row per customer and campaign, treated or control."""
    truth: pa.Table
    """One row per customer; nothing that a product may read."""


@dataclass(frozen=True)
class Plan:
    """What is to be simulated, and what is the same for all blocks."""

    n_customers: int
    seed: int
    activity: float
    clock: Clock
    campaigns: tuple[Campaign, ...]
    first_day_quantile: Floats

    @property
    def n_blocks(self) -> int:
        """Blocks of at most BLOCK customers."""
        return math.ceil(self.n_customers / BLOCK)


def shop_plan(n_customers: int, n_months: int, seed: int, end_date: date, *, activity: float = 1.0) -> Plan:
    """The plan of a shop.

    Args:
        n_customers: customers with at least one purchase.
        n_months: length of the known history.
        seed: the same seed gives the same shop.
        end_date: the first day that is not known.
        activity: factor on every purchase rate; the odds to leave after a purchase fall by it. 5 gives about twenty
            orders per customer in 24 months.

    Raises:
        ValueError: a number is out of range.
    """
    if n_customers < 1 or n_months < 1 or seed < 0 or not activity > 0:
        raise ValueError(
            "customers, months and activity must be positive, the seed not negative; "
            f"found {n_customers}, {n_months}, {activity} and {seed}"
        )
    opening = _months_before(end_date, n_months)
    n_days = (end_date - opening).days
    clock = shop_clock(opening, n_days, max(HORIZONS_DAYS))
    arrivals = clock.pace[:, :n_days].mean(0) * (1 + GROWTH_PER_YEAR) ** (np.arange(n_days) / 365.25)
    arrived = np.concatenate([[0.0], np.cumsum(arrivals)])
    days = np.arange(n_days + 1, dtype=float)
    days[-1] -= 1e-6
    quantile = np.interp(np.linspace(0, arrived[-1], 8 * n_days + 1), arrived, days)
    return Plan(n_customers, seed, activity, clock, campaign_calendar(n_days, opening), quantile)


def _months_before(day: date, n_months: int) -> date:
    index = day.year * 12 + day.month - 1 - n_months
    first = date(index // 12, index % 12 + 1, 1)
    following = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    return first.replace(day=min(day.day, (following - first).days))


def simulate_block(plan: Plan, index: int) -> Shop:
    """The tables of block *index* of the shop's customers."""
    streams = np.random.SeedSequence(plan.seed, spawn_key=(index,)).spawn(5)
    who, when, what, carts, names = (np.random.default_rng(stream) for stream in streams)
    numbers = np.arange(index * BLOCK, min((index + 1) * BLOCK, plan.n_customers)) + 1
    latents = draw_latents(who, numbers, plan.first_day_quantile, plan.activity)
    purchases = simulate_purchases(when, latents, plan.clock, plan.campaigns)
    lines = simulate_lines(what, latents, plan.clock, purchases)
    ids = _joined("C", _padded(numbers, 7))
    last_day = np.zeros(len(numbers))
    known = purchases.day < plan.clock.n_days
    np.maximum.at(last_day, purchases.customer[known], purchases.day[known])
    given = _Given(ids, latents, last_day < plan.clock.n_days - HALT_AFTER_DAYS)
    return Shop(
        transactions=_transactions(plan.clock, given, purchases, lines),
        customers=_customers(names, plan.clock, given, purchases, lines),
        cart_events=_cart_events(carts, plan.clock, given, purchases, lines),
        campaigns=_campaigns(plan, given, purchases),
        truth=_truth(plan.clock, given, purchases, lines),
    )


def simulate_blocks(plan: Plan) -> Iterator[Shop]:
    """The shop, block by block."""
    return (simulate_block(plan, index) for index in range(plan.n_blocks))


def simulate_shop(n_customers: int, n_months: int, seed: int, end_date: date, *, activity: float = 1.0) -> Shop:
    """The whole shop at once; see `shop_plan` for the arguments."""
    blocks = list(simulate_blocks(shop_plan(n_customers, n_months, seed, end_date, activity=activity)))
    names = ("transactions", "customers", "cart_events", "campaigns", "truth")
    return Shop(**{name: pa.concat_tables([getattr(block, name) for block in blocks]) for name in names})


@dataclass(frozen=True)
class _Given:
    """What several tables say about each customer of the block."""

    ids: pa.Array
    latents: Latents
    is_churned: npt.NDArray[np.bool_]

    def columns(self, rows: Ints) -> dict[str, pa.Array]:
        return {
            "persona": _words([p.name for p in PERSONAS], self.latents.persona[rows]),
            "is_subscriber": pa.array(self.latents.plan[rows] >= 0),
            "subscription_plan": _words([*PLANS, "none"], self.latents.plan[rows] % (len(PLANS) + 1)),
            "is_churned": pa.array(self.is_churned[rows]),
        }


def _transactions(clock: Clock, given: _Given, purchases: Purchases, lines: Lines) -> pa.Table:
    bought = np.flatnonzero(purchases.day[lines.purchase] < clock.n_days)
    returned = np.flatnonzero(lines.return_day < clock.n_days)
    line = np.concatenate([bought, returned])
    is_return = np.repeat([False, True], [len(bought), len(returned)])
    purchase = lines.purchase[line]
    second = _seconds(np.where(is_return, lines.return_day[line], purchases.day[purchase]))
    customer = purchases.customer[purchase]
    order = np.argsort(customer * (clock.time.shape[1] * DAY) + second, kind="stable")
    line, is_return, purchase, second, customer = (a[order] for a in (line, is_return, purchase, second, customer))
    sign = np.where(is_return, -1, 1)
    n_variants = len(catalogue_products()) // len(CATEGORIES)
    order_ids = _joined(_padded(given.latents.number[purchases.customer], 7), "-", _padded(purchases.sequence, 3))
    columns = given.columns(customer)
    return pa.table(
        {
            "customer_id": given.ids.take(pa.array(customer)),
            "order_id": _joined(_words(["O", "R"], is_return.astype(np.int64)), order_ids.take(pa.array(purchase))),
            "order_date": _timestamps(clock, second),
            "amount": _money(sign * lines.amount_cents[line]),
            "category": _words(CATEGORIES, lines.product[line] // n_variants),
            "channel": _words(CHANNELS, lines.channel[line]),
            "is_repeat": pa.array(purchases.sequence[purchase] > 1),
            **columns,
            "quantity": pa.array(sign * lines.quantity[line]),
            "discount": _money(sign * lines.discount_cents[line]),
            "product": _words(catalogue_products(), lines.product[line]),
            "country": _words(COUNTRIES, given.latents.country[customer]),
            "is_return": pa.array(is_return),
        }
    )


def _customers(rng: np.random.Generator, clock: Clock, given: _Given, purchases: Purchases, lines: Lines) -> pa.Table:
    n = len(given.ids)
    latents = given.latents
    known = purchases.day < clock.n_days
    who = purchases.customer[known]
    first, last = np.full(n, np.inf), np.zeros(n)
    np.minimum.at(first, who, purchases.day[known])
    np.maximum.at(last, who, purchases.day[known])
    line_day, line_customer = purchases.day[lines.purchase], purchases.customer[lines.purchase]
    net = ((line_day < clock.n_days) * 1 - (lines.return_day < clock.n_days)) * lines.amount_cents
    is_known = line_day < clock.n_days
    names = full_names(rng, latents.country)
    columns = given.columns(np.arange(n))
    return pa.table(
        {
            "customer_id": given.ids,
            **columns,
            "first_order_date": _dates(clock, first),
            "last_order_date": _dates(clock, last),
            "total_orders": pa.array(np.bincount(who, minlength=n)),
            "total_revenue": _money(np.round(np.bincount(line_customer, net, minlength=n)).astype(np.int64)),
            "distinct_categories": _n_distinct(
                line_customer[is_known], lines.product[is_known] // (len(catalogue_products()) // len(CATEGORIES)), n
            ),
            "distinct_channels": _n_distinct(line_customer[is_known], lines.channel[is_known], n),
            "name": pa.array(names),
            "email": pa.array(emails(names, latents.number.tolist())),
            "country": _words(COUNTRIES, latents.country),
            "acquisition_channel": _words(ACQUISITION_CHANNELS, latents.acquisition),
            "acquisition_cost": _money(latents.acquisition_cost_cents),
            "consent": pa.array(latents.has_consent),
        }
    )


def _cart_events(rng: np.random.Generator, clock: Clock, given: _Given, purchases: Purchases, lines: Lines) -> pa.Table:
    known = np.flatnonzero(purchases.day < clock.n_days)
    value = np.bincount(lines.purchase, lines.amount_cents, minlength=len(purchases.day)).astype(np.int64)
    first_line = np.searchsorted(lines.purchase, np.arange(len(purchases.day)))
    category = lines.product[first_line] // (len(catalogue_products()) // len(CATEGORIES))
    channel = lines.channel[first_line]

    converted = known[rng.random(len(known)) < CART_SHARE]
    second = _seconds(purchases.day[converted]) - rng.integers(2 * MINUTE, 90 * MINUTE, len(converted))
    source = np.repeat(known, rng.poisson(ABANDONED_CARTS, len(known)))
    day = purchases.day[source] + rng.exponential(ABANDONED_AFTER_DAYS, len(source))
    death = purchases.death_day[purchases.customer[source]]
    factor = rng.uniform(0.4, 1.8, len(source))
    stays = (day < clock.n_days) & ~(day >= death)
    source, day, factor = source[stays], day[stays], factor[stays]

    is_converted = np.repeat([True, False], [len(converted), len(source)])
    second = np.maximum(np.concatenate([second, _seconds(day)]), 0)
    cents = np.concatenate([value[converted], np.maximum(np.round(value[source] * factor).astype(np.int64), 100)])
    purchase = np.concatenate([converted, source])
    customer = purchases.customer[purchase]
    order = np.lexsort((second, customer))
    purchase, customer, second, cents, is_converted = (
        a[order] for a in (purchase, customer, second, cents, is_converted)
    )
    number = np.arange(len(order)) - np.searchsorted(customer, customer) + 1
    return pa.table(
        {
            "customer_id": given.ids.take(pa.array(customer)),
            "event_id": _joined("E", _padded(given.latents.number[customer], 7), "-", _padded(number, 3)),
            "event_date": _timestamps(clock, second),
            "cart_value": _money(cents),
            "category": _words(CATEGORIES, category[purchase]),
            "channel": _words(CHANNELS, channel[purchase]),
            "persona": _words([p.name for p in PERSONAS], given.latents.persona[customer]),
            "converted": pa.array(is_converted),
        }
    )


def _campaigns(plan: Plan, given: _Given, purchases: Purchases) -> pa.Table:
    customer, index = np.nonzero(purchases.treated >= 0)
    is_treated = purchases.treated[customer, index] == 1
    action = np.array([c.action for c in plan.campaigns], dtype=np.int64)[index]
    costs = np.round(np.array(ACTION_COSTS) * 100).astype(np.int64)
    sent = np.array([c.day * DAY + SEND_HOUR * 3600 for c in plan.campaigns], dtype=np.int64)
    propensity = np.array([c.propensity for c in plan.campaigns], dtype=float)
    return pa.table(
        {
            "campaign_id": _words([c.name for c in plan.campaigns], index),
            "customer_id": given.ids.take(pa.array(customer)),
            "treated": pa.array(is_treated.astype(np.int64)),
            "sent_ts": _timestamps(plan.clock, sent[index]),
            "action": _words(ACTIONS, action),
            "cost": _money(np.where(is_treated, costs[action], 0)),
            "propensity": pa.array(propensity[index]),
        }
    )


def _truth(clock: Clock, given: _Given, purchases: Purchases, lines: Lines) -> pa.Table:
    latents = given.latents
    n = len(given.ids)
    return pa.table(
        {
            "customer_id": given.ids,
            "persona": _words([p.name for p in PERSONAS], latents.persona),
            "is_alive": pa.array(purchases.is_alive),
            "rate_per_day": pa.array(latents.rate_per_day),
            "p_dropout": pa.array(latents.p_dropout),
            "hazard_per_day": pa.array(latents.hazard_per_day),
            "regularity": pa.array(latents.regularity),
            "is_sleeping_dog": pa.array(latents.is_sleeping_dog),
            **{f"rate_effect_{action}": pa.array(latents.effect[:, j]) for j, action in enumerate(ACTIONS)},
            **_arrays(expectations(latents, clock, purchases, lines, HORIZONS_DAYS)),
            **_arrays(realised(clock, purchases, lines, n, HORIZONS_DAYS)),
        }
    )


def _arrays(columns: dict[str, Floats]) -> dict[str, pa.Array]:
    return {name: pa.array(values) for name, values in columns.items()}


def _seconds(day: Floats) -> Ints:
    """Seconds since midnight of the opening day."""
    return np.floor(day).astype(np.int64) * DAY + second_of_day(day)


def _timestamps(clock: Clock, second: Ints) -> pa.Array:
    start = np.datetime64(clock.opening, "s").astype(np.int64)
    return pa.array(start + second).cast(pa.timestamp("s"))


def _dates(clock: Clock, day: Floats) -> pa.Array:
    start = np.datetime64(clock.opening, "D").astype(np.int64)
    return pa.array((start + np.floor(day)).astype(np.int32)).cast(pa.date32())


def _money(cents: Ints) -> pa.Array:
    """Exact two decimals."""
    buffer = pa.py_buffer(np.ascontiguousarray(cents, dtype=np.int64))
    return pa.Array.from_buffers(pa.decimal64(14, 2), len(cents), [None, buffer])


def _words(words: list[str] | tuple[str, ...], index: Ints) -> pa.Array:
    return pa.DictionaryArray.from_arrays(index.astype(np.int32), pa.array(words, pa.string())).dictionary_decode()


def _padded(numbers: Ints, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _joined(*parts: Any) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _n_distinct(customer: Ints, value: Ints, n: int) -> pa.Array:
    width = int(value.max()) + 1
    seen = np.zeros((n, width), dtype=bool)
    seen[customer, value] = True
    return pa.array(seen.sum(1))

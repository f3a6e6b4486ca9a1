"""What the customers of the synthetic shop do: when they buy, what is in the basket, what comes back.

Time runs on a clock of the persona (season, weekday, trend), which campaigns bend for the customers that they reach.
On that clock a customer is a stationary renewal process that may end; that is what makes the truth exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from clv.simulate_customers import (
    CATEGORY_RETURNS,
    CATEGORY_SHARES,
    CHANNEL_SHARES,
    DISCOUNT_SHARES,
    DISCOUNTS,
    EFFECT_DAYS,
    MAIN_CHANNEL_SHARE,
    PERSONAS,
    VARIANT_SHARES,
    VOUCHER,
    VOUCHER_DISCOUNT,
    Flags,
    Floats,
    Ints,
    Latents,
    catalogue_prices,
    pick,
)

TREND_PER_YEAR = 0.05
INFLATION_PER_YEAR = 0.03
RETURN_DAYS = (3, 28)
"""A return comes a whole number of days after the purchase, each of these equally likely, both ends included."""
SEND_HOUR = 6
HOURS = (1, 0.6, 0.4, 0.3, 0.3, 0.6, 1.5, 3, 4.5, 5.5, 6.5, 7, 7.5, 6.5, 5.5, 5, 5.5, 6.5, 8, 9.5, 10, 8.5, 5, 2.3)
"""Relative activity by hour of the day, the same for everyone."""


@dataclass(frozen=True)
class Clock:
    """The shop's time. Days count from the opening; each persona's clock runs faster when it is in season."""

    opening: date
    n_days: int
    """Days that are known: the as-of date is `opening + n_days`."""
    future_days: int
    pace: Floats
    """[persona, n_days + future_days] clock units a day; about 1 on average."""
    time: Floats
    """[persona, n_days + future_days + 1] the integral of pace."""
    price_index: Floats
    """[n_days + future_days] list prices move on the first of January."""

    def at(self, persona: Ints, day: Floats | float) -> Floats:
        """Clock time of each customer's persona at *day*."""
        days = np.arange(self.time.shape[1], dtype=float)
        values = np.broadcast_to(np.asarray(day, dtype=float), persona.shape)
        return self._by_persona(persona, values, [(days, time) for time in self.time])

    def day(self, persona: Ints, time: Floats) -> Floats:
        """Inverse of `at`; a time after the simulated future is its last moment."""
        days = np.arange(self.time.shape[1], dtype=float)
        days[-1] -= 1e-6
        return self._by_persona(persona, time, [(known, days) for known in self.time])

    def _by_persona(self, persona: Ints, values: Floats, tables: list[tuple[Floats, Floats]]) -> Floats:
        out = np.empty(persona.shape)
        for index, (x, y) in enumerate(tables):
            rows = persona == index
            out[rows] = np.interp(values[rows], x, y)
        return out


def shop_clock(opening: date, n_days: int, future_days: int) -> Clock:
    """The clock of a shop that opened on *opening*."""
    total = n_days + future_days
    dates = np.datetime64(opening) + np.arange(total)
    day_of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    weekday = (dates.astype("datetime64[D]").astype(int) + 3) % 7
    # The peak is some two weeks wide around 12 December; the wave puts a shallow valley into summer.
    peak = np.exp(-0.5 * ((day_of_year - 345) / 12.0) ** 2)
    wave = 1 + 0.12 * np.cos(2 * np.pi * (day_of_year - 20) / 365.25)
    trend = np.exp(np.log1p(TREND_PER_YEAR) * (np.arange(total) - n_days) / 365.25)
    pace = np.empty((len(PERSONAS), total))
    for index, persona in enumerate(PERSONAS):
        week = np.array(persona.weekdays) / np.mean(persona.weekdays)
        pace[index] = (wave + persona.christmas * peak) / (1 + persona.christmas * 0.08) * week[weekday] * trend
    years = dates.astype("datetime64[Y]").astype(int) - np.datetime64(opening, "Y").astype(int)
    time = np.concatenate([np.zeros((len(PERSONAS), 1)), np.cumsum(pace, axis=1)], axis=1)
    return Clock(opening, n_days, future_days, pace, time, (1 + INFLATION_PER_YEAR) ** years)


@dataclass(frozen=True)
class Campaign:
    """One mailing to a random part of the customers known on its day."""

    name: str
    day: int
    """Sent at SEND_HOUR of this day after the opening."""
    action: int
    audience: float
    """Share of consenting customers who are in the experiment."""
    propensity: float
    """Share of those who are treated; the others are the control."""

    @property
    def start(self) -> float:
        """When it is sent, in the shop's days, whose fraction is the share of the day's activity that is over."""
        return self.day + sum(HOURS[:SEND_HOUR]) / sum(HOURS)


def campaign_calendar(n_days: int, opening: date) -> tuple[Campaign, ...]:
    """A campaign every ten weeks, the last one's effect over before the as-of date; actions take turns."""
    days = range(n_days - 45, 90, -70)
    names = ("Newsletter", "Voucher", "Letter")
    found = []
    for index, day in enumerate(sorted(days)):
        action = index % 3
        month = opening + timedelta(days=day)
        propensity = (0.6, 0.5, 0.5)[action]
        found.append(Campaign(f"{month:%Y-%m} {names[action]}", day, action, (0.7, 0.6, 0.4)[action], propensity))
    return tuple(found)


@dataclass(frozen=True)
class Purchases:
    """Purchase times of a block of customers, sorted by customer and time, with the state they leave behind."""

    customer: Ints
    """[n] row in Latents."""
    sequence: Ints
    """[n] 1 is the first purchase."""
    day: Floats
    has_voucher: Flags
    treated: Ints
    """[n_customers, n_campaigns] 1 treated, 0 control, −1 not in the experiment."""
    is_alive: Flags
    """[n_customers] will still buy after the as-of date, unless the future ends it."""
    death_day: Floats
    """[n_customers] NaN when it lies after the simulated future."""
    idle: Floats
    """[n_customers] clock time between the last known purchase and the as-of date."""


def simulate_purchases(
    rng: np.random.Generator, latents: Latents, clock: Clock, campaigns: tuple[Campaign, ...]
) -> Purchases:
    """When each customer buys, from the first purchase to the end of the simulated future."""
    n = len(latents.number)
    persona = latents.persona
    treated = _assign(rng, latents, campaigns)
    starts = [clock.at(persona, c.start) for c in campaigns]
    ends = [clock.at(persona, c.start + EFFECT_DAYS) for c in campaigns]
    bends = [np.where(treated[:, j] == 1, latents.effect[:, c.action], 0.0) for j, c in enumerate(campaigns)]
    gained = sum((b * (e - s) for b, s, e in zip(bends, starts, ends, strict=True)), np.zeros(n))
    first = clock.at(persona, latents.first_day)
    last = clock.time[persona, -1] + gained
    known = clock.time[persona, clock.n_days] + gained
    death = first + rng.exponential(1 / latents.hazard_per_day)

    who, when = [np.arange(n)], [first]
    now = first.copy()
    left = rng.random(n) < latents.p_dropout
    death[left] = np.minimum(death[left], first[left])
    active = np.flatnonzero(~left)
    while len(active):
        k = latents.regularity[active]
        now[active] += rng.standard_gamma(k) / (k * latents.rate_per_day[active])
        active = active[now[active] < np.minimum(death[active], last[active])]
        who.append(active)
        when.append(now[active])
        left = rng.random(len(active)) < latents.p_dropout[active]
        death[active[left]] = now[active[left]]
        active = active[~left]

    sequence = np.repeat(np.arange(1, len(who) + 1), [len(w) for w in who])
    customer, time = np.concatenate(who), np.concatenate(when)
    order = np.argsort(customer, kind="stable")
    customer, time, sequence = customer[order], time[order], sequence[order]
    day = np.maximum(clock.day(persona[customer], _unbend(time, customer, bends, starts, ends)), 0.0)
    is_known = day < clock.n_days
    last_known = np.zeros(n)
    np.maximum.at(last_known, customer[is_known], time[is_known])
    voucher = np.zeros(len(day), dtype=bool)
    for j, campaign in enumerate(campaigns):
        if campaign.action == VOUCHER:
            voucher |= (treated[customer, j] == 1) & (day >= campaign.start) & (day < campaign.start + EFFECT_DAYS)
    death_day = clock.day(persona, _unbend(death, np.arange(n), bends, starts, ends))
    return Purchases(
        customer=customer,
        sequence=sequence,
        day=day,
        has_voucher=voucher,
        treated=treated,
        is_alive=death >= known,
        death_day=np.where(death < last, death_day, np.nan),
        idle=np.maximum(known - last_known, 0.0),
    )


def _assign(rng: np.random.Generator, latents: Latents, campaigns: tuple[Campaign, ...]) -> Ints:
    """Randomised treatment: who is in each experiment, and on which side."""
    n = len(latents.number)
    treated = np.full((n, len(campaigns)), -1, dtype=np.int64)
    for j, campaign in enumerate(campaigns):
        is_in = latents.has_consent & (latents.first_day < campaign.start) & (rng.random(n) < campaign.audience)
        treated[is_in, j] = (rng.random(n) < campaign.propensity)[is_in]
    return treated


def _unbend(time: Floats, customer: Ints, bends: list[Floats], starts: list[Floats], ends: list[Floats]) -> Floats:
    """The persona's clock time at the customer's own clock time.

    While an action works, the customer's clock runs 1 + effect times as fast. Campaigns do not overlap, so that they
    can be undone one after the other, oldest first.
    """
    for bend, start, end in zip(bends, starts, ends, strict=True):
        b, s, e = bend[customer], start[customer], end[customer]
        inside = s + (time - s) / (1 + b)
        time = np.where(time <= s, time, np.where(inside <= e, inside, time - b * (e - s)))
    return time


@dataclass(frozen=True)
class Lines:
    """Order lines of a block, sorted by customer, purchase and product; money in cents."""

    purchase: Ints
    """Row in Purchases."""
    product: Ints
    quantity: Ints
    amount_cents: Ints
    """After the discount."""
    discount_cents: Ints
    channel: Ints
    return_day: Floats
    """Same hour as the purchase, some days later; NaN when it is kept."""


def simulate_lines(rng: np.random.Generator, latents: Latents, clock: Clock, purchases: Purchases) -> Lines:
    """What is in each purchase's basket."""
    customer = purchases.customer
    channel = np.where(
        rng.random(len(customer)) < MAIN_CHANNEL_SHARE,
        latents.channel[customer],
        pick(rng, CHANNEL_SHARES, len(customer)),
    )
    share = np.where(
        rng.random(len(customer)) < latents.p_discount[customer],
        np.array(DISCOUNTS)[pick(rng, DISCOUNT_SHARES, len(customer))],
        0.0,
    )
    share = np.where(purchases.has_voucher, np.maximum(share, VOUCHER_DISCOUNT), share)

    purchase = np.repeat(np.arange(len(customer)), 1 + rng.poisson(latents.extra_lines[customer]))
    buyer = customer[purchase]
    category = np.where(
        rng.random(len(purchase)) < latents.breadth[buyer],
        pick(rng, CATEGORY_SHARES, len(purchase)),
        latents.category[buyer],
    )
    variant = pick(rng, VARIANT_SHARES, len(purchase))
    prices = catalogue_prices()
    product = (category * prices.shape[1] + latents.tier[buyer]) * prices.shape[2] + variant
    quantity = 1 + rng.poisson(latents.extra_quantity[buyer])

    # The same product twice in one order would be an exact duplicate line: it is one line with more units.
    key = purchase * prices.size + product
    order = np.argsort(key, kind="stable")
    key, quantity = key[order], quantity[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    quantity = np.add.reduceat(quantity, starts)
    purchase, product = np.divmod(key[starts], prices.size)

    day = purchases.day[purchase].astype(np.int64)
    unit = np.round(prices.ravel()[product] * clock.price_index[day]).astype(np.int64)
    gross = unit * quantity
    amount = np.maximum(np.round(gross * (1 - share[purchase])).astype(np.int64), 1)
    p_return = (
        np.array(CATEGORY_RETURNS)[product // (prices.shape[1] * prices.shape[2])]
        * latents.return_factor[customer[purchase]]
    )
    delay = rng.integers(RETURN_DAYS[0], RETURN_DAYS[1] + 1, len(purchase))
    is_returned = rng.random(len(purchase)) < p_return
    return Lines(
        purchase=purchase,
        product=product,
        quantity=quantity,
        amount_cents=amount,
        discount_cents=gross - amount,
        channel=channel[purchase],
        return_day=np.where(is_returned, purchases.day[purchase] + delay, np.nan),
    )


def second_of_day(day: Floats) -> Ints:
    """Seconds after midnight at which the fraction of each day falls, by the hours' activity."""
    edges = np.concatenate([[0.0], np.cumsum(HOURS)]) / np.sum(HOURS)
    seconds: Ints = np.minimum(np.interp(day % 1.0, edges, np.arange(25) * 3600.0), 86399).astype(np.int64)
    return seconds

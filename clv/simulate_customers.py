"""Who shops at the synthetic shop: personas, the catalogue, and each customer's hidden constants.

The tables below are the whole specification of behaviour; `docs/synthetic-shop.md` says the same in formulas.
What a customer then does is `simulate_orders`; what that is worth in expectation is `simulate_truth`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Persona:
    """How one kind of customer behaves; shares and probabilities are 0–1."""

    name: str
    share: float
    rate_shape: float
    """r of the gamma distribution of purchase rates."""
    orders_per_month: float
    """Mean of that distribution."""
    regularity: int
    """k of the Erlang gaps: 1 is a Poisson process, 4 is clockwork with a coefficient of variation of one half."""
    dropout: tuple[float, float]
    """Beta(a, b) of the probability to leave after a purchase, the first included."""
    lifetime_months: float
    """Mean of the lifetime that ends by itself, whatever was bought."""
    extra_lines: float
    """Poisson mean of lines beyond the first."""
    extra_quantity: tuple[float, float]
    """Gamma (shape, mean) of the customer's Poisson mean of units beyond the first; the heavy tail of spend."""
    tiers: tuple[float, float, float, float]
    """Shares of customers who buy basic, standard, fine and luxury goods."""
    breadth: tuple[float, float]
    """Beta(a, b) of the share of lines that are bought outside the favourite category."""
    discount: tuple[float, float]
    """Beta(a, b) of the share of orders with a discount."""
    returns: float
    """Factor on the category's return share."""
    subscribers: float
    """Share of customers with a subscription."""
    christmas: float
    """Height of the peak before Christmas; 1 doubles the rate."""
    weekdays: tuple[float, float, float, float, float, float, float]
    """Relative activity from Monday to Sunday."""
    effects: tuple[float, float, float]
    """Mean relative change of the rate for four weeks after an action, in the order of `ACTIONS`."""
    sleeping_dogs: float
    """Share of subscribers whom a contact reminds to buy less; other customers have a fifth of it."""


ACTIONS = ("email", "voucher", "letter")
ACTION_COSTS = (0.05, 0.20, 1.90)
VOUCHER = 1
VOUCHER_DISCOUNT = 0.15
EFFECT_DAYS = 28

_EVEN = (1.0, 1.0, 1.0, 1.0, 1.1, 1.3, 1.1)
PERSONAS = (
    Persona("regular", 0.23, 2.0, 1.5, 4, (1.2, 11.0), 48, 0.5, (0.8, 0.50), (0.35, 0.45, 0.17, 0.03), (2, 5),
            (1.5, 9), 0.7, 0.45, 0.35, _EVEN, (0.20, 0.20, 0.30), 0.45),
    Persona("bargain_hunter", 0.18, 1.0, 1.05, 1, (1.0, 4.6), 30, 0.4, (0.8, 0.40), (0.70, 0.25, 0.05, 0.0), (3, 3),
            (6, 3), 1.2, 0.10, 0.55, (1.0, 0.9, 0.9, 0.9, 1.2, 1.5, 1.4), (0.40, 1.40, 0.20), 0.05),
    Persona("enthusiast", 0.09, 1.5, 1.95, 2, (1.0, 16.0), 45, 0.7, (1.0, 0.45), (0.10, 0.40, 0.40, 0.10), (5, 3),
            (1, 9), 1.3, 0.30, 0.50, _EVEN, (0.80, 0.50, 0.90), 0.10),
    Persona("gift_giver", 0.20, 0.8, 0.25, 1, (1.5, 3.0), 30, 0.3, (0.8, 0.50), (0.15, 0.45, 0.30, 0.10), (2, 3),
            (1.5, 5), 0.8, 0.03, 2.60, _EVEN, (0.60, 0.40, 1.00), 0.15),
    Persona("trier", 0.27, 0.7, 0.30, 1, (4.0, 1.8), 8, 0.2, (0.8, 0.35), (0.45, 0.40, 0.13, 0.02), (2, 4),
            (3, 4), 1.6, 0.02, 0.60, _EVEN, (0.10, 0.30, 0.10), 0.10),
    Persona("small_business", 0.03, 1.2, 2.0, 2, (0.8, 20.0), 48, 1.2, (0.4, 3.00), (0.30, 0.50, 0.18, 0.02), (2, 6),
            (2, 8), 0.4, 0.20, 0.10, (1.3, 1.4, 1.4, 1.3, 1.1, 0.3, 0.2), (0.30, 0.20, 0.60), 0.30),
)  # fmt: skip

CATEGORIES = ("Coffee", "Tea", "Kitchen", "Home", "Garden", "Books", "Toys", "Beauty")
CATEGORY_SHARES = (0.20, 0.10, 0.17, 0.16, 0.08, 0.12, 0.08, 0.09)
CATEGORY_PRICES = (11.0, 8.0, 24.0, 29.0, 26.0, 14.0, 19.0, 17.0)
"""Price of the middling product."""
CATEGORY_RETURNS = (0.01, 0.01, 0.06, 0.08, 0.06, 0.03, 0.05, 0.04)
"""Share of lines that come back, for a persona with factor 1."""
CATEGORY_NOUNS = (
    ("House Blend", "Espresso", "Decaf", "Cold Brew"),
    ("Assam", "Earl Grey", "Sencha", "Rooibos"),
    ("Chef Knife", "Saucepan", "Chopping Board", "Scale"),
    ("Throw", "Cushion", "Candle", "Vase"),
    ("Planter", "Secateurs", "Lantern", "Seed Kit"),
    ("Novel", "Cookbook", "Atlas", "Notebook"),
    ("Puzzle", "Board Game", "Wooden Train", "Kite"),
    ("Hand Cream", "Soap", "Shampoo", "Face Oil"),
)
TIER_WORDS = ("Basic", "Classic", "Fine", "Reserve")
TIER_PRICES = (0.6, 1.0, 1.9, 4.2)
VARIANT_PRICES = (0.8, 0.95, 1.15, 1.5)
VARIANT_SHARES = (0.4, 0.3, 0.2, 0.1)

CHANNELS = ("web", "app", "store", "marketplace")
CHANNEL_SHARES = (0.45, 0.25, 0.18, 0.12)
MAIN_CHANNEL_SHARE = 0.8
"""Share of orders in the customer's own channel; the others follow CHANNEL_SHARES."""

DISCOUNTS = (0.05, 0.10, 0.15, 0.20, 0.30)
DISCOUNT_SHARES = (0.20, 0.35, 0.20, 0.15, 0.10)

COUNTRIES = ("United Kingdom", "Germany", "France", "Spain", "Ireland", "Poland", "Portugal", "Sweden")
COUNTRY_SHARES = (0.34, 0.20, 0.16, 0.10, 0.06, 0.06, 0.04, 0.04)

ACQUISITION_CHANNELS = ("organic", "paid_search", "social", "email", "referral", "marketplace")
ACQUISITION_SHARES = (0.30, 0.22, 0.18, 0.06, 0.12, 0.12)
ACQUISITION_COSTS = (1.5, 14.0, 19.0, 4.0, 8.0, 11.0)
ACQUISITION_DROPOUT = (0.9, 1.0, 1.3, 0.9, 0.7, 1.2)
"""Factor on the odds to leave after a purchase: customers whom a friend sent stay, those of an advertisement do not."""

PLANS = ("Basic", "Plus", "Premium")
PLAN_SHARES = (0.55, 0.30, 0.15)
SUBSCRIBER_RATE = 1.25
SUBSCRIBER_DROPOUT = 0.5
CONSENT_SHARE = 0.82
HALT_AFTER_DAYS = 120
"""`is_churned` in the shop's own files is a rule of somebody: no purchase for so many days."""


def catalogue_prices() -> Ints:
    """List prices in cents, [category, tier, variant], each ending in 9."""
    tens = np.round(np.multiply.outer(np.multiply.outer(CATEGORY_PRICES, TIER_PRICES), VARIANT_PRICES) * 10)
    return tens.astype(np.int64) * 10 - 1


def catalogue_products() -> list[str]:
    """Product names in the order of `catalogue_prices().ravel()`."""
    return [f"{tier} {noun}" for nouns in CATEGORY_NOUNS for tier in TIER_WORDS for noun in nouns]


@dataclass(frozen=True)
class Latents:
    """What is fixed for each customer and cannot be seen; every field is [n_customers]."""

    number: Ints
    """1 … n over the whole shop; the id is made from it."""
    persona: Ints
    rate_per_day: Floats
    p_dropout: Floats
    hazard_per_day: Floats
    regularity: Ints
    first_day: Floats
    """Time of the first purchase, days after the shop opened."""
    extra_lines: Floats
    extra_quantity: Floats
    tier: Ints
    category: Ints
    breadth: Floats
    p_discount: Floats
    return_factor: Floats
    channel: Ints
    country: Ints
    acquisition: Ints
    acquisition_cost_cents: Ints
    plan: Ints
    """−1 without a subscription."""
    has_consent: Flags
    effect: Floats
    """[n_customers, action] relative change of the rate while an action works."""
    is_sleeping_dog: Flags


def pick(rng: np.random.Generator, shares: npt.ArrayLike, n: int) -> Ints:
    """*n* indices with probabilities proportional to *shares*."""
    edges = np.cumsum(np.asarray(shares, dtype=float))
    found = np.searchsorted(edges, rng.random(n) * edges[-1], side="right")
    index: Ints = np.minimum(found, len(edges) - 1).astype(np.int64)
    return index


def pick_by_row(rng: np.random.Generator, shares: npt.ArrayLike, rows: Ints) -> Ints:
    """One index for each of *rows*, with probabilities from that row of the table *shares*."""
    edges = np.cumsum(np.asarray(shares, dtype=float), axis=1)
    found = (rng.random(len(rows))[:, None] * edges[rows, -1:] >= edges[rows]).sum(1)
    index: Ints = np.minimum(found, edges.shape[1] - 1).astype(np.int64)
    return index


def draw_latents(rng: np.random.Generator, numbers: Ints, first_day_quantile: Floats, activity: float) -> Latents:
    """Hidden constants of the customers *numbers*.

    Args:
        rng: the generator of this block of customers.
        numbers: [n] 1-based numbers over the whole shop.
        first_day_quantile: [n_grid] days of first purchase at evenly spaced quantiles.
        activity: factor on every purchase rate; the odds to leave after a purchase fall by it, so that lifetimes keep
            their length.
    """
    n = len(numbers)

    def of_persona(field: str) -> Floats:
        return np.array([getattr(persona, field) for persona in PERSONAS], dtype=float)[persona]

    persona = pick(rng, [p.share for p in PERSONAS], n)
    acquisition = pick(rng, ACQUISITION_SHARES, n)
    is_subscriber = rng.random(n) < of_persona("subscribers")
    shape = of_persona("rate_shape")
    rate = rng.gamma(shape) * of_persona("orders_per_month") / shape / DAYS_PER_MONTH * activity
    rate = np.maximum(rate * np.where(is_subscriber, SUBSCRIBER_RATE, 1.0), 1e-9)
    dropout = of_persona("dropout")
    p = np.clip(rng.beta(dropout[:, 0], dropout[:, 1]), 1e-6, 0.98)
    odds = p / (1 - p) / activity * np.array(ACQUISITION_DROPOUT)[acquisition]
    odds = odds * np.where(is_subscriber, SUBSCRIBER_DROPOUT, 1.0)
    # A lifetime is exponential with a gamma-distributed hazard, as in Pareto/NBD.
    hazard = np.maximum(rng.gamma(2.0, 0.5, n), 1e-6) / (of_persona("lifetime_months") * DAYS_PER_MONTH)
    quantity = of_persona("extra_quantity")
    breadth, discount = of_persona("breadth"), of_persona("discount")
    is_dog = rng.random(n) < of_persona("sleeping_dogs") * np.where(is_subscriber, 1.0, 0.2)
    effect = of_persona("effects") * rng.gamma(4.0, 0.25, (n, 1))
    cost = rng.gamma(4.0, 0.25, n) * np.array(ACQUISITION_COSTS)[acquisition]
    days = np.interp(rng.random(n), np.linspace(0, 1, len(first_day_quantile)), first_day_quantile)
    return Latents(
        number=numbers,
        persona=persona,
        rate_per_day=rate,
        p_dropout=np.minimum(odds / (1 + odds), 0.98),
        hazard_per_day=hazard,
        regularity=of_persona("regularity").astype(np.int64),
        first_day=days,
        extra_lines=of_persona("extra_lines"),
        extra_quantity=rng.gamma(quantity[:, 0]) * quantity[:, 1] / quantity[:, 0],
        tier=pick_by_row(rng, [p.tiers for p in PERSONAS], persona),
        category=pick(rng, CATEGORY_SHARES, n),
        breadth=rng.beta(breadth[:, 0], breadth[:, 1]),
        p_discount=rng.beta(discount[:, 0], discount[:, 1]),
        return_factor=of_persona("returns"),
        channel=pick(rng, CHANNEL_SHARES, n),
        country=pick(rng, COUNTRY_SHARES, n),
        acquisition=acquisition,
        acquisition_cost_cents=np.round(cost * 100).astype(np.int64),
        plan=np.where(is_subscriber, pick(rng, PLAN_SHARES, n), -1),
        has_consent=rng.random(n) < CONSENT_SHARE,
        effect=np.where(is_dog[:, None], -rng.uniform(0.35, 0.75, (n, 1)), effect),
        is_sleeping_dog=is_dog,
    )

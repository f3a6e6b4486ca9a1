"""What a customer of the synthetic shop is worth in expectation, given the hidden state at the as-of date.

No simulation: the process on the customer's clock is a small Markov chain with a closed solution. The k phases of an
Erlang gap are its states; each phase ends at rate c = k·λ; the k-th end is a purchase, after which the customer leaves
with probability p; from each phase too, at the hazard μ. Written for R_m = P(phase m)·qᵐ with q = (1−p)^(1/k),
the chain is circulant, and from phase j

    P(phase k−1 after u) = q^(j−k+1) · e^(−(c+μ)u) · Σ_{n ≡ k−1−j (mod k)} (c·q·u)ⁿ / n!

whose sum is a mean over the k-th roots of unity. Purchases come at rate c · P(phase k−1). The phase at the as-of date
is Poisson(c · idle) cut off at k − 1, because no purchase came since.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from clv.simulate_customers import (
    ACTIONS,
    CATEGORY_RETURNS,
    CATEGORY_SHARES,
    DISCOUNT_SHARES,
    DISCOUNTS,
    EFFECT_DAYS,
    VARIANT_SHARES,
    VOUCHER,
    VOUCHER_DISCOUNT,
    Floats,
    Ints,
    Latents,
    catalogue_prices,
)
from clv.simulate_orders import RETURN_DAYS, Clock, Lines, Purchases

EFFECT_HORIZON_DAYS = 90
"""The effect of an action is counted over so many days; the bent clock also borrows purchases from later."""
ROWS_AT_ONCE = 2048


def purchase_intensity(
    u: Floats, rate: Floats, p_dropout: Floats, hazard: Floats, regularity: Ints, idle: Floats
) -> Floats:
    """Expected purchases per unit of the customer's clock, *u* after the as-of date, for customers who are alive.

    Args:
        u: [n, n_times] clock time after the as-of date.
        rate: [n] λ of the module's formula.
        p_dropout: [n] p.
        hazard: [n] μ.
        regularity: [n] k, the number of phases.
        idle: [n] clock time since the last purchase.
    """
    out = np.empty(u.shape)
    for k in np.unique(regularity):
        rows = regularity == k
        c = (k * rate[rows])[:, None]
        q = ((1 - p_dropout[rows]) ** (1 / k))[:, None]
        z = c * q * u[rows]
        decay = (c + hazard[rows][:, None]) * u[rows]
        phases = np.arange(k)
        log_weight = phases * np.log(np.maximum(c * idle[rows][:, None], 1e-300)) - gammaln(phases + 1)
        weight = np.exp(log_weight - log_weight.max(1, keepdims=True))
        weight /= weight.sum(1, keepdims=True)
        steps = k - 1 - phases
        scale = weight * q ** (-steps)
        total = np.zeros(z.shape)
        # A root and its conjugate give the same, so that half of them are enough.
        for root in range(k // 2 + 1):
            turn = 2 * np.pi * root / k
            n_alike = 1 if 2 * root in (0, k) else 2
            real = (scale * np.cos(turn * steps)).sum(1, keepdims=True) * (n_alike / k)
            size = np.exp(z * np.cos(turn) - decay)
            if n_alike == 1:
                total += size * real
            else:
                other = (scale * np.sin(turn * steps)).sum(1, keepdims=True) * (n_alike / k)
                angle = z * np.sin(turn)
                total += size * (real * np.cos(angle) + other * np.sin(angle))
        out[rows] = c * total
    return out


def expected_days(latents: Latents, clock: Clock, purchases: Purchases, rows: Ints, factor: Floats) -> Floats:
    """Expected purchases on each day after the as-of date, [len(rows), n_days].

    Args:
        latents: the block's customers.
        clock: the shop's clock.
        purchases: the block's purchases.
        rows: customers, all alive at the as-of date.
        factor: [len(rows), n_days] how much faster the customer's clock runs than the persona's.
    """
    n_days = factor.shape[1]
    pace = clock.pace[latents.persona[rows], clock.n_days : clock.n_days + n_days] * factor
    middle = np.cumsum(pace, axis=1) - pace / 2
    return pace * purchase_intensity(
        middle,
        latents.rate_per_day[rows],
        latents.p_dropout[rows],
        latents.hazard_per_day[rows],
        latents.regularity[rows],
        purchases.idle[rows],
    )


def basket_value(latents: Latents) -> tuple[Floats, Floats]:
    """Expected value of one purchase before discounts, and the part of it that will come back; cents at list price."""
    prices = catalogue_prices() @ (np.array(VARIANT_SHARES) / np.sum(VARIANT_SHARES))
    anywhere = np.array(CATEGORY_SHARES) / np.sum(CATEGORY_SHARES)
    returned = np.array(CATEGORY_RETURNS)
    tier, b = latents.tier, latents.breadth
    units = (1 + latents.extra_lines) * (1 + latents.extra_quantity)
    own = prices[latents.category, tier]
    gross = (1 - b) * own + b * (anywhere @ prices)[tier]
    back = (1 - b) * own * returned[latents.category] + b * ((anywhere * returned) @ prices)[tier]
    return units * gross, units * back * latents.return_factor


def paid_share(latents: Latents, floor: float = 0.0) -> Floats:
    """Expected share of the list price that is paid, when every order gets at least the discount *floor*."""
    given = np.maximum(DISCOUNTS, floor) @ (np.array(DISCOUNT_SHARES) / np.sum(DISCOUNT_SHARES))
    shares: Floats = 1 - latents.p_discount * given - (1 - latents.p_discount) * floor
    return shares


def returned_by(n_days: Ints | Floats) -> Floats:
    """Share of returns that have come *n_days* whole days after the purchase."""
    low, high = RETURN_DAYS
    return np.clip((np.asarray(n_days, dtype=float) - low + 1) / (high - low + 1), 0.0, 1.0)


def expectations(
    latents: Latents, clock: Clock, purchases: Purchases, lines: Lines, horizons_days: tuple[int, ...]
) -> dict[str, Floats]:
    """Expected orders and net revenue per horizon, and the effect of each action, per customer of the block.

    Returns:
        `expected_orders_{H}d`, `expected_revenue_{H}d` (money; returns of earlier purchases included), and for each
        action `effect_orders_{action}`, `effect_revenue_{action}`: the change over EFFECT_HORIZON_DAYS if the action is
        taken at the as-of date.
    """
    n = len(latents.number)
    out = {f"expected_{what}_{h}d": np.zeros(n) for h in horizons_days for what in ("orders", "revenue")}
    out |= {f"effect_{what}_{action}": np.zeros(n) for action in ACTIONS for what in ("orders", "revenue")}
    gross, back = basket_value(latents)
    paid, paid_voucher = paid_share(latents), paid_share(latents, VOUCHER_DISCOUNT)
    alive = np.flatnonzero(purchases.is_alive)
    longest = max(*horizons_days, EFFECT_HORIZON_DAYS)
    for start in range(0, len(alive), ROWS_AT_ONCE):
        rows = alive[start : start + ROWS_AT_ONCE]
        orders = expected_days(latents, clock, purchases, rows, np.ones((len(rows), longest)))
        for h in horizons_days:
            out[f"expected_orders_{h}d"][rows] = orders[:, :h].sum(1)
            price, price_back = _day_prices(clock, h)
            out[f"expected_revenue_{h}d"][rows] = paid[rows] * (
                gross[rows] * (orders[:, :h] @ price) - back[rows] * (orders[:, :h] @ price_back)
            )
        h = EFFECT_HORIZON_DAYS
        price, price_back = _day_prices(clock, h)
        before = orders[:, :h] * paid[rows, None]
        for index, action in enumerate(ACTIONS):
            bend = np.ones((len(rows), h))
            bend[:, :EFFECT_DAYS] += latents.effect[rows, index][:, None]
            after = expected_days(latents, clock, purchases, rows, bend)
            out[f"effect_orders_{action}"][rows] = after.sum(1) - orders[:, :h].sum(1)
            share = np.repeat(paid[rows, None], h, axis=1)
            if index == VOUCHER:
                share[:, :EFFECT_DAYS] = paid_voucher[rows, None]
            change = after * share - before
            out[f"effect_revenue_{action}"][rows] = gross[rows] * (change @ price) - back[rows] * (change @ price_back)
    for h in horizons_days:
        out[f"expected_revenue_{h}d"] -= _pending_returns(latents, clock, purchases, lines, h)
    return {name: values / 100 if "revenue" in name else values for name, values in out.items()}


def _day_prices(clock: Clock, horizon_days: int) -> tuple[Floats, Floats]:
    """Price index of each day of the horizon, and the same times the share of returns that come within it."""
    price = clock.price_index[clock.n_days : clock.n_days + horizon_days]
    return price, price * returned_by(horizon_days - 1 - np.arange(horizon_days))


def _pending_returns(latents: Latents, clock: Clock, purchases: Purchases, lines: Lines, horizon_days: int) -> Floats:
    """Expected returns within the horizon of what was bought before the as-of date and is still kept; cents."""
    day = purchases.day[lines.purchase]
    recent = (day < clock.n_days) & (day >= clock.n_days - RETURN_DAYS[1] - 1) & ~(lines.return_day < clock.n_days)
    customer = purchases.customer[lines.purchase[recent]]
    prices = catalogue_prices()
    category = lines.product[recent] // (prices.shape[1] * prices.shape[2])
    p = np.array(CATEGORY_RETURNS)[category] * latents.return_factor[customer]
    age = clock.n_days - 1 - day[recent].astype(np.int64)
    soon = p * (returned_by(age + horizon_days) - returned_by(age)) / (1 - p * returned_by(age))
    value = soon * lines.amount_cents[recent]
    return np.bincount(customer, value, minlength=len(latents.number)).astype(np.float64)


def realised(
    clock: Clock, purchases: Purchases, lines: Lines, n_customers: int, horizons_days: tuple[int, ...]
) -> dict[str, Floats]:
    """`realised_orders_{H}d` and `realised_revenue_{H}d`: what happens after the as-of date in the drawn future."""
    out: dict[str, Floats] = {}
    line_day, line_customer = purchases.day[lines.purchase], purchases.customer[lines.purchase]
    for h in horizons_days:
        start, end = clock.n_days, clock.n_days + h
        bought = (purchases.day >= start) & (purchases.day < end)
        out[f"realised_orders_{h}d"] = np.bincount(purchases.customer[bought], minlength=n_customers).astype(float)
        net = ((line_day >= start) & (line_day < end)) * lines.amount_cents - (
            (lines.return_day >= start) & (lines.return_day < end)
        ) * lines.amount_cents
        out[f"realised_revenue_{h}d"] = np.bincount(line_customer, net, minlength=n_customers) / 100
    return out

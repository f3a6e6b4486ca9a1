"""A random shop, and the same numbers counted customer by customer in plain Python."""

import math
import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import pytest

START = datetime.fromisoformat("2023-11-20")
AS_OF = date(2024, 4, 11)


def random_lines(seed):
    """Few customers, days and hours, so that ties, returns first, shared days and orders over midnight all happen."""
    rng = random.Random(seed)
    lines = []
    for i in range(420):
        customer = f"C{rng.randrange(40):02d}"
        moment = START + timedelta(days=rng.randrange(150), hours=rng.choice([0, 9, 9, 23]))
        amount = rng.choice([0, 5, 10, 10, 25, 80, -5, -10])
        order = f"{customer}-{rng.randrange(25)}" if rng.random() < 0.5 else f"o{i}"
        lines.append(
            {
                "customer_id": customer,
                "order_id": order,
                "line_id": str(i),
                "order_ts": str(moment),
                "amount": amount,
                "is_return": amount < 0,
                "channel": rng.choice(["web", "app", ""]),
                "category": rng.choice(["toys", "books"]),
            }
        )
    return lines


class Counted:
    """What the lines say about each customer, the slow way."""

    def __init__(self, lines):
        known = [(line, datetime.fromisoformat(line["order_ts"])) for line in lines]
        known = [(line, moment.date()) for line, moment in known if moment.date() < AS_OF]
        self.lines = [(line["customer_id"], day, line["amount"], line["order_id"]) for line, day in known]
        self.days = defaultdict(set)
        self.orders = defaultdict(dict)
        self.channels = {}
        self.months = {}
        for (customer, day, amount, order), (line, _) in zip(self.lines, known, strict=True):
            if amount >= 0:
                self.days[customer].add(day)
                self.orders[customer][order] = min(day, self.orders[customer].get(order, day))
                channel = line["channel"] or "Unknown"
                for first, key in (
                    (self.channels, (customer, order, channel)),
                    (self.months, (customer, order, channel, line["category"])),
                ):
                    first[key] = min(day, first.get(key, day))

    def headline(self, first, end):
        inside = [line for line in self.lines if first <= line[1] < end]
        buyers = {customer for customer, days in self.days.items() if any(first <= day < end for day in days)}
        n_orders = sum(first <= day < end for orders in self.orders.values() for day in orders.values())
        n_repeat = sum(sum(day < end for day in self.orders[customer].values()) >= 2 for customer in buyers)
        return {
            "n_customers": len(buyers),
            "revenue": sum(line[2] for line in inside),
            "n_orders": n_orders,
            "repeat_rate": n_repeat / len(buyers) if buyers else None,
            "avg_tenure_days": sum((end - min(self.days[c])).days for c in buyers) / len(buyers) if buyers else None,
        }

    def cohorts(self):
        def month(day):
            return day.year * 12 + day.month

        starts = {customer: min(days) for customer, days in self.days.items()}
        cells = {}
        for cohort in {date(day.year, day.month, 1) for day in starts.values()}:
            members = [customer for customer, day in starts.items() if date(day.year, day.month, 1) == cohort]
            for k in range(month(AS_OF) - month(cohort) + 1):
                wanted = month(cohort) + k
                spent = {
                    customer: {
                        m: sum(
                            a for c, day, a, _ in self.lines if c == customer and month(day) == m and day >= starts[c]
                        )
                        for m in (month(cohort), wanted)
                    }
                    for customer in members
                }
                bought = [{month(day) for day in self.days[customer]} for customer in members]
                cells[cohort, k] = (
                    len(members),
                    sum(wanted in months for months in bought),
                    sum(max(months) >= wanted for months in bought),
                    sum(by[wanted] for by in spent.values()),
                    sum(min(max(by[wanted], 0), max(by[month(cohort)], 0)) for by in spent.values()),
                )
        return cells

    def scores(self):
        facts = {
            customer: (
                -(AS_OF - max(days)).days,
                len(self.orders[customer]),
                sum(a for c, _, a, _ in self.lines if c == customer),
            )
            for customer, days in self.days.items()
        }
        n = len(facts)
        return {
            customer: "".join(
                str(min(5, math.floor(5 * sum(other[i] < mine[i] for other in facts.values()) / (n - 1)) + 1))
                for i in range(3)
            )
            for customer, mine in facts.items()
        }


@pytest.fixture(scope="module", params=[1, 2, 3])
def pair(request, new_shop):
    lines = random_lines(request.param)
    shop = new_shop(as_of=AS_OF, n_buckets=4)
    shop.land("landing.transactions", lines)
    return shop.build(), Counted(lines)


def test_headlines_of_random_periods(pair):
    shop, counted = pair
    rng = random.Random(0)

    for _ in range(25):
        first = START.date() + timedelta(days=rng.randrange(140))
        end = min(first + timedelta(days=rng.randrange(1, 60)), AS_OF)
        found = {row["metric"]: row["value"] for row in shop.ask("overview/headline", from_date=first, to_date=end)}
        expected = counted.headline(first, end)
        assert {name: found[name] for name in expected} == pytest.approx(expected), (first, end)


def test_an_order_counts_once_in_each_channel_that_it_has_a_line_of(pair):
    shop, counted = pair
    rng = random.Random(0)

    for _ in range(25):
        first = START.date() + timedelta(days=rng.randrange(140))
        end = min(first + timedelta(days=rng.randrange(1, 60)), AS_OF)
        inside = Counter(key[2] for key, day in counted.channels.items() if first <= day < end)
        rows = shop.ask("overview/by_channel", from_date=first, to_date=end)
        assert {row["channel"]: row["n_orders"] for row in rows if row["n_orders"]} == inside, (first, end)


def test_an_order_counts_once_in_the_months_of_a_channel_and_category(pair):
    shop, counted = pair

    found = {
        (row["order_month"], row["channel"], row["category"]): row["n_orders"]
        for row in shop.table("marts.revenue_monthly")
        if row["n_orders"]
    }

    assert found == Counter((day.replace(day=1), *key[2:]) for key, day in counted.months.items())


def test_activity_of_every_day_week_and_month(pair):
    shop, counted = pair

    for row in shop.table("marts.activity"):
        end = min(row["period_end"], AS_OF)
        expected = counted.headline(row["period_start"], end)
        n = row["n_customers"]
        found = {
            "n_customers": n,
            "revenue": row["revenue"],
            "n_orders": row["n_orders"],
            "repeat_rate": row["n_repeat_customers"] / n if n else None,
            "avg_tenure_days": row["tenure_days"] / n if n else None,
        }
        assert found == pytest.approx(expected), (row["grain"], row["period_start"])


def test_cohort_cells(pair):
    shop, counted = pair

    found = {
        (row["cohort_month"], row["month_number"]): (
            row["n_cohort"],
            row["buyers"],
            row["buyers_or_later"],
            row["revenue"],
            row["capped_revenue"],
        )
        for row in shop.table("marts.cohort_retention")
    }

    assert found == counted.cohorts()


def test_scores(pair):
    shop, counted = pair

    assert {row["customer_id"]: row["rfm_score"] for row in shop.table("features.customer_rfm")} == counted.scores()


def test_every_claim_holds(pair, sql_files):
    shop, _ = pair

    for name, file in sql_files.items():
        if file.folder == "checks" and name != "checks/order_ids_belong_to_one_customer":
            assert shop.ask(name) == [], name

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from clv.errors import NotEnoughDataError
from clv.personas import FEATURES, Earlier, derive, features


def kind(n, seed, *, orders, money, discounted=0.1, other_category=0.1, other_channel=0.1, variation=0.5):
    """*n* customers who buy alike; counts are shares of their orders."""
    rng = np.random.default_rng(seed)
    count = np.maximum(1, rng.poisson(orders, n)) if orders > 1 else np.ones(n, int)
    mean_gap = rng.uniform(10, 40, n)
    return pd.DataFrame(
        {
            "n_orders": count,
            "revenue": money * rng.lognormal(0, 0.2, n),
            "n_discounted": rng.binomial(count, discounted),
            "n_other_category": rng.binomial(count, other_category),
            "n_other_channel": rng.binomial(count, other_channel),
            "n_gaps": count - 1,
            "gap_mean_days": np.where(count > 1, mean_gap, np.nan),
            "gap_std_days": np.where(count > 1, mean_gap * variation * rng.uniform(0.8, 1.2, n), np.nan),
        }
    )


KINDS = {
    "once": {"orders": 1, "money": 20},
    "discounts": {"orders": 12, "money": 100, "discounted": 0.95, "variation": 1.2},
    "broad": {"orders": 14, "money": 900, "other_category": 0.8, "variation": 0.2},
}


@pytest.fixture(scope="module")
def blobs():
    """300 one-timers, 200 who wait for discounts, 100 who buy everything; and who is which."""
    parts = [kind(n, n, **KINDS[name]).assign(kind=name) for name, n in zip(KINDS, (300, 200, 100), strict=True)]
    frame = pd.concat(parts, ignore_index=True)
    frame["customer_id"] = [f"C{i:04d}" for i in range(len(frame))]
    return frame


@pytest.fixture(scope="module")
def found(blobs):
    return derive(blobs, seed=7)


def earlier_of(found):
    return Earlier(
        [one.id for one in found.personas],
        [one.name for one in found.personas],
        np.array([one.centre for one in found.personas]),
    )


def test_groups_that_are_there_are_found_each_time(blobs, found):
    assert len(found.personas) == 3
    assert adjusted_rand_score(blobs["kind"], found.labels) > 0.98
    assert found.agreement > 0.98
    assert all(one.stability_lo <= one.stability <= one.stability_hi <= 1 for one in found.personas)
    assert min(one.stability for one in found.personas) > 0.98


def test_names_say_what_sets_a_group_apart(found):
    """Most money first: the broad spend 900, those with discounts 100, the others 20."""
    assert [one.name for one in found.personas] == [
        "Broad-taste regulars", "Discount-led frequent buyers", "Low-spending one-timers",
    ]  # fmt: skip
    assert [one.id for one in found.personas] == ["p1", "p2", "p3"]
    assert [FEATURES[one.order[0]] for one in found.personas][:2] == ["breadth", "discount"]


def test_sizes_and_plain_values_are_those_of_the_customers(blobs, found):
    for place, persona in enumerate(found.personas):
        members = blobs[found.labels == place]
        assert persona.n_customers == len(members)
        plain = dict(zip(FEATURES, persona.natural, strict=True))
        assert plain["money"] == pytest.approx(members["revenue"].mean())
        assert plain["discount"] == pytest.approx(members["n_discounted"].sum() / members["n_orders"].sum())
    assert sum(persona.n_customers for persona in found.personas) == len(blobs)
    assert found.shop_natural[0] == pytest.approx(blobs["revenue"].mean())


def test_the_same_customers_give_the_same_personas_in_any_order(blobs, found):
    shuffled = blobs.sample(frac=1, random_state=3)

    again = derive(shuffled, seed=7)

    assert [one.name for one in again.personas] == [one.name for one in found.personas]
    labels = pd.Series(again.labels, index=shuffled.index).sort_index()
    assert labels.tolist() == found.labels.tolist()


def test_another_currency_changes_nothing(blobs, found):
    scaled = derive(blobs.assign(revenue=blobs["revenue"] * 100), seed=7)

    assert scaled.labels.tolist() == found.labels.tolist()
    assert [one.name for one in scaled.personas] == [one.name for one in found.personas]


def test_ids_and_names_stay_when_customers_come_and_go(blobs, found):
    named = Earlier(["p4", "p9", "p2"], ["Collectors", "Hunters", "Visitors"], earlier_of(found).centres)
    newer = pd.concat([blobs.iloc[60:], kind(90, 5, **KINDS["once"]).assign(customer_id=[f"N{i}" for i in range(90)])])

    later = derive(newer, seed=11, earlier=named)

    assert {(one.id, one.name, one.is_new) for one in later.personas} == {
        ("p4", "Collectors", False), ("p9", "Hunters", False), ("p2", "Visitors", False),
    }  # fmt: skip


def test_a_group_that_was_not_there_gets_an_id_and_a_name_of_its_own(blobs, found):
    own = kind(250, 8, orders=9, money=60, other_channel=0.9)
    newer = pd.concat([blobs, own.assign(customer_id=[f"N{i}" for i in range(250)])], ignore_index=True)

    later = derive(newer, seed=7, earlier=earlier_of(found))

    (new,) = [one for one in later.personas if one.is_new]
    assert new.id == "p4"
    assert new.name.startswith("Multi-channel")
    assert new.n_customers == pytest.approx(250, abs=15)


def test_what_is_missing_is_survived(blobs):
    holes = blobs.astype({"n_discounted": float, "revenue": float, "n_other_channel": float})
    holes.loc[::7, ["revenue", "n_discounted", "gap_std_days"]] = np.nan
    holes["n_other_channel"] = np.nan
    holes.loc[3, "revenue"] = -50.0

    assert np.isfinite(features(holes)).all()
    assert sum(one.n_customers for one in derive(holes, seed=7).personas) == len(blobs)


def test_few_customers_have_no_personas(blobs):
    with pytest.raises(NotEnoughDataError, match="99 customers with a purchase are too few"):
        derive(blobs.head(99), seed=7)


def test_customers_who_are_all_alike_have_no_personas(blobs):
    alike = pd.concat([blobs.head(1)] * 150).assign(customer_id=[str(i) for i in range(150)])

    with pytest.raises(NotEnoughDataError, match="do not differ"):
        derive(alike, seed=7)


def test_two_kinds_that_look_alike_get_different_names():
    """Two features stand out; the third and fourth of a kind are numbered."""
    from clv.personas import _name

    z, taken = np.array([0.5, 1.0, 0.0, 0.4, 0.0, 0.0]), set()
    for _ in range(4):
        taken.add(_name(z, False, taken))

    assert taken == {
        "High-spending regulars",
        "High-spending, discount-led regulars",
        "High-spending regulars 2",
        "High-spending regulars 3",
    }

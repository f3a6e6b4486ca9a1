"""The personas job on a small synthetic shop: derived, written, kept by the next run, shown in the customers' table."""

from datetime import date

import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from clv.config import Engine, Paths, Settings
from clv.personas import FEATURES
from jobs.catalog import job_named
from jobs.demo import write_demo
from jobs.run import execute
from warehouse import outputs
from warehouse.ask import Warehouse
from warehouse.build import build
from warehouse.ingest import land

END = date(2026, 1, 1)


@pytest.fixture(scope="module")
def settings(new_data, tmp_path_factory):
    """Six hundred customers over a year, landed and built."""
    data = new_data(tmp_path_factory.mktemp("personas") / "data")
    settings = Settings(paths=Paths(data=data), engine=Engine(buckets=2, memory_limit="1GB"))
    write_demo(settings, n_customers=600, n_months=12, seed=3, end_date=END)
    land(settings, today=END)
    build(settings)
    execute(job_named("personas"), settings, by="test")
    build(settings)
    return settings


def read(settings, name):
    return outputs.read(settings.paths.outputs, name)


def test_every_customer_with_a_purchase_has_one_persona(settings):
    members, profiles = read(settings, "personas"), read(settings, "persona_profiles")
    customers = Warehouse(settings.paths.data, settings.engine).table("marts.customers")

    bought = customers[customers["n_orders"] > 0]
    assert members["customer_id"].tolist() == sorted(bought["customer_id"])
    assert profiles["n_customers"].sum() == len(members)
    assert bought.set_index("customer_id")["behaviour_persona"].to_dict() == dict(
        zip(members["customer_id"], members["persona"], strict=True)
    )


def test_personas_have_to_do_with_the_hidden_kinds_more_than_chance(settings):
    """They group by what can be seen, the hidden kinds by how the shop was made: 0.1 to 0.2 is what there is to see."""
    customers = Warehouse(settings.paths.data, settings.engine).table("marts.customers")
    known = customers[customers["behaviour_persona"].notna()]

    agreement = adjusted_rand_score(known["persona"], known["behaviour_persona"])
    print(f"adjusted Rand index with the hidden kinds: {agreement:.3f}")  # noqa: T201 - reported, for pytest -s

    shuffled = known["persona"].sample(frac=1, random_state=1)
    assert agreement > 0.05 > adjusted_rand_score(shuffled, known["behaviour_persona"])


def test_what_sets_a_persona_apart_is_ranked_by_how_far_it_is_from_the_shop(settings):
    facts = read(settings, "persona_features")

    for _, mine in facts.groupby("persona_id"):
        ranked = mine.sort_values("rank")
        assert set(ranked["feature"]) == set(FEATURES)
        assert ranked["z"].abs().is_monotonic_decreasing
    means = facts[facts["feature"] == "money"].set_index("persona_id")["value"]
    sizes = read(settings, "persona_profiles").set_index("persona_id")["n_customers"]
    shop = facts.loc[facts["feature"] == "money", "shop_value"].iloc[0]
    assert (means * sizes).sum() / sizes.sum() == pytest.approx(shop)


def test_a_second_run_keeps_ids_names_and_members(settings):
    before = {name: read(settings, name) for name in ("personas", "persona_profiles")}

    detail = execute(job_named("personas"), settings, by="test")

    assert detail["new"] == "none"
    assert read(settings, "persona_profiles")[["persona_id", "persona"]].equals(
        before["persona_profiles"][["persona_id", "persona"]]
    )
    same = read(settings, "personas")["persona_id"] == before["personas"]["persona_id"]
    assert same.mean() > 0.99


def test_a_small_shop_says_why_it_has_none(new_data, tmp_path):
    settings = Settings(paths=Paths(data=new_data(tmp_path / "data")), engine=Engine(buckets=2, memory_limit="1GB"))
    settings.paths.raw.mkdir(parents=True)
    frame = pd.DataFrame({"customer_id": ["a", "b"], "order_id": [1, 2], "order_date": "2026-01-05", "amount": 9.0})
    frame.to_csv(settings.paths.raw / "transactions.csv", index=False)
    land(settings, today=date(2026, 2, 1))
    build(settings)

    detail = execute(job_named("personas"), settings, by="test")

    assert "2 customers with a purchase are too few for personas; 100 are needed" in detail["skipped"]
    assert read(settings, "personas").empty

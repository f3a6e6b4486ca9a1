from dataclasses import replace
from datetime import date
from functools import partial

import pytest

from clv import backtest
from jobs.history import History, ahead, first_purchase_day, fit
from jobs.run import RunContext
from warehouse.ask import Warehouse

AS_OF = date(2026, 1, 1)
CUT_OFF = date(2025, 10, 1)


@pytest.fixture
def context(trained_shop):
    """What a job is given; its journal is not used here."""
    settings = trained_shop.settings
    warehouse = Warehouse(settings.paths.data, settings.engine)
    yield RunContext("r", settings, warehouse, journal=None, today=AS_OF, progress=lambda share, message: None)
    warehouse.close()


def with_at_most(context, n_rows):
    model = context.settings.model.model_copy(update={"max_training_rows": n_rows})
    return replace(context, settings=context.settings.model_copy(update={"model": model}))


def test_everybody_is_learnt_from_in_a_shop_that_is_not_large(context):
    history = History(context, context.warehouse.current().id)

    snapshot = history.snapshot(CUT_OFF, 90)

    assert history.share == 1
    assert set(snapshot.features["customer_id"]) == set(context.warehouse.features(CUT_OFF, 90)["customer_id"])


def test_a_large_shop_is_learnt_from_whole_buckets_of_customers(context):
    # 400 customers in two buckets: one holds more than half as many as rows are wanted
    history = History(with_at_most(context, 150), context.warehouse.current().id)

    snapshot = history.snapshot(CUT_OFF, 90)
    earlier = history.snapshot(date(2025, 7, 1), 90)

    assert history.share == 0.5
    assert list(snapshot.features["customer_id"]) == list(
        context.warehouse.features(CUT_OFF, 90, buckets=[0])["customer_id"]
    )
    assert set(earlier.features["customer_id"]) < set(snapshot.features["customer_id"])
    assert set(snapshot.outcomes["customer_id"]) == set(snapshot.features["customer_id"])


def test_a_model_of_a_sample_forecasts_everybody_and_about_the_same_total(context):
    handle = context.warehouse.current()
    planned = backtest.plan(first_purchase_day(context, AS_OF), AS_OF, [90], max_snapshots=2)
    everybody = {90: context.warehouse.features(AS_OF, 90)}
    totals = []
    for n_rows in (300_000, 150):
        some = with_at_most(context, n_rows)
        model = fit(some, History(some, handle.id), planned, [90], part=(0.0, 0.0), with_intervals=False)
        totals.append(model.predict(everybody)["expected_revenue"].sum())

    assert totals[1] == pytest.approx(totals[0], rel=0.35)
    assert totals[1] != totals[0]


def test_what_is_asked_ahead_comes_in_order_and_one_at_a_time():
    begun = []

    def step(n):
        begun.append(n)
        return n

    answers = ahead(partial(step, n) for n in range(4))

    assert next(answers) == 0
    assert set(begun) <= {0, 1}
    assert list(answers) == [1, 2, 3]
    assert begun == [0, 1, 2, 3]


def test_an_error_ahead_is_raised_where_its_answer_is_wanted():
    answers = ahead([lambda: 1, lambda: 1 // 0])

    assert next(answers) == 1
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_what_is_being_done_is_said_to_the_end(context):
    said = []
    told = replace(context, progress=lambda share, message: said.append((share, message)))
    planned = backtest.plan(first_purchase_day(context, AS_OF), AS_OF, [30], max_snapshots=2)

    fit(told, History(told, context.warehouse.current().id), planned, [30], part=(0.5, 0.9), with_intervals=False)

    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert 0.5 <= shares[0] <= shares[-1] < 0.9
    assert [message.split()[0] for _, message in said] == ["learning", "learning", "learning", "growing", "levels"]

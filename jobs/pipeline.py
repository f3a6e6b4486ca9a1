"""Everything in order: ingest, build, train if needed, score, personas, build again with them, publish, report.

| step   | is not done again when                                                                       |
|--------|----------------------------------------------------------------------------------------------|
| ingest | a file of this content has landed                                                             |
| build  | inputs, SQL and settings are those of the published build                                     |
| train  | there is a champion, features and `[model]` are as they were, and the last training is recent |
| score  | the champion, the tables that it reads and `[model]` are as they were, and so are its outputs |
| personas | how customers buy, and the personas themselves, are as they were                          |
| report | the published build has its reports                                                          |

So a run that was killed goes on where it was, and a second run changes nothing: not even the build's id. The first
build comes before the training, so that the pages have numbers while the model is still learning.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from loguru import logger

from clv.errors import NotEnoughDataError
from jobs import build, ingest, models, personas, report, score, train
from jobs.run import RunContext
from warehouse import outputs, sqlfiles
from warehouse.dialect import digest_of, sha256_of
from warehouse.ingest import LandingError

STEPS = "steps.json"
"""In the outputs folder: what train and score were last done for. Without it, they are done again."""
LEARNT_FROM = ("staging", "core", "features", "labels")
SCORED = ("predictions", "contributions", "explanation_sample")
TOO_LITTLE = "too-little-history"
"""Key of the alert that says why there is no model."""
NOT_LANDED = "files-not-landed"
"""Key of the alert that says which files could not be landed, and why."""

NOT_READ = "files-not-read"
"""Key of the alert that says which files nobody reads, or that the synthetic shop lies beside somebody's own."""

Said = tuple[Mapping[str, Any], str]
"""What a step did, and in a few words."""


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Bring everything up to date; what each step did, and the build that is published at the end."""
    steps: list[dict[str, Any]] = []

    def step(name: str, start: float, end: float, do: Callable[[RunContext], Said]) -> Mapping[str, Any]:
        began = time.monotonic()
        ctx.progress(start, name)
        did, said = do(ctx.part(start, end))
        seconds = round(time.monotonic() - began, 2)
        if did and not did.get("skipped"):
            ctx.journal.alerts.close(f"job:{name}", by="the pipeline")
        steps.append({"step": name, "seconds": seconds, "said": said})
        logger.bind(step=name, seconds=seconds).info("{}: {}", name, said)
        return did

    step("ingest", 0.0, 0.15, _ingest)
    first = step("build", 0.15, 0.35, _build)
    trained = step("train", 0.35, 0.80, _train)
    scored = step("score", 0.80, 0.90, _score)
    grouped = step("personas", 0.90, 0.92, _personas)
    last = step("publish", 0.92, 0.97, _build) if trained or scored or grouped else first
    step("report", 0.97, 1.0, _report)
    return {"steps": steps, "build_id": last["build_id"], "as_of": last["as_of"]}


def _ingest(ctx: RunContext) -> Said:
    try:
        did = ingest.run(ctx)
    except LandingError as error:
        # The shop goes on with the files that are good; the others are an alert until they land or go away.
        did = {"files": ingest.summaries(error.accounts), "remarks": ingest.remarks(ctx.settings)}
        remedy = "Mend or remove the file, or map its columns in [sources]; then clv run"
        ctx.journal.alerts.open(NOT_LANDED, "critical", str(error), remedy=remedy, link="/data", run_id=ctx.run_id)
        failures = error.failures
    else:
        ctx.journal.alerts.close(NOT_LANDED, by="ingest")
        failures = []
    remarks = did["remarks"]
    if remarks:
        said = "; ".join(remarks)
        remedy = "Map it, move it away, or take the synthetic shop out; then clv run"
        ctx.journal.alerts.open(NOT_READ, "warning", said, remedy=remedy, link="/data", run_id=ctx.run_id)
    else:
        ctx.journal.alerts.close(NOT_READ, by="ingest")
    ingest.require_transactions(ctx.settings, failures, as_of=ctx.as_of)
    new = [one for one in did["files"] if one["is_new"]]
    n_loaded, n_quarantined = (sum(one[key] for one in new) for key in ("n_accepted", "n_quarantined"))
    also = "".join(f"; {one}" for one in [*(f"NOT landed: {one}" for one in failures), *remarks])
    return did, f"{len(new)} new files, {n_loaded:,} rows loaded, {n_quarantined:,} quarantined{also}"


def _build(ctx: RunContext) -> Said:
    did = build.run(ctx)
    return did, f"build {did['build_id']}" + (" as it was" if did["reused"] else "")


def _train(ctx: RunContext) -> Said:
    reason = why_train(ctx)
    if not reason:
        return {}, "not needed"
    try:
        did = train.run(ctx)
    except NotEnoughDataError as error:
        # A young shop has numbers, segments and cohorts all the same.
        ctx.journal.alerts.open(
            TOO_LITTLE, "info", str(error), remedy="It is tried again at each run, as more orders arrive", link="/model"
        )
        return {}, f"not possible yet: {error}"
    ctx.journal.alerts.close(TOO_LITTLE, by="training")
    as_of = ctx.warehouse.current().as_of.isoformat()
    _remember(ctx, "train", {"key": _train_key(ctx), "on": ctx.today.isoformat(), "as_of": as_of})
    return did, f"{reason}; {did.get('said', 'done')}"


def _score(ctx: RunContext) -> Said:
    champion = models.registry(ctx.settings).champion()
    if champion is None:
        return {}, "there is no model"
    if knows_the_future(ctx, champion):
        return {}, f"not done: {champion} has seen later days than this build; clv models promote one that has not"
    key = _score_key(ctx, champion)
    if _last(ctx, "score") == {"key": key, "outputs": _outputs_key(ctx)}:
        return {}, "as it was"
    did = score.run(ctx)
    _remember(ctx, "score", {"key": key, "outputs": _outputs_key(ctx)})
    return did, f"model {champion}"


def _report(ctx: RunContext) -> Said:
    if report.is_made(ctx):
        return {}, "as it was"
    did = report.run(ctx)
    tables = f", tables in place of charts: {did['missing_charts']}" if did["missing_charts"] else ""
    return did, f"{len(did['reports'])} made, {did['n_pages']} pages{tables}"


def _personas(ctx: RunContext) -> Said:
    made = ctx.warehouse.current().manifest["tables"][personas.BEHAVIOUR]["key"]
    key = digest_of([made, ctx.settings.model.seed])
    if _last(ctx, "personas") == {"key": key, "outputs": _outputs_key(ctx, personas.WRITTEN)}:
        return {}, "as they were"
    did = personas.run(ctx)
    _remember(ctx, "personas", {"key": key, "outputs": _outputs_key(ctx, personas.WRITTEN)})
    if "skipped" in did:
        return did, f"none: {did['skipped']}"
    return did, f"{did['n_personas']} ({did['names']})"


def why_train(ctx: RunContext) -> str:
    """Why a training is due, in words; empty when it is not."""
    last = _last(ctx, "train")
    champion = models.registry(ctx.settings).champion()
    if champion is None:
        return "there is no champion"
    if knows_the_future(ctx, champion) and last.get("as_of") != ctx.warehouse.current().as_of.isoformat():
        return "the champion has seen later days than this build"
    if not last:
        return "when it was last trained is not known"
    if last.get("key") != _train_key(ctx):
        return "features or settings have changed"
    # `clv train` counts, too: the weekly training of the schedule is not to be followed by another the next morning.
    by_itself = ctx.journal.runs.last("train", ("done",))
    days = [date.fromisoformat(last["on"]), *([by_itself.requested_at.date()] if by_itself else [])]
    age_days = (ctx.today - max(days)).days
    if age_days >= ctx.settings.model.retrain_after_days:
        return f"the last training is {age_days} days old"
    return ""


def knows_the_future(ctx: RunContext, version: str) -> bool:
    """Whether a model was fitted on days that the build, made with `--as-of`, does not know."""
    fitted = date.fromisoformat(models.registry(ctx.settings).card(version)["as_of"])
    return fitted > ctx.warehouse.current().as_of


def _train_key(ctx: RunContext) -> str:
    """What a trained model depends on besides the data: how the tables that it learns from are made, and `[model]`."""
    tree = sqlfiles.read_tree(cache=ctx.settings.paths.cache / "sqlfiles.json")
    files = {name: file.digest for name, file in tree.items() if file.folder in LEARNT_FROM}
    model = ctx.settings.model.model_dump(mode="json", exclude={"retrain_after_days", "promotion", "threads"})
    return digest_of([files, model, ctx.settings.features.model_dump(mode="json", exclude={"segment_rules"})])


def _score_key(ctx: RunContext, champion: str) -> str:
    """What predictions depend on: the model, the tables that it reads, the date, and the numbers of the business."""
    manifest = ctx.warehouse.current().manifest
    # Segments and personas are no reason to score again: no model reads them.
    reads = [name for name in manifest["tables"] if name.startswith("core.") or name == "features.customer_features"]
    keys = {name: manifest["tables"][name]["key"] for name in reads}
    return digest_of([champion, keys, manifest["parameters"], ctx.settings.model.model_dump(mode="json")])


def _outputs_key(ctx: RunContext, written: Sequence[str] = SCORED) -> str:
    """The content of what a step writes: files that were lost or changed are made again."""
    paths = [outputs.path_of(ctx.settings.paths.outputs, name) for name in written]
    return digest_of([sha256_of(path) if path.is_file() else "" for path in paths])


def _last(ctx: RunContext, step: str) -> dict[str, str]:
    return dict(_steps(ctx).get(step, {}))


def _remember(ctx: RunContext, step: str, done: Mapping[str, str]) -> None:
    path = ctx.settings.paths.outputs / STEPS
    aside = path.with_name(f".{STEPS}")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside.write_text(json.dumps({**_steps(ctx), step: dict(done)}, indent=1), encoding="utf-8")
    aside.replace(path)


def _steps(ctx: RunContext) -> dict[str, Any]:
    try:
        return dict(json.loads((ctx.settings.paths.outputs / STEPS).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}

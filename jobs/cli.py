"""The `clv` command: one sub-command a thing that people do; errors are one line and an exit code.

Heavy modules are imported by the command that needs them, so that `clv --help` answers at once.
"""

from __future__ import annotations

import contextlib
import getpass
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from loguru import logger
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from clv import log
from clv.config import Settings, load_settings
from clv.errors import ClvError, NoBuildError, NotFittedError, RequestError, SettingsError

if TYPE_CHECKING:
    import pandas as pd

    from jobs.run import Progress as Tell

out = Console(soft_wrap=True, markup=False, width=None if sys.stdout.isatty() else 140)
"""Standard output: results."""
err = Console(stderr=True, soft_wrap=True, markup=False)
"""Standard error: progress and errors."""

app = typer.Typer(
    name="clv",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="The model registry: list, show, promote, roll back.", no_args_is_help=True)
app.add_typer(models_app, name="models")
files_app = typer.Typer(help="The landed files: list, take back.", no_args_is_help=True)
app.add_typer(files_app, name="files")
segments_app = typer.Typer(help="The segment rules: check, show, undo, reset.", no_args_is_help=True)
app.add_typer(segments_app, name="segments")


def _say_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        out.print(f"Retain {version('retain-clv')}", highlight=False)
        raise typer.Exit


@app.callback(epilog="`clv COMMAND --help` says more. First steps and settings: README.md, config.toml.")
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which version this is.")
    ] = False,
) -> None:
    """Retain: what each customer will be worth, who is slipping away, and what to do about it."""


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="PATH", help="Settings file (default: $CLV_CONFIG, else config.toml here)."),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the log as it is written, and a traceback when something fails.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        formats=["%Y-%m-%d"],
        help="Pretend that today is DATE: nothing on or after it is read.",
    ),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every way out is an exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    try:
        code = app(args=arguments, standalone_mode=False, prog_name="clv")
    except ClvError as error:
        _say_failed(str(error), debug)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        err.print("clv: stopped")
        code = 130
    except SystemExit as stop:
        code = stop.code
    except Exception as error:
        # Usage errors know how to show themselves and which code to end with.
        show = getattr(error, "show", None)
        if callable(show):
            show()
            code = getattr(error, "exit_code", 2)
        elif (full := _full_disk(error, arguments)) is not None:
            _say_failed(str(full), debug)
            code = full.exit_code
        else:
            logger.exception("unexpected")
            hint = "" if debug else "; this is a bug: --debug shows where, and so does the log"
            _say_failed(f"{type(error).__name__}: {error}{hint}", debug)
            code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _full_disk(error: Exception, arguments: Sequence[str]) -> ClvError | None:
    """What to say of a disk that was full before a job began; None when it is something else."""
    from jobs.run import disk_full, is_disk_full

    return disk_full(load_settings(_config_of(arguments)).paths.data) if is_disk_full(error) else None


def _config_of(arguments: Sequence[str]) -> Path | None:
    """The settings file that the command was given; the last one counts."""
    named = [after for word, after in itertools.pairwise(arguments) if word == "--config"]
    named += [word.removeprefix("--config=") for word in arguments if word.startswith("--config=")]
    return Path(named[-1]) if named else None


def _say_failed(message: str, debug: bool) -> None:
    if debug:
        err.print_exception()
    err.print(f"clv: {' '.join(message.split())}", markup=False, highlight=False, style="red")


def _open(config: Path | None, debug: bool, role: str = "cli", *, terminal: bool = False) -> Settings:
    """Settings and log of a command."""
    settings = load_settings(config)
    level = "DEBUG" if debug else settings.log.level
    options = {"rotation": settings.log.rotation, "retention": settings.log.retention}
    try:
        log.set_up(role, settings.paths.logs, level=level, terminal=terminal or debug, **options)
    except OSError as error:
        raise RequestError(
            f"the log folder {settings.paths.logs} cannot be written: {error.strerror}; see [paths] data"
        ) from error
    except ValueError as error:
        raise SettingsError(f"[log] rotation or retention: {error}; the forms are 20 MB and 30 days") from error
    return settings


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Tell]:
    """A progress bar on the terminal; nothing where there is none."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(title, total=1.0)

        def tell(share: float, message: str) -> None:
            progress.update(task, completed=share, description=f"{title}: {message}"[:70])

        yield tell


def _run(
    name: str, settings: Settings, as_of: datetime | None = None, params: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Do a job here and now, with a bar."""
    from jobs.catalog import job_named
    from jobs.run import execute
    from warehouse.journal import TERMINAL

    with _bar(name) as tell:
        return execute(
            job_named(name),
            settings,
            by=TERMINAL,
            as_of=as_of.date() if as_of else None,
            params=params,
            tell=tell,
        )


def _print_frame(frame: pd.DataFrame) -> None:
    """A table as wide as its content where that fits; a file or pipe gets comma-separated values."""
    if not out.is_terminal:
        sys.stdout.write(frame.to_csv(index=False))
        return
    table = Table(*map(str, frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    out.print(table)


def _print_accounts(files: Sequence[Mapping[str, Any]]) -> None:
    """Rows in = loaded + quarantined, per file, with the money; then how each new file was read."""
    if not files:
        return
    table = Table("source", "file", title="rows in = loaded + quarantined", title_justify="left")
    for name in ("rows in", "loaded", "quarantined", "money loaded", "money quarantined"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in files:
        counts = (f"{one[key]:,}" for key in ("n_rows", "n_accepted", "n_quarantined"))
        money = (f"{one[key]:,.2f}" for key in ("amount_accepted", "amount_quarantined"))
        known = "new" if one["is_new"] else "known"
        table.add_row(str(one["source"]), Text(str(one["file_name"])), *counts, *money, known)
    if len(files) > 1:
        sums = (f"{sum(one[key] for one in files):,}" for key in ("n_rows", "n_accepted", "n_quarantined"))
        table.add_section()
        table.add_row("all", f"{len(files)} files", *sums, "", "", "")
    out.print(table)
    for one in files:
        if one["is_new"]:
            _print_reading(one)
        for copy in one["copies"]:
            out.print(Text(f"{copy}: the same bytes as {one['file_name']}, counted once"), highlight=False)


def _print_reading(one: Mapping[str, Any]) -> None:
    """What was taken for what, what had to be decided, and why rows were put aside."""
    from warehouse.account import mapping_said

    said = ", ".join(mapping_said(one["columns"])) or "nothing to read"
    out.print(Text(f"{one['file_name']}: {said}"), highlight=False)
    for note in one["notes"]:
        out.print(Text(f"  note: {note}"), highlight=False)
    if one["reasons"]:
        counted = sorted(one["reasons"].items(), key=lambda item: (-item[1], item[0]))
        said = ", ".join(f"{reason} {count:,}" for reason, count in counted)
        out.print(Text(f"  quarantined: {said} (the lines are on the Data quality page)"), highlight=False)


@app.command(short_help="Write a synthetic shop, or take it out.")
def demo(
    customers: Annotated[int, typer.Option(min=1, help="Customers with at least one order.")] = 10_000,
    months: Annotated[int, typer.Option(min=1, help="Length of the history.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="The same numbers and the same last day give the same shop.")] = 7,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day without orders (default: today).")
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Spoil one order line in a hundred, to see the quarantine work.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the synthetic shop out again, with all that was made of it.")
    ] = False,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Write a synthetic shop into data/raw, and its hidden truth beside it."""
    from jobs.demo import remove_demo, write_demo
    from jobs.run import data_lock, today_in

    settings = _open(config, debug)
    if remove:
        with data_lock(settings.paths.data, "demo"):
            gone = remove_demo(settings)
        out.print(
            f"removed: {', '.join(gone)}; `clv run` makes them of what is in {settings.paths.raw}", highlight=False
        )
        return
    end_date = until.date() if until else today_in(settings.business.timezone)
    with data_lock(settings.paths.data, "demo"), _bar("demo") as tell:
        made = write_demo(
            settings, n_customers=customers, n_months=months, seed=seed, end_date=end_date, dirty=dirty, progress=tell
        )
    for source, path in made.files.items():
        out.print(f"{made.n_rows[source]:>10,} rows  {path}", highlight=False)


@app.command(short_help="Land new files; account for every row.")
def ingest(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Files to land (default: those of [sources]).")
    ] = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Land new files, put bad rows aside, and print rows in = loaded + quarantined."""
    from jobs.ingest import remarks, summaries
    from warehouse.ingest import LandingError

    settings = _open(config, debug)
    try:
        detail = _run("ingest", settings, params={"files": [str(path.resolve()) for path in files]} if files else None)
    except LandingError as error:
        # The other files are in: say so before what went wrong is said.
        _print_accounts(summaries(error.accounts))
        _say_remarks(remarks(settings))
        raise
    _print_accounts(detail["files"])
    _say_remarks(detail["remarks"])
    if not detail["files"]:
        out.print(
            f"There is nothing to land: put files into {settings.paths.raw}, or name them in [sources] of config.toml",
            highlight=False,
        )


def _say_remarks(remarks: Sequence[str]) -> None:
    for one in remarks:
        err.print(Text(f"note: {one}", style="yellow"))


@app.command(short_help="Make, check and publish the tables.")
def build(as_of: AsOf = None, config: Config = None, debug: Debug = False) -> None:
    """Make the tables from what has landed, check them, and publish them."""
    settings = _open(config, debug)
    _say_built(_run("build", settings, as_of))


def _say_built(detail: Mapping[str, Any]) -> None:
    how = (
        "nothing had changed"
        if detail["reused"]
        else f"{detail['n_tables']} tables, {detail['n_linked']} of them unchanged"
    )
    out.print(f"build {detail['build_id']} is published, as of {detail['as_of']} ({how})", highlight=False)


@app.command(short_help="Train a challenger to the champion.")
def train(as_of: AsOf = None, config: Config = None, debug: Debug = False) -> None:
    """Train a challenger; it becomes champion when it is better by the rule in [model.promotion]."""
    _say_detail("train", _run("train", _open(config, debug), as_of))


@app.command(short_help="Predict every customer.")
def score(as_of: AsOf = None, config: Config = None, debug: Debug = False) -> None:
    """Let the champion predict every customer."""
    _say_detail("score", _run("score", _open(config, debug), as_of))


@app.command(short_help="Write the reports as PDF.")
def report(
    name: Annotated[
        str | None, typer.Option("--name", help="Which, for example executive-summary (default: all).")
    ] = None,
    build: Annotated[str | None, typer.Option("--build", help="Of which build (default: the published one).")] = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Write the reports of a build as PDF, into data/reports/<build>."""
    settings = _open(config, debug)
    params = {key: value for key, value in {"name": name, "build": build}.items() if value is not None}
    detail = _run("report", settings, params=params)
    for one in detail["reports"]:
        out.print(f"{settings.paths.reports / one['file']} ({one['n_pages']} pages)", highlight=False)
    if detail["missing_charts"]:
        out.print(f"tables stand in place of charts: {detail['missing_charts']}", highlight=False)


def _say_detail(name: str, detail: Mapping[str, Any]) -> None:
    if detail.get("skipped"):
        out.print(f"{name}: skipped, {detail['skipped']}", highlight=False)
        return
    facts = ", ".join(f"{key} {value}" for key, value in detail.items() if isinstance(value, str | int | float))
    out.print(f"{name}: {facts or 'done'}", highlight=False)


@app.command(short_help="All of it: only what has changed.")
def run(as_of: AsOf = None, config: Config = None, debug: Debug = False) -> None:
    """Bring everything up to date: ingest, build, train if needed, score, publish; only what has changed."""
    settings = _open(config, debug)
    detail = _run("pipeline", settings, as_of)
    table = Table("step", "seconds", "what")
    for step in detail["steps"]:
        table.add_row(step["step"], f"{step['seconds']:.1f}", Text(step["said"]))
    out.print(table)
    out.print(f"build {detail['build_id']} is published, as of {detail['as_of']}", highlight=False)


@app.command(short_help="Serve the pages.")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: [dashboard] host).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port (default: [dashboard] port).")] = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Serve the pages."""
    from jobs import web
    from jobs.schedule import stop_with_parent

    settings = _open(config, debug, "web", terminal=True)
    if with_parent:
        stop_with_parent()
    web.serve(settings, config, host or settings.dashboard.host, port or settings.dashboard.port)


@app.command(short_help="Run jobs at their times and on request.")
def worker(config: Config = None, debug: Debug = False) -> None:
    """Start jobs at their times, and when a page asks for one."""
    from jobs.schedule import Worker, own_command, stop_event, worker_lock
    from warehouse.journal import Journal

    settings = _open(config, debug, "worker", terminal=True)
    with worker_lock(settings.paths.data), stop_event() as stop:
        Worker(settings, Journal(settings.journal_url), lambda run_id: own_command(config, "work", run_id)).work(stop)


@app.command(hidden=True)
def work(run_id: str, config: Config = None, debug: Debug = False) -> None:
    """Do a run that the worker has claimed; ends with the worker."""
    from jobs.catalog import job_named
    from jobs.run import execute
    from jobs.schedule import stop_with_parent
    from warehouse.journal import Journal

    settings = _open(config, debug, "job", terminal=debug)
    stop_with_parent()
    claimed = Journal(settings.journal_url).runs.one(run_id)
    as_of = claimed.params.get("as_of")
    execute(
        job_named(claimed.job),
        settings,
        by=claimed.requested_by,
        as_of=date.fromisoformat(as_of) if as_of else None,
        params=claimed.params,
        run_id=run_id,
    )


@app.command(short_help="Pages and worker in one: begin here.")
def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: [dashboard] host).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port (default: [dashboard] port).")] = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Pages and worker in one; with demo data and a first run when there is nothing yet. Ctrl-C stops both."""
    from jobs import web

    settings = _open(config, debug, "worker", terminal=False)
    web.up(settings, config, host or settings.dashboard.host, port or settings.dashboard.port, err, out)


@app.command(short_help="Read-only SQL, or the duckdb shell.")
def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="SELECT", help="One statement; without it the duckdb shell opens.")
    ] = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Read-only SQL on the published build."""
    from warehouse.ask import Warehouse

    settings = _open(config, debug)
    warehouse = Warehouse(settings.paths.data, settings.engine)
    if query is None:
        with warehouse.shell() as command:
            sys.exit(subprocess.call(command))  # noqa: S603 our own program
    _print_frame(warehouse.run_sql(query))


@files_app.command("list", short_help="Every landed file, and whether it still lies where it was.")
def files_list(config: Config = None, debug: Debug = False) -> None:
    """Every landed file with its account, and the path it is still read from; no path: it lies there no more."""
    from jobs import files

    _print_frame(files.listed(_open(config, debug)))


@files_app.command("remove", short_help="Take landed files back.")
def files_remove(
    names: Annotated[list[str], typer.Argument(metavar="FILE", help="Names, or ids from `clv files list`.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Take landed files back: their rows count no more from the next build on. The files themselves are not touched."""
    from jobs import files
    from jobs.run import data_lock, today_in

    settings = _open(config, debug)
    today = today_in(settings.business.timezone)
    with data_lock(settings.paths.data, "files remove"), _bar("files") as tell:
        said = files.remove(settings, names, today=today, tell=tell, dry_run=dry_run)
    for sentence in said:
        out.print(Text(sentence), highlight=False)
    if not dry_run:
        out.print(
            "`clv run` publishes a build without them, `clv train` makes a model that has not seen them; "
            "builds, models and reports made before keep them",
            highlight=False,
        )


@models_app.command("list", short_help="Every version, and how good it was.")
def models_list(config: Config = None, debug: Debug = False) -> None:
    """Every version, the champion marked, with its Gini and bias on the latest window that it had not seen."""
    from jobs import models

    frame = models.listed(_open(config, debug))
    measured = [
        json.loads(text).get(str(days), {}) for text, days in zip(frame["metrics"], frame["horizon_days"], strict=True)
    ]
    for metric in ("gini", "total_bias"):
        frame[metric] = [f"{one['value'][metric][0]:.3f}" if "value" in one else "" for one in measured]
    _print_frame(
        frame[["model", "version", "status", "as_of", "horizon_days", "n_rows", "gini", "total_bias", "created_at"]]
    )


@models_app.command("show")
def models_show(
    version: Annotated[str, typer.Argument(help="A version, or champion.")] = "champion",
    config: Config = None,
    debug: Debug = False,
) -> None:
    """The model card of a version."""
    from jobs import models

    out.print_json(data=models.card(_open(config, debug), version))


@models_app.command("promote")
def models_promote(
    version: Annotated[str, typer.Argument(help="A version from `clv models list`.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who and what money would move; change nothing.")
    ] = False,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Make a version the champion; the next score obeys it. Says first who and what money will move."""
    from jobs import models, preview

    settings = _open(config, debug)
    if models.registry(settings).champion() == version:
        out.print(f"{version} is the champion already", highlight=False)
        return
    try:
        out.print(preview.line(settings, version), highlight=False)
    except (NoBuildError, NotFittedError):
        # Without customers or a champion there is nothing to compare; the promotion itself needs neither.
        if dry_run:
            raise
    if not dry_run:
        _change_champion(settings, "promote", version, lambda settings: models.promote(settings, version))


@models_app.command("rollback")
def models_rollback(config: Config = None, debug: Debug = False) -> None:
    """Make the champion before this one champion again."""
    from jobs import models

    _change_champion(_open(config, debug), "rollback", "champion", models.rollback)


def _change_champion(settings: Settings, action: str, subject: str, change: Callable[[Settings], str]) -> None:
    """Change the champion while no job works, and leave a trace of who did it."""
    from jobs.run import data_lock
    from warehouse.journal import Journal

    with data_lock(settings.paths.data, action):
        said = change(settings)
    Journal(settings.journal_url).audit.note(getpass.getuser(), action, subject, {"said": said})
    out.print(said, highlight=False)


@segments_app.command("check", short_help="Say what is wrong with a file of rules.")
def segments_check(
    file: Annotated[Path | None, typer.Argument(help="A file of rules (default: the one in force).")] = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Say what is wrong with a file of segment rules; exit code 2 when it cannot be used."""
    from warehouse import segment_rules

    settings = _open(config, debug)
    path = file or settings.segment_rules_path
    if file is None and not path.is_file() and not settings.features.segment_rules:
        out.print(f"There are no rules of your own at {path}: those of the house are in force", highlight=False)
        return
    rules, problems = segment_rules.read(path)
    for problem in problems:
        style = "red" if problem.is_error else "yellow"
        out.print(Text.assemble((f"{'error' if problem.is_error else 'note':<6}", style), problem.message))
    if any(problem.is_error for problem in problems):
        sys.exit(SettingsError.exit_code)
    out.print(f"{len(rules)} rules; every combination of scores has a segment", highlight=False)


@segments_app.command("show", short_help="The rules in force, as a table or a file.")
def segments_show(config: Config = None, debug: Debug = False) -> None:
    """The rules in force; into a file, they are the file to begin one's own with."""
    from warehouse import segment_rules

    rules = segment_rules.rules_in_force(_open(config, debug))
    if not out.is_terminal:
        sys.stdout.write(segment_rules.text_of(rules))
        return
    table = Table("", "segment", "R", "F", "M", "first order within", "")
    for order, rule in enumerate(rules, start=1):
        scores = ("–".join(map(str, dict.fromkeys(rule.bounds(name)))) for name in "rfm")
        days = f"{rule.first_order_within_days} days" if rule.first_order_within_days else ""
        table.add_row(str(order), Text(rule.segment), *scores, days, Text(rule.description))
    out.print(table)


@segments_app.command("undo", short_help="Go back to the rules before the last change.")
def segments_undo(config: Config = None, debug: Debug = False) -> None:
    """Go back to the rules before the last change; again, and the change is back."""
    from warehouse import segment_rules

    _change_rules(_open(config, debug), "undo", segment_rules.undo)


@segments_app.command("reset")
def segments_reset(config: Config = None, debug: Debug = False) -> None:
    """Go back to the rules of the house."""
    from warehouse import segment_rules

    _change_rules(_open(config, debug), "reset", segment_rules.reset)


def _change_rules(settings: Settings, action: str, change: Callable[[Settings], None]) -> None:
    """Change the rules, and leave a trace of who did it."""
    from warehouse import segment_rules
    from warehouse.journal import Journal

    change(settings)
    names = [rule.segment for rule in segment_rules.rules_in_force(settings)]
    Journal(settings.journal_url).audit.note(getpass.getuser(), "segment rules", action, {"segments": names})
    out.print(f"{len(names)} rules are in force from the next build on: {', '.join(names)}", highlight=False)


@app.command(short_help="Health checks, each with its remedy.")
def doctor(config: Config = None, debug: Debug = False) -> None:
    """Every health check with its remedy; exit code 1 when one fails."""
    from jobs.doctor import examine

    findings = examine(_open(config, debug))
    styles = {"ok": "green", "warning": "yellow", "failed": "red"}
    for finding in findings:
        out.print(Text.assemble((f"{finding.state:<8}", styles[finding.state]), f" {finding.name:<17} {finding.found}"))
        if finding.state != "ok":
            out.print(Text(f"{'':27}→ {finding.remedy}", style="dim"))
    sys.exit(1 if any(finding.state == "failed" for finding in findings) else 0)


if __name__ == "__main__":
    main()

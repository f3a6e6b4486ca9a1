"""Make a report of a build: figures drawn, pages written, both put in place in one step.

| parameter | means                                                        |
|-----------|--------------------------------------------------------------|
| `name`    | which, of `warehouse.reports.REPORTS`; all when it is not given |
| `build`   | of which build; the published one when it is not given         |

The document's date is the build's, so the same build gives the same file. A further report is a line in `REPORTS` and
a module here with `charts(ask)` and `write(book, ask, pictures, missing_charts)`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from dashboard.data import Door, Site
from dashboard.format import Format
from jobs.pdf import fonts
from jobs.pdf.book import Book, Cover
from jobs.pdf.camera import Camera
from jobs.run import RunContext
from warehouse import reports
from warehouse.dialect import digest_of
from warehouse.reports import REPORTS, Report, report_named

WRITERS: Mapping[str, str] = {"executive-summary": "jobs.pdf.executive_summary"}
"""Report → module that writes it."""
PRODUCT = "Retain"


def run(ctx: RunContext) -> Mapping[str, Any]:
    """Make what was asked for; what was made, for the run's row."""
    named = ctx.params.get("name")
    wanted = [report_named(str(named))] if named else list(REPORTS.values())
    ask = _door(ctx, ctx.params.get("build"))
    made = []
    with Camera(ctx.settings.paths.cache) as camera:
        for place, report in enumerate(wanted):
            made.append(_make(ctx.part(place / len(wanted), (place + 1) / len(wanted)), report, ask, camera))
    removed = reports.keep_newest(ctx.settings.paths.reports, ctx.settings.jobs.keep_reports, but=ask.handle.id)
    return {
        "build_id": ask.handle.id,
        "reports": made,
        "n_pages": sum(one["n_pages"] for one in made),
        "missing_charts": camera.missing,
        "n_removed": len(removed),
    }


def is_made(ctx: RunContext) -> bool:
    """Whether the published build has all its reports, as they would be made now."""
    ask = _door(ctx, None)
    for report in REPORTS.values():
        found = reports.find(ctx.settings.paths.reports, ask.handle.id, report.name)
        if found is None or found.facts.get("key") != _key(ctx):
            return False
    return True


def _make(ctx: RunContext, report: Report, ask: Door, camera: Camera) -> dict[str, Any]:
    writer = importlib.import_module(WRITERS[report.name])
    ctx.progress(0.0, f"{report.title.lower()}: asking")
    charts = writer.charts(ask)
    pictures = {}
    for place, (name, (figure, width, height)) in enumerate(charts.items()):
        ctx.progress(0.2 + 0.5 * place / len(charts), f"{report.title.lower()}: drawing")
        if (png := camera.picture(figure, width, height)) is not None:
            pictures[name] = png
    missing = camera.missing if len(pictures) < len(charts) else ""
    ctx.progress(0.7, f"{report.title.lower()}: writing")
    faces, letters = fonts.inter(ctx.settings.paths.cache), fonts.letters(ctx.settings.paths.cache)
    cover = _cover(report, ask)
    # Written twice: only the first time tells how many pages there are.
    n_pages = 0
    for _ in range(2):
        book = Book(cover, faces, letters, n_pages)
        writer.write(book, ask, pictures, missing)
        n_pages = book.n_pages
    facts = {"key": _key(ctx), "n_pages": n_pages, "missing_charts": missing, "as_of": ask.handle.as_of.isoformat()}
    files = {"md": book.text_twin().encode(), "pdf": book.bytes()}
    path = reports.write(ctx.settings.paths.reports, ask.handle.id, report, files, facts)
    logger.bind(report=report.name, pages=n_pages, bytes=path.stat().st_size).info("{} is written", report.title)
    ctx.progress(1.0, f"{report.title.lower()}: {n_pages} pages")
    return {"name": report.name, "file": f"{path.parent.name}/{path.name}", "n_pages": n_pages}


def _door(ctx: RunContext, build: Any) -> Door:
    """The queries, bound to one build, worded as on the pages."""
    site = Site(settings=ctx.settings, warehouse=ctx.warehouse, journal=ctx.journal, words=_words(ctx))
    # The name is settled once: a build that is published meanwhile must not mix into this report.
    return Door(site, ctx.warehouse.current(str(build) if build else None).id)


def _words(ctx: RunContext) -> Format:
    """The shop's wording; in English where the font lacks letters of it: 202 with its 万 gone is another number."""
    business = ctx.settings.business
    own = Format(business.currency, business.locale, business.timezone)
    said = [own.money(sign * 10.0**power * 1.234) for power in range(-2, 16) for sign in (1, -1)]
    said += [own.moment(datetime(2026, month, 1, 12, tzinfo=UTC)) for month in range(1, 13)]
    said += [own.share(0.123, 1), own.count(1_234_567), *own.ticks([0.0, 1e4, 1e8, 1e12], "money")]
    if set("".join(said)) <= fonts.letters(ctx.settings.paths.cache):
        return own
    return Format(business.currency, "en", business.timezone)


def _cover(report: Report, ask: Door) -> Cover:
    made_at = datetime.fromisoformat(ask.handle.manifest["made_at"]).astimezone(UTC).replace(tzinfo=None)
    return Cover(
        product=PRODUCT,
        shop=ask.settings.business.name,
        title=report.title,
        build=f"Confidential · build {ask.handle.id}, made {ask.words.moment(made_at)}",
        note=f"{report.title} · as of {ask.words.date(ask.handle.as_of)} · the app shows the query behind each number",
        made_at=made_at,
    )


def _key(ctx: RunContext) -> str:
    """What a report depends on besides its build: the wording of the shop, this program, and whether charts can be."""
    parts = [
        ctx.settings.business.model_dump(mode="json"),
        importlib.metadata.version("retain-clv"),
        fonts.VERSION,
        reports.chrome() is not None,
    ]
    return digest_of(parts)[:16]

"""The web application: Dash with its pages, the shell, our own assets, and the headers that keep strangers out."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import flask
from dash import Dash

from clv.config import Settings
from dashboard import customer_list, data, export, kept_pages, quarantine, report, shell, vendor
from dashboard.components import sql

ASSETS = Path(__file__).parent / "assets"
FIRST_SCRIPT = "theme.js"
"""Runs in the head, before the first paint; all other scripts come at the end of the body."""

INDEX = """<!DOCTYPE html>
<html lang="en" data-locale="$locale" data-currency="$currency">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="$icon">
    <script src="$script"></script>
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>
"""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(settings: Settings) -> Dash:
    """The application for *settings*, warmed up: safe to give to a server with threads."""
    app = Dash(
        __package__,
        use_pages=True,
        title=shell.PRODUCT,
        update_title=None,
        assets_ignore=rf"{FIRST_SCRIPT}$",
        external_stylesheets=vendor.STYLESHEETS,
        include_pages_meta=False,
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        on_error=shell.on_error,
    )
    for one in dash.page_registry.values():
        # The list of customers takes several values of one column.
        if one["path"] != customer_list.PATH:
            one["layout"] = _with_one_value_each(one["layout"])
    server: flask.Flask = app.server
    site = data.install(server, settings)
    vendor.register(server, settings.paths.cache)
    app.index_string = _index(app, settings)
    # A function, so that a browser that loads the app after a page was added sees it in the sidebar.
    app.layout = lambda: shell.layout(settings.business.name)
    shell.register(app)
    sql.register(app)
    kept_pages.register(server, settings)
    export.register(server)
    quarantine.register(server)
    report.register(app)

    @server.get("/healthz")
    def healthz() -> flask.Response:
        health = data.door().health()
        body = {"status": "ok", "build": health.build_id, "says": health.text}
        return flask.Response(json.dumps(body), mimetype="application/json", headers={"Cache-Control": "no-store"})

    policy = ""

    @server.after_request
    def guard(response: flask.Response) -> flask.Response:
        response.headers.update(HEADERS)
        response.headers["Content-Security-Policy"] = policy
        return response

    # Dash sets itself up on the first request, which is not safe with threads; and only then are all scripts known.
    server.test_client().get("/healthz")
    policy = _policy(app)
    site.journal.beats.beat("web")
    return app


def _with_one_value_each(layout: Callable[..., Any]) -> Callable[..., Any]:
    """*layout*, given the last value of what the URL names twice: Dash gives a list, and hardly a page expects one."""
    if hasattr(layout, "__wrapped__"):
        return layout  # by an app made before in this process

    @functools.wraps(layout)
    def drawn(**query: Any) -> Any:
        return layout(**{name: value[-1] if isinstance(value, list) else value for name, value in query.items()})

    return drawn


def _index(app: Dash, settings: Settings) -> str:
    values = {
        "$locale": settings.business.locale.replace("_", "-"),
        "$currency": settings.business.currency,
        "$icon": app.get_asset_url("favicon.svg"),
        "$script": app.get_asset_url(FIRST_SCRIPT),
    }
    text = INDEX
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _policy(app: Dash) -> str:
    """Nothing from other hosts; scripts from us only, and the few inline ones by their hash.

    Styles must be allowed inline: React and Plotly set them on elements.
    """
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' " + " ".join(app.csp_hashes()),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'self'",
            "frame-ancestors 'self'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )

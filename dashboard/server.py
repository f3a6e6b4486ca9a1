"""The WSGI module that gunicorn and waitress load: `dashboard.server:server`, with the settings of `$CLV_CONFIG`.

Each worker makes its own application, warm before it accepts (see `create_app`): nothing is made before a fork.
"""

from __future__ import annotations

from clv.config import load_settings
from clv.log import set_up
from dashboard import kept_pages
from dashboard.app import create_app

settings = load_settings()
set_up(
    "web",
    settings.paths.logs,
    level=settings.log.level,
    rotation=settings.log.rotation,
    retention=settings.log.retention,
)
app = create_app(settings)
server = app.server
kept_pages.warm(app)

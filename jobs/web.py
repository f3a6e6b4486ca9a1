"""The web server as a process, alone (`clv serve`) or together with the worker (`clv up`)."""

from __future__ import annotations

import atexit
import contextlib
import http.client
import ipaddress
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import OperationalError

from clv.config import CONFIG_ENV, Settings
from clv.errors import RequestError, SettingsError
from jobs.run import data_lock, today_in
from jobs.schedule import Worker, own_command, stop_event, worker_lock
from warehouse import build, publish, sources
from warehouse.journal import Journal
from warehouse.landing import landed_files

if TYPE_CHECKING:
    from rich.console import Console

FIRST_SHOP_CUSTOMERS = 10_000
"""Enough to learn from, and few enough that the first run takes minutes; `clv demo` makes larger shops."""
LOOK_BACK = timedelta(days=28)
"""So long before today the synthetic shop is looked at first."""
FIRST_RUN = "first run"
"""Who asks for it."""
BEAT_SECONDS = 10.0
STOP_SECONDS = 15.0


def check_address(settings: Settings, host: str, port: int) -> None:
    """Refuse what must not or cannot be listened on.

    Raises:
        SettingsError: without sign-in, a host that others can reach.
        RequestError: the port is taken, or the host is not this machine's.
    """
    if settings.auth.mode == "none" and not _is_loopback(host):
        raise SettingsError(
            f"[auth] mode = none shows everything to whoever can reach {host}; listen on 127.0.0.1 or set up [auth]"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RequestError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port"
            ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_of(host: str, port: int) -> str:
    """What to open in a browser."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(settings: Settings, config: Path | None, host: str, port: int) -> None:
    """Serve the pages until told to stop: gunicorn, or waitress where gunicorn does not run.

    Raises:
        SettingsError: without sign-in, a host that others can reach; or the journal does not open.
        RequestError: the port is taken.
    """
    check_address(settings, host, port)
    # A journal that does not open would be said by each server process, with its traceback.
    Journal(settings.journal_url).close()
    if config is not None:
        # The application is loaded by name in each server process, and finds its settings as everybody does.
        os.environ[CONFIG_ENV] = str(config.resolve())
    try:
        import gunicorn.app.base  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        import waitress  # type: ignore[import-untyped, unused-ignore]

        from dashboard.server import server

        keep_beating(settings)
        waitress.serve(server, host=host, port=port, threads=settings.dashboard.threads * settings.dashboard.workers)
        return

    class Server(gunicorn.app.base.BaseApplication):  # type: ignore[misc, unused-ignore]
        def load_config(self) -> None:
            for name, value in _gunicorn_options(settings, host, port).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from dashboard.server import server

            keep_beating(settings)
            return server

    Server().run()


def keep_beating(settings: Settings) -> None:
    """Say in the journal, from now to the end of this process, that the web server is alive."""
    journal, stop = Journal(settings.journal_url), threading.Event()

    def beat() -> None:
        while True:
            try:
                journal.beats.beat("web")
            except OperationalError as error:
                logger.warning("the journal does not answer: {}", error.orig)
            if stop.wait(BEAT_SECONDS):
                return

    def end() -> None:
        stop.set()
        with contextlib.suppress(OperationalError):
            journal.beats.stop("web")

    threading.Thread(target=beat, daemon=True, name="beat").start()
    atexit.register(end)


def _gunicorn_options(settings: Settings, host: str, port: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": settings.dashboard.workers,
        "worker_class": "gthread",
        "threads": settings.dashboard.threads,
        # Never fork an open DuckDB: each worker loads the application, and opens the build, by itself.
        "preload_app": False,
        "timeout": 120,
        # A reader who thinks for some seconds need not connect anew.
        "keepalive": 30,
        "graceful_timeout": 10,
        "loglevel": "warning",
        "proc_name": "clv serve",
        # Nobody steers the server through a socket in the home folder.
        "control_socket_disable": True,
    }
    if Path("/dev/shm").is_dir():  # noqa: S108 gunicorn's own heartbeat file, made with mkstemp
        # A slow disk must not look like a worker that hangs.
        options["worker_tmp_dir"] = "/dev/shm"  # noqa: S108
    return options


def is_empty(settings: Settings) -> bool:
    """Whether nobody has brought any data yet: nothing landed, no file to land, and none that could not be read.

    A file that is not recognised is somebody's, too: a synthetic shop beside it would pass for theirs.
    """
    found = sources.resolve(settings)
    return not landed_files(settings.paths.landing) and not found and not sources.left_out(settings, found)


def up(settings: Settings, config: Path | None, host: str, port: int, err: Console, out: Console) -> None:
    """Pages and worker together until told to stop; demo data and a first run when there is nothing yet.

    The synthetic shop is first seen as it stood four weeks ago, then as it is: so its pages have something to compare.

    Raises:
        BusyError: a worker already runs on this data folder.
        SettingsError: without sign-in, a host that others can reach.
        RequestError: the port is taken, or the web server ended by itself.
    """
    check_address(settings, host, port)
    journal = Journal(settings.journal_url)
    command = own_command(config, "serve", "--with-parent", "--host", host, "--port", str(port))
    with worker_lock(settings.paths.data), stop_event() as stop, _child(command) as web:
        # The pages come first: they show the progress of what follows.
        is_new_demo = is_empty(settings)
        if is_new_demo:
            from jobs.demo import write_demo

            err.print("There is no data yet: a synthetic shop is made, so that there is something to see.")
            with data_lock(settings.paths.data, "demo"), _bar(err) as bar:
                task = bar.add_task("demo", total=1.0)
                write_demo(
                    settings,
                    n_customers=FIRST_SHOP_CUSTOMERS,
                    end_date=today_in(settings.business.timezone),
                    progress=lambda share, message: bar.update(task, completed=share, description=message),
                )
        if publish.current_id(settings.paths.data) is not None and not build.is_of_this_version(settings):
            # Pages of this version may read tables that a build of another one does not have.
            journal.runs.request("build", "another version")
        worker = Worker(settings, journal, lambda run_id: own_command(config, "work", run_id))
        with _bar(err) as bar:
            watch = _Watch(
                journal, web, bar, url_of(host, port), lambda: first_runs(settings, journal, is_new_demo), out
            )
            worker.work(stop, watch.look)


def first_runs(settings: Settings, journal: Journal, is_new_demo: bool) -> list[dict[str, str]]:
    """The runs of the pipeline that a shop is still to see before its pages say all they can, as their parameters.

    A first run that was cut short, by a crash or with the machine, is gone on with; one that somebody stopped is not.
    """
    if is_new_demo:
        today = today_in(settings.business.timezone)
        return [{"as_of": (today - LOOK_BACK).isoformat()}, {}]
    last = journal.runs.last("pipeline")
    if last is not None and last.requested_by == FIRST_RUN and not last.was_stopped:
        is_earlier, is_done = "as_of" in last.params, last.status == "done"
        if is_earlier and not is_done:
            return [{"as_of": last.params["as_of"]}, {}]
        if is_earlier or not is_done:
            return [{}]
    return [] if publish.current_id(settings.paths.data) else [{}]


class _Watch:
    """What `clv up` shows: that the pages are there, how the first run goes, and at the end where to look."""

    def __init__(
        self,
        journal: Journal,
        web: subprocess.Popen[bytes],
        bar: Progress,
        url: str,
        wanted: Callable[[], Sequence[Mapping[str, str]]],
        out: Console,
    ) -> None:
        self._journal, self._web, self._bar, self._url, self._out = journal, web, bar, url, out
        # Asked for at the first look: by then the worker has closed what a crash left open.
        self._find = wanted
        self._wanted: list[Mapping[str, str]] | None = None
        self._first: str | None = None
        self._is_up = self._has_said = False
        self._words, self._tenth = "first run", 0
        self._task: TaskID | None = None

    def look(self) -> None:
        if self._web.poll() is not None:
            raise RequestError(f"the web server ended with code {self._web.returncode}; its log is logs/web.jsonl")
        if self._wanted is None:
            self._wanted = list(self._find())
        if not self._first and self._wanted:
            self._begin(self._wanted.pop(0))
        if not self._is_up and _answers(self._url):
            self._is_up = True
            if self._first:
                self._bar.console.print(
                    f"The pages are up at {self._url}; numbers arrive with the first run.", highlight=False
                )
        if self._first and self._task is not None:
            run = self._journal.runs.one(self._first)
            self._bar.update(self._task, completed=run.progress, description=f"{self._words}: {run.message}"[:70])
            if not self._bar.console.is_terminal and (tenth := int(run.progress * 10)) > self._tenth:
                self._tenth = tenth
                self._bar.console.print(f"{self._words}: {run.progress:4.0%} {run.message}", highlight=False)
            if not run.is_active:
                self._bar.remove_task(self._task)
                if run.status != "done":
                    self._bar.console.print(f"The first run {run.status}: {run.error}", style="red", markup=False)
                self._first = self._task = None
        if self._is_up and not self._first and not self._wanted and not self._has_said:
            self._has_said = True
            self._bar.stop()
            self._out.print(f"Retain is at {self._url} (Ctrl-C stops it)", highlight=False)

    def _begin(self, params: Mapping[str, str]) -> None:
        self._first = self._journal.runs.request("pipeline", FIRST_RUN, params)
        self._words, self._tenth = f"first run, as of {params['as_of']}" if params else "first run", 0
        self._task = self._bar.add_task(self._words, total=1.0)


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=1.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _bar(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextlib.contextmanager
def _child(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with this block, and with this process."""
    # In a session of its own, so that Ctrl-C reaches it through us, once and in order.
    child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 our own program
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

"""Typed settings: `config.toml`, overridden by `CLV_SECTION__KEY`; frozen once loaded.

| who asks                | for what                                                            |
|-------------------------|---------------------------------------------------------------------|
| `jobs`                  | everything; loads the settings once and passes parts down           |
| `warehouse`             | `paths`, `sources`, `engine`, `business`                            |
| `dashboard`             | `dashboard`, `auth`, `business`, `paths`                            |
| science modules of `clv`| nothing: they get numbers as arguments                              |

Unknown keys are refused with the nearest known key named; so is a left-over `CLV_*` variable.
The meaning, unit and range of each key stands in `config.toml`, beside its default.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import EnvSettingsSource

from clv.errors import SettingsError

ENV_PREFIX = "CLV_"
CONFIG_ENV = "CLV_CONFIG"
"""The one CLV_* variable that is not a setting: the path of the config file."""
_CURRENCY, _SIZE = r"^[A-Z]{3}$", r"^\d+(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)$"
_PATTERNS = {
    _CURRENCY: "give the ISO 4217 code of a currency, such as EUR",
    _SIZE: "give a size with its unit, such as 4GB or 500MB",
}
"""What to do, for settings whose form is a pattern."""

SOURCE_NAMES = ("transactions", "customers", "cart_events", "campaigns")
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A frozen section that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Paths(Section):
    """Where things are. Relative paths are relative to the config file's folder."""

    data: Path = Path("data")

    @property
    def raw(self) -> Path:
        """Files dropped in by the user; `clv demo` writes here."""
        return self.data / "raw"

    @property
    def landing(self) -> Path:
        """Landed files, once per content hash, forever."""
        return self.data / "landing"

    @property
    def builds(self) -> Path:
        """One immutable folder per build."""
        return self.data / "builds"

    @property
    def current(self) -> Path:
        """The symlink to the published build: the only thing that changes."""
        return self.data / "current"

    @property
    def outputs(self) -> Path:
        """Tables written by jobs (Parquet)."""
        return self.data / "outputs"

    @property
    def registry(self) -> Path:
        """Model versions with their cards."""
        return self.data / "registry"

    @property
    def reports(self) -> Path:
        """PDF and Markdown reports."""
        return self.data / "reports"

    @property
    def logs(self) -> Path:
        """JSON lines, one file per process role."""
        return self.data / "logs"

    @property
    def cache(self) -> Path:
        """Things that can be made again: fonts, temporary files of DuckDB, exports."""
        return self.data / "cache"


class Source(Section):
    """One input table: which files, and how their columns map to ours."""

    files: str | tuple[str, ...] = ""
    columns: dict[str, str] = {}
    delimiter: str = ""
    encoding: str = ""
    header: bool | None = None
    fixed_width: bool = False
    decimal: Literal["", ".", ","] = ""
    date_formats: tuple[str, ...] = ()
    duplicates: Literal["quarantine", "keep"] = "quarantine"
    cancelled_order_prefix: str = ""
    utc_offset_hours: Annotated[float, Field(ge=-14, le=14)] = 0.0
    max_amount: Annotated[float, Field(gt=0)] = 1e7
    min_date: str = "1990-01-01"

    @model_validator(mode="after")
    def _readable(self) -> Source:
        try:
            date.fromisoformat(self.min_date)
        except ValueError:
            raise ValueError(f"min_date = {self.min_date!r} is not a date such as 1990-01-01") from None
        if len(self.delimiter) > 1 or not self.delimiter.isascii():
            raise ValueError(f"delimiter = {self.delimiter!r} is not one character such as , ; | or \\t")
        return self


class Sources(Section):
    """The four inputs; only transactions are required."""

    transactions: Source = Source()
    customers: Source = Source()
    cart_events: Source = Source()
    campaigns: Source = Source()


class Business(Section):
    """How this shop counts money and time."""

    name: str = "My shop"
    currency: Annotated[str, Field(pattern=_CURRENCY)] = "USD"
    locale: str = "en_US"
    gross_margin: Share = 0.4
    discount_rate_annual: Annotated[float, Field(ge=0, le=1)] = 0.1
    timezone: str = "UTC"

    @field_validator("locale")
    @classmethod
    def _locale_is_known(cls, name: str) -> str:
        # Not at the top: it costs each command a tenth of a second, and only this setting needs it.
        from babel import Locale, UnknownLocaleError

        try:
            Locale.parse(name)
        except (ValueError, UnknownLocaleError) as error:
            raise ValueError(f"there is no locale {name!r}; the form is en_GB") from error
        return name

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}; the form is Europe/London") from error
        return name


class Features(Section):
    """What the feature SQL is parameterised with."""

    rfm_window_days: Annotated[int, Field(ge=0, le=36500)] = 0
    new_customer_days: Annotated[int, Field(ge=1, le=3650)] = 60
    segment_rules: str = ""


class Promotion(Section):
    """When a challenger replaces the champion."""

    min_gini_gain: Annotated[float, Field(ge=-1, le=1)] = 0.0
    max_abs_bias: Annotated[float, Field(ge=0)] = 0.25
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    automatic: bool = True


class Model(Section):
    """Training and scoring."""

    horizons_days: tuple[Annotated[int, Field(ge=7, le=1095)], ...] = (30, 90, 180, 365)
    primary_horizon_days: Annotated[int, Field(ge=7, le=1095)] = 180
    seed: Annotated[int, Field(ge=0)] = 7
    max_snapshots: Annotated[int, Field(ge=1, le=60)] = 14
    max_training_rows: Annotated[int, Field(ge=1000)] = 300_000
    threads: Annotated[int, Field(ge=0)] = 1
    retrain_after_days: Annotated[int, Field(ge=1)] = 30
    promotion: Promotion = Promotion()

    @model_validator(mode="after")
    def _primary_is_a_horizon(self) -> Model:
        if self.primary_horizon_days not in self.horizons_days:
            known = list(self.horizons_days)
            raise ValueError(f"primary_horizon_days = {self.primary_horizon_days} is not among horizons_days {known}")
        return self


class Jobs(Section):
    """When jobs run; cron lines in the business's time zone, empty for never."""

    pipeline: str = "0 5 * * *"
    train: str = "0 4 * * 0"
    report: str = ""
    journal_url: str = ""
    keep_builds: Annotated[int, Field(ge=2, le=1000)] = 7
    keep_reports: Annotated[int, Field(ge=1, le=10_000)] = 60


class Dashboard(Section):
    """The web server."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8050
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    page_size: Annotated[int, Field(ge=10, le=500)] = 100
    max_export_rows: Annotated[int, Field(ge=1)] = 5_000_000


class Auth(Section):
    """Who may look. `none` binds to loopback only."""

    mode: Literal["none"] = "none"


class Log(Section):
    """How much is logged and how long it is kept."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    rotation: str = "20 MB"
    retention: str = "30 days"


class Engine(Section):
    """What runs the SQL, and within which limits."""

    kind: Literal["duckdb"] = "duckdb"
    memory_limit: Annotated[str, Field(pattern=_SIZE)] = "4GB"
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    temp_limit: Annotated[str, Field(pattern=_SIZE)] = "20GB"
    buckets: Annotated[int, Field(ge=1, le=1024)] = 16


class Settings(Section):
    """All sections, and the file they came from."""

    paths: Paths = Paths()
    sources: Sources = Sources()
    business: Business = Business()
    features: Features = Features()
    model: Model = Model()
    jobs: Jobs = Jobs()
    dashboard: Dashboard = Dashboard()
    auth: Auth = Auth()
    log: Log = Log()
    engine: Engine = Engine()
    root: Path = Path()
    """Folder of the config file; relative paths and file globs start here."""

    @property
    def journal_url(self) -> str:
        """SQLAlchemy URL of the journal: `[jobs] journal_url`, or SQLite in the data folder."""
        return self.jobs.journal_url or f"sqlite:///{self.paths.data / 'journal.db'}"

    @property
    def segment_rules_path(self) -> Path:
        """The shop's own segment rules: `[features] segment_rules`, or a file in the data folder; may be missing."""
        named = self.features.segment_rules
        return self.root / Path(named).expanduser() if named else self.paths.data / "segment_rules.csv"


SECTIONS = frozenset(Settings.model_fields) - {"root"}


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of *path* with the environment's overrides.

    Args:
        path: a TOML file; default `$CLV_CONFIG`, else `config.toml` in the working directory; a missing default
            file means defaults.
        environ: the environment; default `os.environ`.

    Raises:
        SettingsError: the file is missing or not TOML, a key is unknown, a value is of the wrong kind or out of range.
    """
    environ = os.environ if environ is None else environ
    named = path or (Path(environ[CONFIG_ENV]) if environ.get(CONFIG_ENV) else None)
    file = named or Path("config.toml")
    tree: dict[str, Any] = {}
    if file.is_file():
        try:
            tree = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not valid TOML: {error}") from error
    elif named is not None:
        what = "is a folder" if file.is_dir() else "does not exist"
        raise SettingsError(f"{file} {what}; give an existing file with --config or ${CONFIG_ENV}")
    tree = _merged(tree, _from_environment(environ))
    tree.pop("root", None)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(_explain(error, file, environ)) from error
    root = file.resolve().parent
    data = root / settings.paths.data.expanduser()
    if "," in str(data):
        raise SettingsError(
            f"[paths] data = {data}: DuckDB takes a comma in a path for its end; name a folder without one"
        )
    return settings.model_copy(update={"root": root, "paths": Paths(data=data)})


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What CLV_SECTION__KEY says, as a tree; lists and tables are given as JSON."""
    given = {
        name: value
        for name, value in environ.items()
        if name.upper().startswith(ENV_PREFIX) and name.upper() != CONFIG_ENV
    }
    for name in given:
        # pydantic-settings passes over names that start like no field: a typing error would be silently without effect.
        section, has_key, _ = name.upper().removeprefix(ENV_PREFIX).lower().partition("__")
        if section not in SECTIONS or not has_key:
            hint = _nearest(section, sorted(SECTIONS))
            raise SettingsError(f"environment variable {name} names no setting{hint}; the form is CLV_SECTION__KEY")
    source = EnvSettingsSource(Settings, env_prefix=ENV_PREFIX, env_nested_delimiter="__")  # type: ignore[arg-type]
    # It reads the process's environment by itself; ours is an argument.
    source.env_vars = {name.lower(): value for name, value in given.items()}
    return source()


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """*base* with what *over* says, table by table."""
    both = {
        key: _merged(base[key], over[key])
        for key in over
        if isinstance(base.get(key), dict) and isinstance(over[key], dict)
    }
    return {**base, **over, **both}


def _nearest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else (f" (known: {', '.join(known)})" if known else "")


def _explain(error: ValidationError, file: Path, environ: Mapping[str, str]) -> str:
    """All that is wrong, one clause each, with where it stands and the dotted name of the key."""
    variables = {name.upper() for name in environ}
    clauses = []
    for item in error.errors():
        keys = [str(part) for part in item["loc"]]
        variable = ENV_PREFIX + "__".join(keys).upper()
        where = f"environment variable {variable}" if variable in variables else str(file)
        if item["type"] == "extra_forbidden":
            model: Any = Settings
            for key in keys[:-1]:
                model = getattr(getattr(model, "model_fields", {}).get(key), "annotation", None)
            hint = _nearest(keys[-1], list(getattr(model, "model_fields", {})))
            clauses.append(f"{where}: unknown key {'.'.join(keys)}{hint}")
        else:
            said = _PATTERNS.get(str(item.get("ctx", {}).get("pattern")), item["msg"].removeprefix("Value error, "))
            # of a rule over a whole section, the section is no news
            found = "" if isinstance(item["input"], dict) else f" (found {item['input']!r})"
            clauses.append(f"{where}: {'.'.join(keys) or 'settings'}: {said}{found}")
    return "; ".join(clauses)

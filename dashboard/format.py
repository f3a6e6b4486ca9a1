"""Words for numbers: money, counts, shares, days and dates in the shop's locale and currency (babel).

Pages, charts and PDFs get a `Format` and ask it; nobody else turns a number into text. A missing value is always an
en dash, a minus is always U+2212, and a rounded number never loses its unit.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    format_scientific,
    get_currency_symbol,
)

MISSING = "–"
MINUS = "−"
Kind = Literal["money", "money_exact", "count", "share", "days", "ratio", "decimal"]
"""What a number is; `Format.words` chooses the wording from it."""


HUGE = 1e15
"""Beyond it a number has no pence left, and far beyond it no end of digits: it is said as 1.2E18."""


def is_missing(value: Any) -> bool:
    """Whether *value* is None, NaN, NaT or infinite: nothing that could be shown."""
    if value is None:
        return True
    if isinstance(value, (dt.date, dt.timedelta)):
        return value != value  # NaT is a datetime that is unequal to itself
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):
        return str(value) in ("", "NaT", "<NA>")


def called(customer_id: Any, name: Any) -> str:
    """What a customer is called: by name, by id where none was given."""
    return str(customer_id) if is_missing(name) else str(name)


@dataclass(frozen=True)
class Format:
    """The wording of one shop."""

    currency: str = "USD"
    locale: str = "en_US"
    timezone: str = "UTC"
    """In which moments are worded; they come in UTC without zone."""

    @property
    def symbol(self) -> str:
        """The currency's sign as the locale writes it."""
        return get_currency_symbol(self.currency, locale=self.locale)

    def words(self, value: Any, kind: Kind) -> str:
        """*value* in the wording of its *kind*."""
        return {
            "money": self.money,
            "money_exact": self.money_exact,
            "count": self.count,
            "share": self.share,
            "days": self.days,
            "ratio": self.ratio,
            "decimal": self.decimal,
        }[kind](value)

    def money(self, value: Any) -> str:
        """Money in three figures: £943k, £5.96M; whole units below a thousand, pence below a hundred."""
        if is_missing(value):
            return MISSING
        value = float(value)
        if abs(value) >= HUGE:
            return self._huge(value, self.symbol)
        if abs(value) < 1000:
            return self.money_exact(value) if 0 < abs(value) < 100 else self._money_whole(value)
        value = _three_figures(value)
        full = format_compact_currency(value, self.currency, locale=self.locale, fraction_digits=2)
        if _is_long(full):  # German has no short word for a thousand
            return self._money_whole(value)
        return _minus(
            format_compact_currency(value, self.currency, locale=self.locale, fraction_digits=_spare_digits(full))
        )

    def money_whole(self, value: Any) -> str:
        """Money without pence, all digits: £1,234,567."""
        return MISSING if is_missing(value) else self._money_whole(float(value))

    def money_exact(self, value: Any) -> str:
        """Money to the currency's smallest unit: £1,234.50."""
        if is_missing(value):
            return MISSING
        if abs(float(value)) >= HUGE:
            return self._huge(value, self.symbol)
        return _minus(format_currency(float(value), self.currency, locale=self.locale))

    def money_change(self, value: Any) -> str:
        """A difference in money, with its sign: +£1.2M."""
        if is_missing(value):
            return MISSING
        return f"+{self.money(value)}" if float(value) > 0 else self.money(value)

    def count(self, value: Any) -> str:
        """A whole number with all its digits: 1,234,567."""
        if is_missing(value):
            return MISSING
        if abs(float(value)) >= HUGE:
            return self._huge(value)
        return _minus(format_decimal(round(float(value)), locale=self.locale))

    def count_compact(self, value: Any) -> str:
        """A number in three figures: 247k; all digits below ten thousand."""
        if is_missing(value) or not 10_000 <= abs(float(value)) < HUGE:
            return self.count(value)
        value = _three_figures(float(value))
        full = format_compact_decimal(value, locale=self.locale, fraction_digits=2)
        if _is_long(full):
            return self.count(value)
        return _minus(format_compact_decimal(value, locale=self.locale, fraction_digits=_spare_digits(full)))

    def share(self, value: Any, digits: int | None = None) -> str:
        """A share (0–1) in per cent; one digit after the point below ten per cent unless *digits* says otherwise."""
        if is_missing(value):
            return MISSING
        share = float(value)
        places = (1 if 0 < abs(share) < 0.1 else 0) if digits is None else digits
        return _minus(
            format_percent(share, format="#,##0" + ("." + "0" * places if places else "") + "%", locale=self.locale)
        )

    def points(self, value: Any) -> str:
        """A difference of shares in percentage points, unsigned: 0.6 pts."""
        return MISSING if is_missing(value) else f"{self.decimal(abs(float(value)) * 100, 1)} pts"

    def decimal(self, value: Any, digits: int = 2) -> str:
        """A plain number with *digits* after the point."""
        if is_missing(value):
            return MISSING
        return _minus(
            format_decimal(float(value), format="#,##0." + "0" * digits if digits else "#,##0", locale=self.locale)
        )

    def ratio(self, value: Any) -> str:
        """A ratio such as return on investment: 3.4×."""
        return MISSING if is_missing(value) else f"{self.decimal(value, 1)}×"

    def days(self, value: Any) -> str:
        """A span in days: 412 days."""
        if is_missing(value):
            return MISSING
        return self.counted(value, "day")

    def counted(self, n: Any, noun: str) -> str:
        """A number of things, called by a noun that takes an s: 1 customer, 1,234 customers."""
        is_one = not is_missing(n) and round(float(n)) == 1
        return f"{self.count(n)} {noun if is_one else f'{noun}s'}"

    def label(self, text: Any) -> str:
        """A name out of the data at the start of a line: with a capital, and spaces for underscores."""
        if is_missing(text):
            return MISSING
        words = str(text).replace("_", " ").strip() or str(text)
        return words[:1].upper() + words[1:]

    def date(self, value: Any) -> str:
        """A day, never ambiguous: 03 Aug 2025."""
        return MISSING if is_missing(value) else format_date(_as_date(value), "dd MMM yyyy", locale=self.locale)

    def day(self, value: Any) -> str:
        """A day of a known year: 03 Aug."""
        return MISSING if is_missing(value) else format_date(_as_date(value), "dd MMM", locale=self.locale)

    def month(self, value: Any) -> str:
        """A month: Aug 2025."""
        return MISSING if is_missing(value) else format_date(_as_date(value), "MMM yyyy", locale=self.locale)

    def period(self, start: dt.date, end: dt.date) -> str:
        """The days from *start* up to, not including, *end*: 03 Aug 2025 – 31 Oct 2025."""
        return f"{self.date(start)} – {self.date(end - dt.timedelta(days=1))}"

    def moment(self, value: Any) -> str:
        """A moment to the minute, in the shop's time zone: 03 Aug 2025, 06:12."""
        return self._local(value, "dd MMM yyyy, HH:mm")

    def stamp(self, value: Any) -> str:
        """A moment out of the data, in the shop's time already: 03 Aug 2025, 06:12; at midnight the day alone."""
        if is_missing(value):
            return MISSING
        pattern = "dd MMM yyyy" if (value.hour, value.minute) == (0, 0) else "dd MMM yyyy, HH:mm"
        return format_datetime(value, pattern, locale=self.locale)

    def clock(self, value: Any) -> str:
        """The time of a moment to the second, in the shop's time zone: 06:12:07."""
        return self._local(value, "HH:mm:ss")

    def _local(self, value: Any, pattern: str) -> str:
        if is_missing(value):
            return MISSING
        return format_datetime(value, pattern, tzinfo=ZoneInfo(self.timezone), locale=self.locale)

    def ago(self, value: Any, now: dt.datetime) -> str:
        """How long before *now* a moment was: 5 min ago."""
        if is_missing(value):
            return MISSING
        seconds = (now - value).total_seconds()
        return "just now" if seconds < 5 else f"{self.duration(seconds)} ago"

    def duration(self, seconds: Any) -> str:
        """A span of time in its largest sensible unit: 0.4 s, 12 s, 5 min, 3 h, 2 days."""
        if is_missing(seconds):
            return MISSING
        span = max(0.0, float(seconds))
        if 0 < span < 10:
            return f"{self.decimal(span, 1)} s"
        for limit, unit, name in ((60, 1, "s"), (5400, 60, "min"), (129_600, 3600, "h")):
            if span < limit:
                return f"{self.count(span / unit)} {name}"
        return self.days(span / 86_400)

    def duration_ticks(self, seconds: list[float]) -> list[str]:
        """Axis labels of spans of time: all in the largest unit that gives each in whole numbers, seconds else."""
        for unit, name in ((3600, "h"), (60, "min")):
            if all(span % unit == 0 for span in seconds):
                return [f"{self.count(span / unit)} {name}" for span in seconds]
        digits = max(map(_digits, seconds))
        return [f"{self.decimal(span, digits)} s" for span in seconds]

    def ticks(self, values: list[float], kind: Kind) -> list[str]:
        """Axis labels: as `words`, but short, and never rounded to what the tick is not; shares have equal digits."""
        if kind == "share":
            digits = max((_digits(100 * value) for value in values), default=0)
            return [self.share(value, digits) for value in values]
        short = {"money": self._money_tick, "count": self._count_tick}
        return [short[kind](value) if kind in short else self.words(value, kind) for value in values]

    def _count_tick(self, value: float) -> str:
        digits = _digits(value)
        return self.decimal(value, digits) if digits else self.count_compact(value)

    def _money_tick(self, value: float) -> str:
        if abs(value) >= HUGE:
            return self._huge(value, self.symbol)
        if abs(value) < 1000:
            digits = _digits(value)
            # A single digit of pence is none: £2.50.
            return self._money_whole(value, max(2, digits) if digits else 0)
        text = format_compact_currency(value, self.currency, locale=self.locale, fraction_digits=2)
        if _is_long(text):
            return self._money_whole(value)
        return _minus(
            re.sub(r"([.,]\d*?)0+(?=\D|$)", lambda found: found[1] if len(found[1]) > 1 else "", text, count=1)
        )

    def _huge(self, value: Any, symbol: str = "") -> str:
        size = format_scientific(abs(float(value)), format="0.##E0", locale=self.locale)
        return f"{MINUS if float(value) < 0 else ''}{symbol}{size}"

    def _money_whole(self, value: float, digits: int = 0) -> str:
        if abs(value) >= HUGE:
            return self._huge(value, self.symbol)
        standard = Locale.parse(self.locale).currency_formats["standard"].pattern
        pattern = re.sub(r"([.,])0+", f".{'0' * digits}" if digits else "", standard)
        return _minus(
            format_currency(
                round(value, digits), self.currency, format=pattern, locale=self.locale, currency_digits=False
            )
        )


def _digits(value: float) -> int:
    """How many digits after the point *value* has, of the first four."""
    return next((digits for digits in range(5) if math.isclose(value, round(value, digits), abs_tol=1e-9)), 4)


def _three_figures(value: float) -> float:
    """Rounded before it is worded: 999,999 is 1M, not 1000K."""
    return float(f"{value:.3g}")


def _is_long(text: str) -> bool:
    """Whether the locale wrote a compact number out in full."""
    return re.search(r"\d{4}", text) is not None


def _spare_digits(text: str) -> int:
    """How many digits after the point leave three figures, given a compact number written with two."""
    whole = re.search(r"\d+", text)
    return max(0, 3 - len(whole[0])) if whole else 0


def _minus(text: str) -> str:
    """With a minus of its own width; what is nothing once it is rounded has none."""
    return text.replace("-", MINUS if any(sign.isdecimal() and int(sign) for sign in text) else "")


def _as_date(value: Any) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value

"""How numbers, dates and flags are written in a column, decided from the whole column, and the SQL that reads them.

The plain forms (12.5, 2024-01-31 10:00) are cast as they are. Everything else is decided by *shape*: a value with its
digits replaced by 9 and, for dates, its letters by a. All values of one shape are read in one way, and a column has few
shapes, so the decision is made here in Python where it can be tested, and runs in SQL as a list of shapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MISSING = ("", "null", "none", "nan", "nat", "n/a", "#n/a", "\\n", "-", "undefined")
"""Words that stand for nothing in numbers, dates and flags; in ids too. In other text only the empty word does."""
TRUE = ("1", "true", "t", "yes", "y", "1.0", "ja", "oui", "on", "x")
FALSE = ("0", "false", "f", "no", "n", "0.0", "nein", "non", "off")
MAX_SHAPES = 1000
_DIGITS, _NINES = "0123456789", "9999999999"
_LETTERS, _AS = "bcdefghijklmnopqrstuvwxyz", "a" * 25
_CURRENCY = r"(?:[A-Z]{0,3}[$¢£¤¥֏؋৲৳฿₠-⃀﷼﹩＄￠￡￥￦]|[A-Za-z]{3}|kr\.?|zł|Kč|Ft|Rs\.?|R)"
_BLANK = r"[\s\u00a0\u202f\u2009]"
_NUMBER = re.compile(
    rf"{_BLANK}*(?P<open>\()?{_BLANK}*(?P<sign>[-+−])?{_BLANK}*(?:{_CURRENCY})?{_BLANK}*(?P<sign2>[-+−])?{_BLANK}*"
    rf"(?P<body>[9.,'’]+(?:[\u0020\u00a0\u202f\u2009][9.,]+)*){_BLANK}*(?:{_CURRENCY})?{_BLANK}*(?P<sign3>-)?{_BLANK}*(?P<close>\))?{_BLANK}*"
)
_GROUP = r"['’\u0020\u00a0\u202f\u2009]"
Decimal = Literal["", ".", ","]


def sql_text(text: str) -> str:
    """*text* as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def among_sql(value: str, texts: Sequence[str]) -> str:
    """SQL condition: *value* is one of *texts*."""
    return f"{value} in ({', '.join(sql_text(text) for text in texts)})"


def number_shape_sql(field: str) -> str:
    """SQL of the shape of a number."""
    return f"translate({field}, '{_DIGITS}', '{_NINES}')"


def date_shape_sql(field: str) -> str:
    """SQL of the shape of a date."""
    return f"translate(lower(trim({field})), '{_LETTERS}{_DIGITS}', '{_AS}{_NINES}')"


def missing_sql(field: str) -> str:
    """SQL condition: a word that stands for nothing."""
    return f"({field} is null or {among_sql(f'lower(trim({field}))', MISSING)})"


@dataclass(frozen=True)
class NumberShape:
    """How one shape reads."""

    decimal: Literal[".", ",", "?", "-"]
    """`.` or `,` as the shape itself shows; `-` no decimals, or none to decide on; `?` only the column can tell."""
    is_negative: bool = False


def read_number_shape(shape: str) -> NumberShape | None:
    """What a number of this *shape* (digits as 9) says about its separators; None when it is no number."""
    match = _NUMBER.fullmatch(shape)
    if match is None or "9" not in match["body"] or bool(match["open"]) != bool(match["close"]):
        return None
    signs = [sign for sign in (match["sign"], match["sign2"], match["sign3"]) if sign]
    if len(signs) > 1 or (signs and match["open"]):
        return None
    negative = bool(match["open"]) or (bool(signs) and signs[0] in "-−")
    body = match["body"]
    plain = re.sub(rf"(?<=9){_GROUP}(?=999(?!9))", "", body)
    if re.search(_GROUP, plain):
        return None
    grouped = plain != body
    if re.fullmatch(r"9+", plain):
        return NumberShape("-", negative)
    if re.fullmatch(r"9{1,3}(,999)+\.9*", plain) or re.fullmatch(r"9{1,3}(,999){2,}", plain):
        return NumberShape(".", negative)
    if re.fullmatch(r"9{1,3}(\.999)+,9*", plain) or re.fullmatch(r"9{1,3}(\.999){2,}", plain):
        return NumberShape(",", negative)
    if re.fullmatch(r"9{1,3}[.,]999", plain) and not grouped:
        return NumberShape("?", negative)
    if re.fullmatch(r"9*\.9*", plain):
        return NumberShape(".", negative)
    if re.fullmatch(r"9*,9*", plain):
        return NumberShape(",", negative)
    return None


@dataclass(frozen=True)
class NumberReading:
    """How a whole column of numbers reads."""

    is_plain: bool = True
    """Every value is a plain number: cast it."""
    decimal: Decimal = "."
    point: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Shapes with a decimal point: (positive, negative)."""
    comma: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    ambiguous: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def odd_sql(self, field: str) -> str:
        """The text *field* where it is not written plainly, else NULL.

        A column of its own, so that what is slow runs on few rows: DuckDB computes an expression that stands in
        several branches of a CASE for all rows.
        """
        if self.decimal == ",":
            return field
        return f"case when isfinite(try_cast({field} as double)) then null else {field} end"

    def sql(self, field: str, odd: str) -> str:
        """DOUBLE of text *field*; NULL when missing, not a number, or ambiguous; *odd* is the column of `odd_sql`."""
        cast = f"case when isfinite(try_cast({field} as double)) then try_cast({field} as double) end"
        if self.is_plain:
            return cast
        shape = number_shape_sql(odd)
        clean = {
            ".": f"try_cast(regexp_replace({odd}, '[^0-9.]', '', 'g') as double)",
            ",": f"try_cast(replace(regexp_replace({odd}, '[^0-9,]', '', 'g'), ',', '.') as double)",
        }
        branches = [
            f"when {among_sql(shape, shapes)} then {sign}{clean[decimal]}"
            for decimal, pair in ((".", self.point), (",", self.comma))
            for sign, shapes in zip(("", "-"), pair, strict=True)
            if shapes
        ]
        if self.decimal == ".":
            branches.insert(0, f"when {odd} is null then try_cast({field} as double)")
        return f"case {' '.join(branches)} end" if branches else cast

    def ambiguous_sql(self, field: str) -> str:
        """Condition: a number that reads in two ways."""
        return f"coalesce({among_sql(number_shape_sql(field), self.ambiguous)}, false)" if self.ambiguous else "false"


def read_numbers(shapes: Sequence[tuple[str, int]], configured: Decimal = "", *, name: str = "") -> NumberReading:
    """Decide how a column reads from its *shapes* (shape, count) — all of them, plain ones too.

    A single comma or point before exactly three digits (1,600) is decided by the rest of the column; when nothing in
    the column decides, such values stay ambiguous.
    """
    read = [(shape, count, seen) for shape, count in shapes if (seen := read_number_shape(shape)) is not None]
    counts = {sign: sum(count for _, count, seen in read if seen.decimal == sign) for sign in (".", ",")}
    decimal: Decimal = configured
    notes: list[str] = []
    if not decimal:
        if counts["."] or counts[","]:
            decimal = "," if counts[","] > counts["."] else "."
        else:
            # only 1,600 and 1.600: the point is taken as a decimal point where no comma says otherwise
            decimal = "" if any("," in shape for shape, _, seen in read if seen.decimal == "?") else "."
    mixed = not configured and min(counts["."], counts[","]) > 0
    point: tuple[list[str], list[str]] = ([], [])
    comma: tuple[list[str], list[str]] = ([], [])
    ambiguous: list[str] = []
    for shape, _, seen in read:
        if seen.decimal == "?":
            has_comma = "," in shape
            if not decimal or (mixed and has_comma != (decimal == ",")):
                ambiguous.append(shape)
                continue
            reads: str = decimal
        elif seen.decimal == "-":
            reads = decimal or "."
        else:
            reads = seen.decimal
            if configured and reads != configured:
                continue
        (point if reads == "." else comma)[int(seen.is_negative)].append(shape)
    if decimal == ",":
        notes.append(f"{name}: decimal comma".lstrip(": "))
    if ambiguous:
        notes.append(f'{name}: numbers such as {ambiguous[0]} read in two ways; set decimal = "." or ","'.lstrip(": "))
    return NumberReading(
        False,
        "." if decimal == "." else ",",
        (tuple(point[0]), tuple(point[1])),
        (tuple(comma[0]), tuple(comma[1])),
        tuple(ambiguous),
        tuple(notes),
    )


_TIME = re.compile(
    r"(?P<at>[t ]+|, ?)\d{1,2}:\d{2}(?P<seconds>:\d{2}(?P<fraction>[.,]\d{1,9})?)?(?P<half> ?[ap]m)?"
    r"(?P<zone> ?(?:z|[a-z]{3,4}|(?:utc|gmt)?[+-]\d{2}:?\d{2}))?$"
)
_WEEKDAY = re.compile(r"^(?P<day>(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)(?P<sep>,? +)")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


@dataclass(frozen=True)
class DateShape:
    """How one shape of dates reads: strptime formats, with `{a}` and `{b}` for a day and month in unknown order."""

    format: str
    numeric_separator: str = ""
    """Not empty when the day and the month are two numbers whose order only the column can tell."""
    strip_zone: bool = False
    epoch: int = 0
    """Divisor to seconds when it is a count since 1970: 1, 1000 or 1000000."""


def read_date_shape(example: str) -> DateShape | None:
    """How dates that look like *example* read; None when they are not dates."""
    text = example.strip().lower()
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}|\d{16}", text):
        return DateShape("", epoch={10: 1, 13: 1000, 16: 1_000_000}[len(text.split(".")[0])])
    prefix = ""
    if weekday := _WEEKDAY.match(text):
        prefix = ("%a" if len(weekday["day"]) == 3 else "%A") + weekday["sep"]
        text = text[weekday.end() :]
    suffix, strip_zone = "", False
    if time := _TIME.search(text):
        text = text[: time.start()]
        hour = "%I" if time["half"] else "%H"
        suffix = time["at"].upper() if "t" in time["at"] else time["at"]
        suffix += f"{hour}:%M" + (":%S" if time["seconds"] else "")
        if time["fraction"]:
            suffix += time["fraction"][0] + ("%f" if len(time["fraction"]) <= 7 else "%n")
        if time["half"]:
            suffix += " %p" if time["half"].startswith(" ") else "%p"
        strip_zone = bool(time["zone"])
    numeric = ""
    if match := re.fullmatch(r"\d{4}([-/. ])\d{1,2}\1\d{1,2}", text):
        day = f"%Y{match[1]}%m{match[1]}%d"
    elif match := re.fullmatch(r"(?:19|20)\d{6}", text):
        day = "%Y%m%d"
    elif match := re.fullmatch(r"\d{1,2}([-/. ])\d{1,2}\1(\d{4}|\d{2})", text):
        numeric = match[1]
        day = f"{{a}}{numeric}{{b}}{numeric}" + ("%Y" if len(match[2]) == 4 else "%y")
    elif match := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?([-/ .]+)([a-z]{3,9})\.?(,? ?[-/ .]*)(\d{4}|\d{2})", text):
        if not re.fullmatch(r"\d{1,2}", text[: match.end(1)]) or text[match.end(1) : match.start(2)]:
            return None
        month = _month_format(match[3])
        if not month:
            return None
        day = f"%d{match[2]}{month}{text[match.end(3) : match.start(5)]}" + ("%Y" if len(match[5]) == 4 else "%y")
    elif match := re.fullmatch(r"([a-z]{3,9})([-/ .]+)(\d{1,2})(,? ?[-/ ]*)(\d{4}|\d{2})", text):
        month = _month_format(match[1])
        if not month:
            return None
        day = f"{month}{match[2]}%d{match[4]}" + ("%Y" if len(match[5]) == 4 else "%y")
    elif match := re.fullmatch(r"(\d{4})([-/ .])([a-z]{3,9})\2(\d{1,2})", text):
        month = _month_format(match[3])
        if not month:
            return None
        day = f"%Y{match[2]}{month}{match[2]}%d"
    else:
        return None
    return DateShape(prefix + day + suffix, numeric, strip_zone)


def _month_format(word: str) -> str:
    if word in _MONTHS:
        return "%B" if word != "may" else "%b"
    return "%b" if len(word) == 3 and any(month.startswith(word) for month in _MONTHS) else ""


@dataclass(frozen=True)
class DateFacts:
    """One shape of a column of dates: an example, how many, and the extremes of its first two numbers."""

    shape: str
    example: str
    n_rows: int
    max_first: int
    max_second: int


def iso_sql(field: str) -> str:
    """TIMESTAMP of a text that is year-month-day with or without a time; NULL of anything else.

    Four digits of year: the cast alone takes 01-02-10 for the year 1, and `infinity` for the last of all days.
    """
    cast = f"try_cast({field} as timestamp)"
    return f"(case when {cast} >= timestamp '1000-01-01' and {cast} < timestamp '9000-01-01' then {cast} end)"


@dataclass(frozen=True)
class DateReading:
    """How a whole column of dates reads."""

    is_iso: bool = True
    """Every value is year-month-day: cast it."""
    formats: tuple[tuple[str, bool, tuple[str, ...]], ...] = ()
    """(strptime format, strip the zone first, its shapes)."""
    epochs: tuple[tuple[int, tuple[str, ...]], ...] = ()
    undecided: tuple[tuple[str, str, bool, tuple[str, ...]], ...] = ()
    """(day-first format, month-first format, strip the zone, shapes): only dates that read one way are taken."""
    configured: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    blocking: str = ""
    """Why the column cannot be read at all without a setting; empty when it can."""

    def odd_sql(self, field: str) -> str:
        """The text *field* where it is not year-month-day, else NULL; see `NumberReading.odd_sql`."""
        return field if self.configured else f"case when {iso_sql(field)} is null then {field} end"

    def sql(self, field: str, odd: str) -> str:
        """TIMESTAMP of text *field*; NULL when missing, no date, or ambiguous; *odd* is the column of `odd_sql`."""
        if self.configured:
            listed = ", ".join(sql_text(text) for text in self.configured)
            return f"try_strptime(trim({field}), [{listed}])"
        if self.is_iso:
            return iso_sql(field)
        plain, field = field, odd
        shape = date_shape_sql(field)
        branches = []
        for text, strip_zone, shapes in self.formats:
            branches.append(
                f"when {among_sql(shape, shapes)} then try_strptime({_zoneless(field, strip_zone)}, {sql_text(text)})"
            )
        for divisor, shapes in self.epochs:
            branches.append(
                f"when {among_sql(shape, shapes)} "
                f"then make_timestamp(cast(try_cast({field} as double) / {divisor}e0 * 1e6 as bigint))"
            )
        for day_first, month_first, strip_zone, shapes in self.undecided:
            stamp = _zoneless(field, strip_zone)
            one, other = (
                f"try_strptime({stamp}, {sql_text(day_first)})",
                f"try_strptime({stamp}, {sql_text(month_first)})",
            )
            branches.append(
                f"when {among_sql(shape, shapes)} then "
                f"(case when {one} is null then {other} when {other} is null or {one} = {other} then {one} end)"
            )
        return f"case when {odd} is null then {iso_sql(plain)} {' '.join(branches)} end"

    def ambiguous_sql(self, field: str) -> str:
        """Condition: a date whose day and month could be swapped, in a column that does not say which is which."""
        tests = []
        for day_first, month_first, strip_zone, shapes in self.undecided:
            stamp = _zoneless(field, strip_zone)
            one, other = (
                f"try_strptime({stamp}, {sql_text(day_first)})",
                f"try_strptime({stamp}, {sql_text(month_first)})",
            )
            tests.append(
                f"({among_sql(date_shape_sql(field), shapes)} "
                f"and {one} is not null and {other} is not null and {one} <> {other})"
            )
        return f"coalesce({' or '.join(tests)}, false)" if tests else "false"


def _zoneless(field: str, strip_zone: bool) -> str:
    """The text up to its zone: the wall clock is kept as written."""
    pattern = r"(?i) ?(?:z|[a-z]{3,4}|(?:utc|gmt)?[+-]\d{2}:?\d{2})$"
    return f"regexp_replace(trim({field}), {sql_text(pattern)}, '')" if strip_zone else f"trim({field})"


def read_dates(
    facts: Sequence[DateFacts], n_iso: int, configured: Sequence[str] = (), *, name: str = "the date"
) -> DateReading:
    """Decide how a column reads.

    Args:
        facts: the shapes of the values that are not year-month-day.
        n_iso: how many values are.
        configured: strptime formats that settle it.
        name: the column, for notes.
    """
    if configured:
        return DateReading(False, configured=tuple(configured))
    if not facts:
        return DateReading()
    read = [(fact, seen) for fact in facts if (seen := read_date_shape(fact.example)) is not None]
    formats: dict[tuple[str, bool], list[str]] = {}
    epochs: dict[int, list[str]] = {}
    undecided: dict[tuple[str, bool], list[str]] = {}
    notes: list[str] = []
    order: dict[str, str] = {}
    blocked = 0
    for separator in {seen.numeric_separator for _, seen in read if seen.numeric_separator}:
        of_it = [fact for fact, seen in read if seen.numeric_separator == separator]
        first, second = max(fact.max_first for fact in of_it), max(fact.max_second for fact in of_it)
        written = f"{name}: dates with {separator!r}"
        if first > 12 and second <= 12:
            order[separator] = "day"
            notes.append(f"{written} are day first (a first number is {first})")
        elif second > 12 and first <= 12:
            order[separator] = "month"
            notes.append(f"{written} are month first (a second number is {second})")
        elif separator == "." and first <= 31 and second <= 12:
            order[separator] = "day"
            notes.append(f"{written} are day first (the usual order with points)")
        elif first > 12:
            notes.append(
                f"{written} are written in both orders; those that read in two ways are quarantined: set date_formats"
            )
        else:
            blocked += sum(fact.n_rows for fact in of_it)
            notes.append(
                f"{written} read in two ways (for example {of_it[0].example}); "
                'set date_formats to ["%d/%m/%Y"] or ["%m/%d/%Y"]'
            )
    for fact, seen in read:
        if seen.epoch:
            epochs.setdefault(seen.epoch, []).append(fact.shape)
            continue
        if not seen.numeric_separator:
            formats.setdefault((seen.format, seen.strip_zone), []).append(fact.shape)
            continue
        decided = order.get(seen.numeric_separator)
        if decided:
            a, b = ("%d", "%m") if decided == "day" else ("%m", "%d")
            formats.setdefault((seen.format.format(a=a, b=b), seen.strip_zone), []).append(fact.shape)
        else:
            undecided.setdefault((seen.format, seen.strip_zone), []).append(fact.shape)
    n_all = n_iso + sum(fact.n_rows for fact in facts)
    return DateReading(
        False,
        tuple((text, zone, tuple(shapes)) for (text, zone), shapes in formats.items()),
        tuple((divisor, tuple(shapes)) for divisor, shapes in epochs.items()),
        tuple(
            (text.format(a="%d", b="%m"), text.format(a="%m", b="%d"), zone, tuple(shapes))
            for (text, zone), shapes in undecided.items()
        ),
        (),
        tuple(notes),
        notes[-1] if blocked * 2 > n_all else "",
    )


def flag_sql(field: str) -> str:
    """BOOLEAN of text *field*; NULL when missing or not a flag."""
    word = f"lower(trim({field}))"
    return f"case when {among_sql(word, TRUE)} then true when {among_sql(word, FALSE)} then false end"

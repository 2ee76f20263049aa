"""Measure derived filing values against figures that the same filers state elsewhere.

Run `python -m deployments.bench.filings_accuracy TAPE...`; it writes docs/accuracy.md. The figures
compared with are read from the filed facts by rules of their own, so an agreement is no tautology.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import polars as pl
import typer

from tasks.derive.debt.ladders import build_ladders
from tasks.derive.debt.merged_ladders import LadderAsOf, ladders_as_of
from tasks.derive.debt.rates import Rates
from tasks.derive.refinancing.company_row import IndexListing, company_rows
from tasks.derive.xbrl.facts import Fact
from tasks.extract.sec.parse import parse_facts, to_fact_frame

DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"
QUARTER_ENDS = [
    date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    for year in range(2009, 2027)
    for month in (3, 6, 9, 12)
]
UNLISTED = IndexListing(None, None, None, None, False)
RATE_SCHEMA = {
    "series_id": pl.String,
    "observation_date": pl.Date,
    "vintage_date": pl.Date,
    "value": pl.Float64,
}
YEAR_DAYS, QUARTER_DAYS = range(350, 381), range(80, 101)
# a maturity schedule states principal, a balance sheet the carrying amount
DEBT_TOLERANCE, EQUAL_TOLERANCE = 0.05, 0.001
DAY = timedelta(days=1)


@dataclass
class Score:
    """Count the agreements of one derived value with a filed figure."""

    compared: int = 0
    agreeing: int = 0
    differing: list[str] = field(default_factory=list)

    def add(self, is_equal: bool, place: str, *amounts: float) -> None:
        """Count one comparison and remember where the two differ, with both in millions."""
        self.compared += 1
        self.agreeing += is_equal
        if not is_equal:
            self.differing.append(" ".join([place, *(f"{each / 1e6:,.3f}" for each in amounts)]))

    @property
    def share(self) -> str:
        """The share of agreements as text."""
        return f"{100 * self.agreeing / self.compared:.1f} %" if self.compared else "none compared"


def read_filer(path: Path) -> list[Fact]:
    """Return a filer's facts of a companyfacts file, through the parser of the product."""
    content: Any = json.loads(gzip.decompress(path.read_bytes()))
    return to_facts(to_fact_frame([parse_facts(int(content["cik"]), content)]))


def to_facts(frame: pd.DataFrame) -> list[Fact]:
    """Return the facts of a parsed frame, without those that validation quarantines."""
    frame = frame.dropna(subset=["value", "form"])
    names = ["tag", "period_start", "period_end", "value", "accession_number", "form"]
    names += ["fiscal_period", "filed_date", "known_from"]
    days = ["period_start", "period_end", "filed_date", "known_from"]
    frame[days] = frame[days].apply(lambda column: column.dt.date).astype(object)
    return [Fact(*row) for row in frame[names].itertuples(index=False)]


def read_filers(tape: Path) -> Iterator[tuple[str, list[Fact]]]:
    """Yield the name and the facts of each filer of a tape."""
    for path in sorted((tape / "companyfacts").glob("CIK*.json.gz")):
        yield path.name.partition(".")[0], read_filer(path)


def score_filer(name: str, facts: Sequence[Fact], scores: Mapping[str, Score]) -> None:
    """Compare a filer's rows with the figures it states elsewhere."""
    reports = [fact for fact in facts if fact.form.startswith(("10-K", "10-Q", "20-F", "40-F"))]
    for row in company_rows(facts, QUARTER_ENDS, lambda _: UNLISTED, Rates(_no_rates())):
        day, end, place = row["as_of_date"], row["period_end"], f"{name} {row['as_of_date']}"
        known = [fact for fact in reports if fact.known_from <= day]
        income, stated = row["net_income_ttm_usd"], _stated_income(known, end)
        if income is not None and stated is not None:
            scores["income"].add(_is_close(income, stated, EQUAL_TOLERANCE), place, income, stated)
        debt, limit = row["total_debt_usd"], _newest(known, "Liabilities", end)
        if debt is not None and limit is not None:
            scores["limit"].add(debt <= limit * (1 + EQUAL_TOLERANCE), place, debt, limit)
        schedule = _stated_principal(known, end)
        if debt is not None and schedule is not None:
            key = "debt" if _is_sure(row) else "unsure debt"
            scores[key].add(_is_close(debt, schedule, DEBT_TOLERANCE), place, debt, schedule)
    _score_ladders(name, facts, scores["ladder"])


def _is_sure(row: Mapping[str, Any]) -> bool:
    return bool(row["total_debt_confidence"] == "sure")


def _no_rates() -> pl.DataFrame:
    return pl.DataFrame(schema=RATE_SCHEMA)


def _is_close(value: float, other: float, tolerance: float) -> bool:
    return abs(value - other) <= tolerance * max(abs(value), abs(other))


def _newest(known: Sequence[Fact], tag: str, end: date, start: date | None = None) -> float | None:
    found = [f for f in known if f.tag == tag and f.end == end and f.start == (start or end)]
    return max(found, key=lambda f: (f.filed, f.accession)).value if found else None


def _stated_income(known: Sequence[Fact], end: date) -> float | None:
    """Return the filed income of the year, else of the year to date and the quarters before it."""
    income = [fact for fact in known if fact.tag == "NetIncomeLoss"]
    starts = {f.start for f in income if f.end == end and (f.end - f.start).days + 1 in YEAR_DAYS}
    if starts:
        return _newest(income, "NetIncomeLoss", end, max(starts))
    quarters: list[Fact] = []
    until = end
    for _ in range(4):
        found = [f for f in income if f.end == until and (f.end - f.start).days + 1 in QUARTER_DAYS]
        if not found:
            return None
        quarters.append(max(found, key=lambda f: (f.filed, f.accession)))
        until = quarters[-1].start - DAY
    # the year to date of the report itself: it may restate quarters that are not filed again
    starts = {quarter.start for quarter in quarters[1:]}
    start = max((f.start for f in income if f.end == end and f.start in starts), default=None)
    so_far = None if start is None else _newest(income, "NetIncomeLoss", end, start)
    if start is None or so_far is None:
        return sum(quarter.value for quarter in quarters)
    return so_far + sum(quarter.value for quarter in quarters if quarter.start < start)


def _stated_principal(known: Sequence[Fact], end: date) -> float | None:
    """Return the whole maturity schedule of a day, with short-term borrowings."""
    prefix = "LongTermDebtMaturitiesRepaymentsOfPrincipal"
    names = ["InNextTwelveMonths", "InYearTwo", "InYearThree", "InYearFour", "InYearFive"]
    amounts = [_newest(known, prefix + name, end) for name in [*names, "AfterYearFive"]]
    if None in amounts or not sum(amount or 0 for amount in amounts):
        return None
    rest = _newest(known, prefix + "RemainderOfFiscalYear", end) or 0
    portion = _newest(known, "LongTermDebtCurrent", end) or 0
    short = [_newest(known, tag, end) or 0 for tag in ("ShortTermBorrowings", "CommercialPaper")]
    # some filers tag the current portion, which the schedule holds, as short-term borrowings
    others = [amount for amount in short if not _is_close(amount, portion, EQUAL_TOLERANCE)]
    return rest + sum(amount or 0 for amount in amounts) + max(others, default=0)


def _score_ladders(name: str, facts: Sequence[Fact], score: Score) -> None:
    """Compare each quarterly ladder with the annual ladder before it, by whole years.

    A ladder counts where two or more of its amounts stand in the annual ladder: most of them must
    stand there under the same dates. One alone may be the equal instalment of another year.
    """
    ladders = sorted(
        ladders_as_of(build_ladders(facts), QUARTER_ENDS[-1]),
        key=lambda each: each.ladder.period_end,
    )
    annual: LadderAsOf | None = None
    for found in ladders:
        if found.ladder.layout == "annual" or found.ladder.filing.form.startswith("10-K"):
            annual = found
        elif annual is not None and found.ladder.layout != "rolling":
            votes = Counter(years for years in _offsets(found, annual) if abs(years) <= 1)
            if votes and max(votes.values()) >= 2:
                place = f"{name} {found.ladder.period_end}"
                score.add(votes[0] == max(votes.values()), place)


def _offsets(found: LadderAsOf, annual: LadderAsOf) -> Iterator[int]:
    """Yield, for amounts of whole years in both ladders, the years between their dates."""
    for bucket, window in _whole_years(found):
        for key, other in _whole_years(annual):
            amount = found.amounts[bucket]
            if amount and _is_close(amount, annual.amounts[key], EQUAL_TOLERANCE):
                yield round((window[1] - other[1]).days / 365)


def _whole_years(ladder: LadderAsOf) -> Iterator[tuple[str, tuple[date, date]]]:
    for bucket, window in ladder.windows.items():
        if window.end is not None and (window.end - window.start).days > 300:
            yield bucket, (window.start, window.end)


TITLES = {
    "income": (
        "net_income_ttm_usd",
        "the year, or the year to date and the quarters before it, as filed, within 0.1 %",
    ),
    "debt": ("total_debt_usd", "maturity schedule of the same day, within 5 %"),
    "unsure debt": ("total_debt_usd, marked unsure", "maturity schedule, within 5 %"),
    "limit": ("total_debt_usd", "not above total liabilities"),
    "ladder": ("dates of quarterly ladders", "years of the annual ladder before"),
}


def score_tape(tape: Path) -> dict[str, Score]:
    """Return the scores of all filers of a tape."""
    scores = {key: Score() for key in TITLES}
    for name, facts in read_filers(tape):
        score_filer(name, facts, scores)
    return scores


def write_document(
    tapes: Annotated[list[Path], typer.Argument(help="Folders of tapes.")],
    differences: Annotated[bool, typer.Option(help="List where values differ.")] = False,
) -> None:
    """Measure the accuracy on tapes and write docs/accuracy.md."""
    lines = []
    for tape in tapes:
        for key, score in score_tape(tape).items():
            value, figure = TITLES[key]
            lines.append(
                f"| {tape.name} | {value} | {figure} | {score.compared:,} | {score.share} |"
            )
            if differences:
                typer.echo("\n".join([lines[-1], *score.differing]))
    DOCUMENT.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


HEAD = """# Accuracy of values from filings

Measured by `make accuracy TAPES="folder ..."` on real filings. Each value is compared with a figure
that the same filer states elsewhere, where it states one. A difference is not always an error: a
maturity schedule states principal and a balance sheet the carrying amount. Within a fiscal year the
year to date is used, not the sum of its quarters: it may restate them.

| Tape | Value | Compared with | Comparisons | Agreeing |
|---|---|---|---:|---:|
"""

if __name__ == "__main__":
    typer.run(write_document)

"""Inflation, policy cycle and other figures of the macro regime, from series as known."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum
from typing import Any

from tasks.derive.macro.vintages import KnownSeries

# The age at which the newest observation no longer counts: long enough for the shutdown of 2025,
# when September's jobs report was the newest for 106 days.
DAILY_AGE_DAYS, WEEKLY_AGE_DAYS, MONTHLY_AGE_DAYS, QUARTERLY_AGE_DAYS = 14, 35, 190, 280
DOLLAR_OBSERVATIONS = 63
HOLDING_AFTER_DAYS = 180


def month_before(month: date, months: int) -> date:
    """Return the first day of an earlier month."""
    number = month.year * 12 + month.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def change_pct(series: KnownSeries, month: date, months: int) -> float | None:
    """Return the change over months, percent; None where a month has no value."""
    now, before = series.values.get(month), series.values.get(month_before(month, months))
    return None if now is None or before is None else 100 * (now / before - 1)


def newest_change_over_year(
    series: KnownSeries, session: date
) -> tuple[date | None, float | None, str | None]:
    """Return the newest month that has a change over a year, the change, and what is missing.

    The reason names a newer month that was published and has none.
    """
    newest, reason = series.newest(session, MONTHLY_AGE_DAYS), None
    if newest is None:
        return None, None, None
    month = newest
    while month >= session - timedelta(days=MONTHLY_AGE_DAYS):
        if (change := change_pct(series, month, 12)) is not None:
            return month, change, reason
        if reason is None:
            reason = f"y/y of {month:%Y-%m}: {_name_missing(series, month, 12)}"
        month = month_before(month, 1)
    return None, None, reason


def _name_missing(series: KnownSeries, month: date, months: int) -> str:
    before = month_before(month, months)
    missing = month if month not in series.values else before
    return f"{missing:%Y-%m} {series.missing_reason(missing)}"


def inflation(
    headline: KnownSeries, core: KnownSeries, adjusted: KnownSeries, session: date
) -> dict[str, Any]:
    """Return the inflation columns of the regime.

    Args:
        headline: CPIAUCNS.
        core: CPILFENS.
        adjusted: CPIAUCSL.
        session: To which the series have advanced.
    """
    month, over_year, reason = newest_change_over_year(headline, session)
    core_month, core_over_year, _ = newest_change_over_year(core, session)
    row: dict[str, Any] = {
        "cpi_reference_month": month,
        "cpi_yoy_pct": over_year,
        "core_cpi_reference_month": core_month,
        "core_cpi_yoy_pct": core_over_year,
    }
    reasons = [] if reason is None else [reason]
    newest = adjusted.newest(session, MONTHLY_AGE_DAYS)
    row["cpi_adjusted_reference_month"] = newest
    if newest is not None:
        row["cpi_mom_pct"] = change_pct(adjusted, newest, 1)
        over_quarter = change_pct(adjusted, newest, 3)
        if over_quarter is not None:
            row["cpi_3m_annualised_pct"] = 100 * ((1 + over_quarter / 100) ** 4 - 1)
        reasons += [
            f"{label} of {newest:%Y-%m}: {_name_missing(adjusted, newest, months)}"
            for label, months in (("m/m", 1), ("3 months", 3))
            if change_pct(adjusted, newest, months) is None
        ]
    row["cpi_missing_reason"] = "; ".join(reasons) or None
    return row


def output(growth: KnownSeries, level: KnownSeries, session: date) -> dict[str, Any]:
    """Return the columns on real GDP, of the newest quarter published."""
    quarter = growth.newest(session, QUARTERLY_AGE_DAYS)
    if quarter is None:
        quarter = level.newest(session, QUARTERLY_AGE_DAYS)
    if quarter is None:
        return {}
    return {
        "gdp_reference_quarter": quarter,
        "gdp_growth_pct": growth.values.get(quarter),
        "gdp_yoy_pct": change_pct(level, quarter, 12),
    }


def dollar_change(dollar: KnownSeries, session: date) -> float | None:
    """Return the change of the dollar index over its last 63 observations, as a fraction."""
    newest = dollar.newest(session, DAILY_AGE_DAYS)
    if newest is None or len(dollar.days) <= DOLLAR_OBSERVATIONS:
        return None
    return dollar.values[newest] / dollar.values[dollar.days[-1 - DOLLAR_OBSERVATIONS]] - 1


def mean_claims(claims: KnownSeries, session: date) -> float | None:
    """Return the mean of the last four weeks; None where a week is missing."""
    newest = claims.newest(session, WEEKLY_AGE_DAYS)
    if newest is None:
        return None
    weeks = [claims.values.get(newest - timedelta(weeks=n)) for n in range(4)]
    known = [value for value in weeks if value is not None]
    return fsum(known) / 4 if len(known) == 4 else None


@dataclass
class PolicyCycle:
    """Hikes and cuts of the upper limit of the target range, up to a session.

    A cycle begins with the first hike after a cut, or with the first hike known.
    """

    level: float | None = None
    peak: float | None = None
    cuts: int = 0
    direction: str | None = None
    changed_on: date | None = None
    since: date | None = None
    _position: int = 0
    _revisions: int = 0

    def follow(self, target: KnownSeries) -> "PolicyCycle":
        """Return the cycle with the observations that are new; all of them after a revision."""
        if target.revisions != self._revisions:
            return PolicyCycle(_revisions=target.revisions).follow(target)
        for day in target.days[self._position :]:
            self._add(day, target.values[day])
        self._position = len(target.days)
        return self

    def _add(self, day: date, level: float) -> None:
        if self.level is None:
            self.since = day
        elif level > self.level:
            if self.direction != "hiking":
                self.peak, self.cuts = level, 0
            self.direction, self.changed_on = "hiking", day
        elif level < self.level:
            self.cuts += 1
            self.direction, self.changed_on = "easing", day
        self.level = level
        if self.peak is not None:
            self.peak = max(self.peak, level)

    def row(self, session: date) -> dict[str, Any]:
        """Return the columns on policy; nothing before the first observation."""
        if self.level is None:
            return {}
        row: dict[str, Any] = {"target_upper_pct": self.level}
        if self.peak is not None:
            row["bp_from_cycle_peak"] = round(100 * (self.level - self.peak), 6)
            row["cuts_in_cycle"] = self.cuts
        unchanged_since = self.changed_on or self.since
        if unchanged_since is not None:
            is_holding = (session - unchanged_since).days > HOLDING_AFTER_DAYS
            row["policy_phase"] = "holding" if is_holding else self.direction
        return row

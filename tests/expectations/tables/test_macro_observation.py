"""Economic series: each rule's bad row, and the real vintages."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations.tables.macro_observation import (
    CONTRACT,
    MIN_PUBLICATION_LAG_DAYS,
    add_context,
    reference,
)
from tasks.validate.validate import validate
from tests.expectations.conftest import with_value

NOW = datetime(2025, 12, 20, tzinfo=UTC)


def make_frame() -> pd.DataFrame:
    """A monthly index with a revision and a month never published, a daily and a weekly series."""
    rows = [
        ("CPIAUCSL", "2025-08-01", "2025-09-11", 323.364, None),
        ("CPIAUCSL", "2025-08-01", "2025-10-24", 323.360, None),
        ("CPIAUCSL", "2025-10-01", "2025-12-18", np.nan, "never published"),
        ("DFEDTARU", "2025-12-11", "2025-12-11", 3.75, None),
        ("ICSA", "2025-12-06", "2025-12-11", 236_000.0, None),
    ]
    names = ["series_id", "observation_date", "vintage_date", "value", "missing_reason"]
    frame = pd.DataFrame(rows, columns=names)
    for name in ("observation_date", "vintage_date"):
        frame[name] = pd.to_datetime(frame[name])
    return add_context(frame.assign(source="alfred"), NOW)


BROKEN = {
    "date_missing": lambda f: with_value(f, "observation_date", pd.NaT),
    "vintage_missing": lambda f: with_value(f, "vintage_date", pd.NaT),
    "series_unknown": lambda f: with_value(f, "series_id", "CPI"),
    "vintage_before_period_end": lambda f: with_value(
        f, "vintage_date", pd.Timestamp("2025-08-28")
    ),
    "vintage_in_future": lambda f: with_value(f, "vintage_date", pd.Timestamp("2025-12-21")),
    "value_implausible": lambda f: with_value(f, "value", 3.23),
    "missing_reason_inconsistent": lambda f: with_value(f, "missing_reason", None, 2),
    "duplicate_vintage": lambda f: pd.concat([f, f.loc[[0]]], ignore_index=True),
}


def test_sound_observations_pass():
    validated = validate(CONTRACT, make_frame())
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == 5


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))


def test_a_reason_beside_a_value_is_refused():
    frame = with_value(make_frame(), "missing_reason", "not_observed")
    assert validate(CONTRACT, frame).quarantine["rule"].to_list() == ["missing_reason_inconsistent"]


def test_an_infinite_value_is_implausible():
    frame = with_value(make_frame(), "value", np.inf)
    assert validate(CONTRACT, frame).quarantine["rule"].to_list() == ["value_implausible"]


def test_reference_knows_every_frequency_and_orders_its_bounds():
    series = reference()
    assert set(series["frequency"]) <= set(MIN_PUBLICATION_LAG_DAYS)
    assert (series["plausible_min"] < series["plausible_max"]).all()
    assert (
        series["publication_lag_days"] >= series["frequency"].map(MIN_PUBLICATION_LAG_DAYS)
    ).all()
    assert series.index.is_unique
    assert series.notna().all(axis=None)


@pytest.mark.parametrize("tape", ["real-2024", "real-etf"])
def test_real_vintages_break_no_rule(tapes, tape):
    names = {"realtime_start": "vintage_date"}
    frame = pd.read_parquet(tapes / tape / "observations.parquet").rename(columns=names)
    is_missing = frame["value"].isna()
    frame["missing_reason"] = pd.Series("not_observed", index=frame.index).where(is_missing)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    validated = validate(CONTRACT, add_context(frame.assign(source="tape"), now))
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == len(frame)

"""Bars of whole tapes: every injected defect is quarantined, and no true bar is."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deployments.sandbox.market import simulate
from expectations.tables.daily_price import CONTRACT, KEY, PRICES, add_context
from tasks.validate.validate import Checked, validate

EVENING = "18:30"
LOOKBACK = 12


def as_traded(tape: Path, now: datetime) -> pd.DataFrame:
    """The bars that the extraction makes of the vendor's reply at an instant, defects included."""
    today = pd.Timestamp(now).tz_convert("America/New_York").tz_localize(None).normalize()
    bars = read_dated(tape / "bars.parquet", "session_date")
    planted = tape / "defects.parquet"
    if planted.exists():
        defects = read_dated(planted, "session_date")
        is_shown = defects["visible_from"].fillna(pd.Timestamp(0, tz="UTC")) <= now
        is_shown &= defects["visible_to"].fillna(pd.Timestamp("2100-01-01", tz="UTC")) > now
        is_extra = defects["kind"].str.startswith("extra")
        defects = defects[is_shown & (is_extra | (defects["session_date"] <= today))]
        replaced = defects[~defects["kind"].str.startswith("extra")]
        keys = pd.MultiIndex.from_frame(replaced[[*KEY]])
        bars = bars[~pd.MultiIndex.from_frame(bars[[*KEY]]).isin(keys)]
    else:
        defects = bars.iloc[:0].assign(kind="")
    bars = pd.concat([bars[bars["session_date"] <= today], defects])
    bars = bars.sort_values([*KEY], kind="stable", ignore_index=True)
    undone = np.ones(len(bars))
    actions = read_dated(tape / "actions.csv", "ex_date")
    for split in actions[(actions["kind"] == "split") & (actions["ex_date"] <= today)].itertuples():
        is_before = (bars["ticker"] == split.ticker) & (bars["session_date"] < split.ex_date)
        undone[is_before] *= split.value
    is_forgotten = (bars["kind"] == "split_not_applied").to_numpy()
    bars[[*PRICES]] = bars[[*PRICES]].mul(np.where(is_forgotten, undone, 1.0), axis=0)
    return bars.assign(source="tape", volume_resolution=1.0, removed_split_factor=undone)


def read_dated(path: Path, column: str) -> pd.DataFrame:
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return frame.assign(**{column: pd.to_datetime(frame[column]).astype("datetime64[s]")})


def set_aside(validated: Checked) -> set[tuple[str, str]]:
    return {tuple(json.loads(key).values()) for key in validated.quarantine["key"]}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "tape"
    simulate(folder, small=40, large=12, years=1)
    return folder


@pytest.fixture(scope="module")
def clock(simulated) -> pd.Timestamp:
    newest = pd.read_parquet(simulated / "bars.parquet", columns=["session_date"]).max().item()
    return pd.Timestamp(f"{newest} {EVENING}", tz="America/New_York").tz_convert("UTC")


def test_what_was_planted_is_set_aside_and_nothing_else(simulated, clock):
    truth = pd.read_csv(simulated / "truth.csv", parse_dates=["visible_from", "visible_to"])
    is_shown = ~(truth["visible_from"] > clock) & ~(truth["visible_to"] <= clock)
    bad = truth[is_shown & (truth["expected"] == "quarantine")]
    assert bad["kind"].nunique() > 5
    frame = add_context(as_traded(simulated, clock), clock)
    found = set_aside(validate(CONTRACT, frame))
    assert found == set(zip(bad["ticker"], bad["session_date"], strict=True))


def test_days_loaded_one_by_one_give_what_one_go_gives(simulated, clock):
    sessions = sorted(pd.read_parquet(simulated / "bars.parquet")["session_date"].unique())
    frame = as_traded(simulated, clock)
    one_go = validate(CONTRACT, add_context(frame, clock)).valid_rows.set_index([*KEY])["close"]
    held = pd.Series(dtype="float64")
    first = len(sessions) - 2 * LOOKBACK
    for number in range(first, len(sessions)):
        evening = pd.Timestamp(f"{sessions[number]} {EVENING}", tz="America/New_York")
        now = evening.tz_convert("UTC")
        start = pd.Timestamp(sessions[0 if number == first else number - LOOKBACK])
        reply = as_traded(simulated, now)
        reply = reply[reply["session_date"] >= start]
        known = held.rename("close").rename_axis([*KEY]).reset_index() if len(held) else None
        good = validate(CONTRACT, add_context(reply, now, known)).valid_rows
        held = good.set_index([*KEY])["close"].combine_first(held)
    # What was good when it was loaded stays, though the vendor may have spoilt it since.
    assert one_go.index.difference(held.index).empty
    pd.testing.assert_series_equal(held.loc[one_go.index], one_go, check_names=False)
    true = read_dated(simulated / "bars.parquet", "session_date").set_index([*KEY])["close"]
    pd.testing.assert_series_equal(held, true.loc[held.index], check_names=False)


@pytest.mark.parametrize(
    ("tape", "expected", "warned"),
    [
        (
            "real-2024",
            set(),
            {
                # A close of 1.40 without a trade, between 16.80 and 16.10: not restated for the
                # 1:12 consolidation that the vendor itself does not list.
                "untraded_spike": ["TECX 2024-06-21"],
                # Mergers and a spin-off whose splits the vendor does not list, a first listing.
                "unexplained_price_jump": ["LENZ 2024-03-22, SERV 2024-03-11, SITC 2024-09-23"],
                "transient_price_level": ["AIRJ 2024-03-11, CSR 2024-03-06"],
            },
        ),
        ("real-etf", set(), {}),
    ],
)
def test_real_bars_stay_and_odd_ones_are_named(tapes, tape, expected, warned):
    now = datetime(2026, 1, 2, 12, tzinfo=UTC)
    validated = validate(CONTRACT, add_context(as_traded(tapes / tape, now), now))
    assert set_aside(validated) == expected
    details = validated.rule_results.set_index("rule")["detail"]
    for rule in ("untraded_spike", "unexplained_price_jump", "transient_price_level"):
        assert [details[rule]] == warned.get(rule, [""])

"""Splits and distributions: each rule's bad row, and the real ones."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations.tables.corporate_action import CONTRACT, add_context
from tasks.extract.yahoo.parse import parse_history, to_frames
from tasks.validate.validate import validate
from tests.expectations.conftest import with_value

NOW = datetime(2024, 7, 1, 23, tzinfo=UTC)


def make_frame() -> pd.DataFrame:
    """A dividend, a split, and a fund's distribution of both kinds."""
    rows = [
        ("AAA", "2024-06-03", "dividend", 0.25, 50.0, 49.8),
        ("AAA", "2024-06-10", "split", 10.0, np.nan, 5.1),
        ("FUND", "2024-06-27", "capital_gain", 0.4, 20.0, 19.5),
        ("FUND", "2024-06-27", "dividend", 0.2, 20.0, 19.5),
    ]
    names = ["ticker", "ex_date", "kind", "value", "previous_close", "ex_open"]
    frame = pd.DataFrame(rows, columns=names)
    frame["ex_date"] = pd.to_datetime(frame["ex_date"])
    return frame.assign(
        source="yahoo",
        checked_at=pd.Timestamp(NOW),
        usual_yield=np.nan,
        usual_overnight_move=0.004,
        currency="USD",
        listed_date=frame["ex_date"],
        is_repeated=False,
        is_paid_unadjusted=False,
    )


BROKEN = {
    "kind_unknown": lambda f: with_value(f, "kind", "spin_off"),
    "value_missing": lambda f: with_value(f, "value", np.nan),
    "value_not_positive": lambda f: with_value(f, "value", -0.25),
    "split_ratio_implausible": lambda f: with_value(f, "value", 5_000.0, 1),
    "split_ratio_is_one": lambda f: with_value(f, "value", 1.0, 1),
    "ex_date_in_future": lambda f: with_value(f, "ex_date", pd.Timestamp("2024-07-02")),
    "split_on_two_dates": lambda f: with_value(f, "is_repeated", True, 1),
    "split_date_corrected": lambda f: with_value(f, "ex_date", pd.Timestamp("2024-06-11"), 1),
    "distribution_not_usd": lambda f: with_value(f, "currency", "CAD"),
    "distribution_exceeds_close": lambda f: with_value(f, "value", 60.0),
    "distribution_not_in_price": lambda f: with_value(f, "value", 25.0),
    "dividend_not_split_adjusted": lambda f: with_value(f, "is_paid_unadjusted", True),
    "duplicate_action": lambda f: pd.concat([f, f.loc[[0]].assign(value=0.3)], ignore_index=True),
    "ex_date_not_a_session": lambda f: with_value(f, "ex_date", pd.Timestamp("2024-06-19")),
    "gain_counted_twice": lambda f: with_value(f, "value", 0.6, 3),
}


def test_sound_actions_pass():
    validated = validate(CONTRACT, make_frame())
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == 4


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))


def test_a_large_distribution_that_the_price_followed_passes():
    # MBIA, 2023-12-26: 8 dollars out of 14.19, and an open at 6.21
    frame = make_frame().loc[[0]].assign(value=8.0, previous_close=14.19, ex_open=6.21)
    assert validate(CONTRACT, frame).quarantine.empty


def test_an_ex_date_of_today_passes():
    frame = make_frame().loc[[0]].assign(ex_date=pd.Timestamp("2024-07-01"))
    assert validate(CONTRACT, frame).quarantine.empty


def test_the_close_before_comes_from_the_bars_of_the_reply():
    days = pd.to_datetime(["2024-05-31", "2024-06-03", "2024-06-07", "2024-06-10"])
    bars = pd.DataFrame(
        {
            "ticker": "AAA",
            "session_date": days.astype("datetime64[s]"),
            "open": [50.2, 49.8, 51.0, 5.1],
            "close": [50.0, 49.9, 51.2, 5.2],
        }
    )
    frame = make_frame().drop(columns=[*CONTRACT.context_columns]).loc[:2]
    found = add_context(frame[::-1], NOW, bars).sort_index()
    # 10 for 1 on the second's ex-date: in the new shares; without bars nothing is known
    assert found["previous_close"].to_list() == pytest.approx([50.0, 5.12, np.nan], nan_ok=True)
    assert found["ex_open"].to_list() == pytest.approx([49.8, 5.1, np.nan], nan_ok=True)


def test_the_close_before_the_reply_comes_from_what_is_held():
    bars = make_close("2024-06-03", 49.8)
    frame = make_frame().drop(columns=[*CONTRACT.context_columns]).loc[:0]
    assert add_context(frame, NOW, bars)["previous_close"].isna().all()
    found = add_context(frame, NOW, bars, stored=make_close("2024-05-31", 50.0))
    assert found["previous_close"].to_list() == [50.0]


def test_a_distribution_that_is_not_believed_stays_with_its_amount_blank():
    frame = make_frame().loc[[0]].assign(value=60.0, previous_close=50.0)
    found = validate(CONTRACT, frame)
    assert found.valid_rows["value"].isna().to_list() == [True]
    assert '"value": 60.0' in found.quarantine["row"][0]


def make_close(day: str, close: float) -> pd.DataFrame:
    dates = pd.to_datetime([day]).astype("datetime64[s]")
    return pd.DataFrame({"ticker": "AAA", "session_date": dates, "open": close, "close": close})


def test_without_bars_only_the_values_themselves_are_judged():
    frame = make_frame().drop(columns=[*CONTRACT.context_columns])
    assert validate(CONTRACT, add_context(frame, NOW)).quarantine.empty


@pytest.mark.parametrize("tape", ["real-2024"])
def test_real_actions_break_no_rule_but_the_wrong_ones(tapes, tape):
    """LENZ paid 7.21 per new share, seven old ones each, in a merger: once, listed twice.

    LRCX paid 2.00 and 2.30 before its split of 10:1, listed as 20.00 and 23.00.
    """
    actions = pd.read_csv(tapes / tape / "actions.csv").assign(source="tape")
    bars = pd.read_parquet(tapes / tape / "bars.parquet")
    now = datetime(2024, 11, 1, tzinfo=UTC)
    validated = validate(CONTRACT, add_context(actions, now, bars))
    rows = validated.valid_rows
    lrcx = rows[(rows["ticker"] == "LRCX") & (rows["kind"] == "dividend")]
    assert lrcx["value"].to_list() == [1.9999, 2.0, 2.0, 2.3]
    assert set(validated.quarantine["key"]) == {
        '{"ticker": "LENZ", "ex_date": "2024-03-15", "kind": "dividend"}',
        '{"ticker": "LENZ", "ex_date": "2024-03-22", "kind": "dividend"}',
    }


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("CALM-1d-no-bad-divs", []),
        ("EWG-1d-no-bad-divs", []),
        ("ALPHA-PA-1d-bad-stock-split", []),
        ("DODFX-1d-cg-double-count", ["gain_counted_twice"]),
    ],
)
def test_real_replies(bad_rows, name, warned):
    frame = pd.read_csv(bad_rows / f"{name}.csv", index_col=0)
    frame.index = pd.to_datetime(frame.index.str[:10])
    bars, actions = to_frames([parse_history("AAA", frame.sort_index())])
    now = datetime(2026, 10, 1, tzinfo=UTC)
    validated = validate(CONTRACT, add_context(actions, now, bars))
    results = validated.rule_results
    assert results.loc[~results["success"], "rule"].to_list() == warned
    assert validated.quarantine["rule"].unique().tolist() == warned


# close before, open, earlier yield, overnight move, dividend, whether it is believed
DIVIDENDS = [
    pytest.param(474.55, 475.1, 0.0005, 0.005, 20.0, False, id="hundredfold, open not down"),
    pytest.param(474.55, 455.0, 0.0005, 0.005, 20.0, True, id="special, open down by it"),
    pytest.param(474.55, 462.0, 0.0005, 0.005, 20.0, True, id="special, open down by most of it"),
    pytest.param(50.0, 35.2, 0.01, 0.01, 15.0, True, id="30 percent of the price, open down"),
    pytest.param(50.0, 49.9, 0.01, 0.01, 15.0, False, id="30 percent of the price, open flat"),
    pytest.param(50.0, 50.1, 0.025, 0.004, 2.0, True, id="as large as ever"),
    pytest.param(50.0, 50.4, 0.004, 0.02, 1.5, True, id="special of a share that moves a lot"),
    pytest.param(50.0, 50.1, np.nan, 0.004, 2.0, True, id="first dividend"),
]


@pytest.mark.parametrize(("close", "ex_open", "usual", "move", "paid", "is_believed"), DIVIDENDS)
def test_an_unusual_dividend_needs_a_fall(close, ex_open, usual, move, paid, is_believed):
    frame = make_frame().loc[[0]].assign(
        value=paid, previous_close=close, ex_open=ex_open, usual_yield=usual,
        usual_overnight_move=move,
    )  # fmt: skip
    value = validate(CONTRACT, frame).valid_rows["value"].item()
    assert (value == paid) if is_believed else np.isnan(value)


def test_usual_yield_is_of_earlier_dividends_stored_or_listed():
    days = pd.bdate_range("2024-05-01", "2024-06-28")
    bars = pd.DataFrame({"ticker": "AAA", "session_date": days, "open": 101.0, "close": 100.0})
    frame = make_frame().loc[[0, 0, 0]].reset_index(drop=True)
    frame["ex_date"] = pd.to_datetime(["2024-05-10", "2024-06-03", "2024-06-24"])
    frame["value"] = [0.2, 0.4, 20.0]
    stored = pd.DataFrame({"ticker": ["AAA"], "ex_date": ["2024-02-09"], "yield": [0.003]})
    found = add_context(frame[["ticker", "ex_date", "kind", "value"]], NOW, bars, None, stored)
    assert found["usual_yield"].to_list() == pytest.approx([0.003, 0.0025, 0.003])
    assert found["usual_overnight_move"].to_list() == pytest.approx([0.01] * 3)


# dividend, gain, close before, open: what is loaded in all
FUNDS = [
    pytest.param(7.857, 6.42, 85.0, 78.2, 7.857, id="dividend holds the gain"),
    pytest.param(7.857, 6.42, 85.0, 70.9, 14.277, id="paid beside each other"),
    pytest.param(7.857, 6.42, np.nan, np.nan, 7.857, id="no price"),
    pytest.param(0.2, 0.4, 20.0, 19.5, 0.6, id="dividend below the gain"),
    pytest.param(6.42, 6.42, 85.0, 78.6, 6.42, id="nothing but the gain"),
]


@pytest.mark.parametrize(("dividend", "gain", "close", "ex_open", "total"), FUNDS)
def test_a_gain_within_the_dividend_counts_once(dividend, gain, close, ex_open, total):
    frame = make_frame().loc[2:].assign(previous_close=close, ex_open=ex_open)
    frame["value"] = [gain, dividend]
    assert validate(CONTRACT, frame).valid_rows["value"].sum() == pytest.approx(total)

"""Validation: quarantined rows, refused batches, and complete results."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations.contract import IS_QUARANTINED, Column, Contract, Rule, flag_rule
from tasks.validate.evaluate import RuleEvaluationError
from tasks.validate.validate import Refused, validate, validate_batch

NOT_NULL = Rule("v_missing", "no value", "ExpectColumnValuesToNotBeNull", {"column": "v"})
SMALL = Rule("v_large", "above 9", "ExpectColumnValuesToBeBetween", {"column": "v", "max_value": 9})
ODD = flag_rule("is_odd", "v_odd", "an odd value", "warn")
SHARE = Rule(
    "share",
    "more than half",
    "ExpectColumnValuesToBeInSet",
    {"column": IS_QUARANTINED, "value_set": [False], "mostly": 0.5},
    "warn",
)


def make_contract(*rules: Rule) -> Contract:
    return Contract(
        table="thing",
        schema="core",
        grain="one row per (instrument_id, day)",
        source="a test",
        key=("instrument_id", "day"),
        natural_key=("ticker", "day"),
        columns=(
            Column("instrument_id", "integer", "identifier"),
            Column("day", "date", "day"),
            Column("v", "double precision", "units", "unknown"),
        ),
        comparison_columns=(Column("step", "double precision", "units"),),
        context_columns=("now",),
        rules=rules,
        add_rule_columns=lambda frame: frame.assign(is_odd=frame["v"] % 2 == 1),
    )


def make_frame(*values: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ticker": [f"T{n}" for n in range(len(values))],
            "day": pd.Timestamp("2024-06-28"),
            "v": [float(value) for value in values],
            "step": 1.0,
            "now": pd.Timestamp("2024-07-01 12:00", tz="UTC"),
            "other": "x",
        },
        index=[100 + n // 2 for n in range(len(values))],
    )


def test_valid_rows_keep_their_order_and_lose_other_columns():
    good = validate(make_contract(SMALL), make_frame(3, 10, 1)).valid_rows
    assert list(good.columns) == ["ticker", "day", "v", "step"]
    assert good["v"].to_list() == [3, 1]
    assert good.index.to_list() == [0, 1]


def test_quarantine_has_one_row_per_row_and_rule_with_the_row_as_received():
    above_ten = Rule("v_huge", "above 10", SMALL.expectation, {"column": "v", "max_value": 10})
    validated = validate(make_contract(NOT_NULL, SMALL, above_ten), make_frame(1, np.nan, 20))
    assert validated.valid_rows["v"].to_list() == [1]
    found = validated.quarantine
    assert found["rule"].to_list() == ["v_missing", "v_large", "v_huge"]
    assert found["reason"].to_list() == ["no value", "above 9", "above 10"]
    assert set(found["table_name"]) == {"thing"}
    assert json.loads(found["key"][0]) == {"ticker": "T1", "day": "2024-06-28"}
    assert json.loads(found["row"][0]) == {
        "ticker": "T1",
        "day": "2024-06-28",
        "v": None,
        "step": 1.0,
        "other": "x",
    }


def test_quarantine_is_never_cut_off():
    validated = validate(make_contract(SMALL), make_frame(*range(2_000)))
    assert len(validated.quarantine) == 1_990
    assert len(validated.valid_rows) == 10
    assert (
        validated.rule_results.set_index("rule").loc["v_large", "detail"].endswith("and 1985 more")
    )


def test_results_have_one_row_per_rule():
    results = validate(make_contract(NOT_NULL, SMALL, ODD), make_frame(2, 10, 3)).rule_results
    shown = results.set_index("rule")[["action", "success", "evaluated", "unexpected", "detail"]]
    assert shown.T.to_dict("list") == {
        "columns_missing": ["stop", True, 3, 0, ""],
        "v_missing": ["quarantine", True, 3, 0, ""],
        "v_large": ["quarantine", False, 3, 1, "T1 2024-06-28"],
        "v_odd": ["warn", False, 3, 1, "T2 2024-06-28"],
    }
    assert results.loc[1, "expectation"] == "ExpectColumnValuesToNotBeNull"


def test_a_warning_quarantines_nothing():
    validated = validate(make_contract(ODD), make_frame(1, 2))
    assert len(validated.valid_rows) == 2
    assert validated.quarantine.empty


def test_a_rule_on_the_quarantined_share_sees_the_other_rules():
    contract = make_contract(SHARE, SMALL)
    assert validate(contract, make_frame(1, 10)).rule_results["success"].to_list() == [
        True,
        False,
        True,
    ]
    found = validate(contract, make_frame(1, 10, 11)).rule_results
    assert found["rule"].to_list() == ["columns_missing", "v_large", "share"]
    assert found["success"].to_list() == [True, False, False]


def test_a_broken_stop_rule_refuses_the_batch_and_keeps_the_results():
    stop = Rule("v_total", "too much", SMALL.expectation, SMALL.arguments, "stop")
    refused = validate(make_contract(stop, NOT_NULL), make_frame(1, 10, np.nan))
    assert isinstance(refused, Refused)
    assert "core.thing: validation failed" in refused.message
    assert "v_total (1 of 3 rows: v is 10; T1 2024-06-28): too much" in refused.message
    assert "expectations/tables/thing.py" in refused.message
    assert refused.rule_results["success"].to_list() == [True, False, False]


def test_missing_columns_refuse_the_batch_before_anything_is_computed():
    refused = validate(make_contract(SMALL), make_frame(1).drop(columns=["v", "now"]))
    assert isinstance(refused, Refused)
    assert "missing: now, v" in refused.message
    assert refused.rule_results["rule"].to_list() == ["columns_missing"]


def test_a_rule_that_cannot_be_evaluated_raises():
    wrong = Rule("wrong", "", "ExpectColumnValuesToNotBeNull", {"column": "no_such_column"})
    with pytest.raises(RuleEvaluationError, match="wrong"):
        validate(make_contract(wrong), make_frame(1))


def test_an_empty_batch_breaks_no_rule():
    for frame in (make_frame(1).iloc[:0], pd.DataFrame()):
        validated = validate(make_contract(NOT_NULL, SMALL), frame)
        assert list(validated.valid_rows.columns) == ["ticker", "day", "v", "step"]
        assert len(validated.valid_rows) == len(validated.quarantine) == 0
        assert validated.rule_results["success"].to_list() == [True, True]
        assert validated.rule_results["evaluated"].to_list() == [0, 0]


def test_infinities_are_written_as_words():
    found = validate(make_contract(SMALL), make_frame(np.inf)).quarantine
    assert json.loads(found["row"][0])["v"] == "inf"


def test_the_frame_of_the_caller_stays_as_it_was():
    frame = make_frame(1, 10)
    before = frame.copy()
    validate(make_contract(SMALL, ODD), frame)
    pd.testing.assert_frame_equal(frame, before)


def test_nothing_is_printed_and_no_file_written(capfd, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    validate(make_contract(SMALL, ODD), make_frame(1, 10))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_task_validates_the_same_way():
    contract, frame = make_contract(SMALL), make_frame(1, 10)
    from prefect.logging import disable_run_logger

    with disable_run_logger():
        validated = validate_batch.fn(contract, frame)
    pd.testing.assert_frame_equal(validated.valid_rows, validate(contract, frame).valid_rows)


def test_a_year_of_fifty_tickers_stays_whole():
    from expectations.calendars.trading import session_closes
    from expectations.tables import daily_price

    sessions = session_closes().loc["2023-07-03":"2024-06-28"].index
    count = 50 * len(sessions)
    wave = 40 + np.sin(np.arange(count))
    frame = pd.DataFrame(
        {
            "ticker": np.repeat([f"T{n}" for n in range(50)], len(sessions)),
            "session_date": np.tile(sessions, 50),
            **dict.fromkeys(daily_price.PRICES, wave),
            "volume": pd.array([1_000] * count, dtype="Int64"),
            "source": "yahoo",
            "volume_resolution": 1.0,
            "removed_split_factor": 1.0,
        }
    )
    frame = daily_price.add_context(frame, datetime(2024, 7, 1, tzinfo=UTC))
    validated = validate(daily_price.CONTRACT, frame)
    assert len(validated.valid_rows) == count

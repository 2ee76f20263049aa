"""Fixtures for tests of contracts: tapes, payloads and a check of broken rules."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from expectations.contract import Contract, Rule
from tasks.validate.validate import Refused, validate


def with_value(frame: pd.DataFrame, column: str, value: object, row: int = 0) -> pd.DataFrame:
    """Set a value of a frame and return the frame."""
    frame.loc[row, column] = value
    return frame


@pytest.fixture(scope="session")
def tapes() -> Path:
    folder = os.environ.get("ROTATION_TEST_TAPES")
    if not folder:
        pytest.skip("ROTATION_TEST_TAPES is unset: the real tapes are not part of the project")
    return Path(folder)


@pytest.fixture(scope="session")
def bad_rows(tapes: Path) -> Path:
    return tapes.parent / "payloads" / "yahoo_bad_rows"


@pytest.fixture
def assert_broken() -> Callable[[Contract, Rule, pd.DataFrame], None]:
    """Check that the frame breaks the rule, with the effect of the rule's action."""

    def check(contract: Contract, rule: Rule, frame: pd.DataFrame) -> None:
        checked = validate(contract, frame)
        if rule.action == "stop":
            assert isinstance(checked, Refused)
            assert rule.name in checked.message
        else:
            quarantined = set(checked.quarantine["rule"])
            assert (rule.name in quarantined) == (rule.action == "quarantine")
        found = checked.rule_results.set_index("rule").loc[rule.name]
        assert not found["success"]
        assert found["unexpected"] > 0
        assert found["detail"]

    return check

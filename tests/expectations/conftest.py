"""Real tapes and payloads, and what it takes to break a rule."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from expectations.contract import Contract, Rule
from tasks.validate.validate import Refused, validate


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
    """Fails unless the frame breaks the rule, with the consequence that its action has."""

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

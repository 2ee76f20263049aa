"""Failures of one table or one claim: the others are derived, and the next run makes up for it."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from prefect.logging import disable_run_logger

import flows.derived
from expectations.tables import macro_observation
from tests.tasks.derive.pipeline import House
from warehouse.claims import claims, conditions
from warehouse.settings import Settings

DAYS = [date(2026, 2, n) for n in range(2, 14) if n not in (7, 8)]
DIVIDES = (
    "select 'x' as witness, 1 / (measured - measured) as measured from (values (1)) as v (measured)"
)
LACKS_COLUMN = "select current_date as day, 1.0 as value"


@pytest.fixture
def derive(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """Runs the flow in this process, without a Prefect server."""
    for name in ("derive_table", "publish"):
        monkeypatch.setattr(flows.derived, name, getattr(flows.derived, name).fn)
    monkeypatch.setenv("ROTATION_HOME", str(settings.home))
    monkeypatch.setenv("ROTATION_ORIGIN", settings.origin)

    def run():
        with disable_run_logger():
            return flows.derived.refresh_derived.fn()

    return run


def load_inputs(house: House) -> None:
    house.load_prices([(t, day, 100.0 + day.day, 1) for t in ("IWM", "SPY") for day in DAYS])
    rows = [("2025-01-01", "2025-02-12", 100.0), ("2026-01-01", "2026-02-11", 102.5)]
    frame = pd.DataFrame(rows, columns=["observation_date", "vintage_date", "value"])
    for name in ("observation_date", "vintage_date"):
        frame[name] = pd.to_datetime(frame[name])
    frame = frame.assign(series_id="CPIAUCNS", missing_reason=None, source="test")
    house.load((macro_observation.CONTRACT, frame))


CONSENSUS_HEADER = "release,release_date,consensus_pct,source,published_on\n"


def test_failed_table_and_claim_leave_the_others(
    settings: Settings, derive, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    house = House(settings)
    load_inputs(house)
    file = tmp_path / "consensus.csv"
    file.write_text(f"{CONSENSUS_HEADER}cpi,2026-02-11,two,a survey,2026-02-10\n")
    broken_claim = replace(claims()[0], query=DIVIDES)
    broken_condition = replace(conditions()[0], query=LACKS_COLUMN)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.derive.macro.consensus.reference_file", lambda _name: file)
        patch.setattr(
            "tasks.derive.claims.claim_ledger.claims", lambda: (broken_claim, *claims()[1:])
        )
        patch.setattr(
            "tasks.derive.claims.scenario_monitor.conditions",
            lambda: (broken_condition, *conditions()[1:]),
        )
        state = derive()
    assert state.name == "Failed"
    [(recorded, detail)] = house.read(
        "select state, detail from audit.run where flow = 'derived'"
    ).rows()
    assert recorded == "failed"
    for message in (
        f"release_reaction: not derived. {file}, line 2: could not convert string to float",
        f"The query of {broken_claim.name}.sql failed: ",
        f"The query of {broken_condition.name}.sql returns day Date, value",
    ):
        assert message in detail
    others = house.read("select claim_id from derived.claim_ledger order by 1")["claim_id"]
    assert others.to_list() == [claim.name for claim in claims()[1:]]
    assert house.read("select from derived.scenario_monitor").height == len(conditions()) - 1
    assert house.read("select from derived.rotation_metrics").height == len(DAYS)
    # nothing has changed but the file and the queries: the same tables are derived again
    state = derive()
    assert state.name == "Completed"
    assert "release_reaction" in state.message
    assert "rotation_metrics" not in state.message
    assert house.read("select from derived.claim_ledger").height == len(claims())
    assert house.read("select from derived.scenario_monitor").height == len(conditions())
    # a query that fails later leaves the row that it had
    stored = f"select * from derived.claim_ledger where claim_id = '{broken_claim.name}'"
    before = house.read(stored)
    house.load_prices([("IWM", DAYS[-1], 200.0, 1)])
    monkeypatch.setattr(
        "tasks.derive.claims.claim_ledger.claims", lambda: (broken_claim, *claims()[1:])
    )
    assert derive().name == "Failed"
    assert house.read(stored).equals(before)


BEHIND = """
select derived_table from audit.derivation as followed
where change_id < (select max(change_id) from audit.change where table_name = input_table)
group by 1 order by 1
"""


def test_tables_downstream_follow_all_upstream_tables_but_a_failed_one(
    settings: Settings, derive, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """Without an index most tables have nothing to derive; they hold back none downstream."""
    house = House(settings)
    load_inputs(house)
    file = tmp_path / "consensus.csv"
    file.write_text(f"{CONSENSUS_HEADER}cpi,soon,2,x,y\n")
    with monkeypatch.context() as patch:
        patch.setattr("tasks.derive.macro.consensus.reference_file", lambda _name: file)
        assert derive().name == "Failed"
    assert house.read(BEHIND)["derived_table"].to_list() == ["claim_ledger"]
    state = derive()
    assert state.name == "Completed"
    assert "claim_ledger" in state.message
    assert house.read(BEHIND).is_empty()
    written = house.read("select max(load_id) from audit.load").item()
    assert derive().name == "Completed"
    assert house.read("select max(load_id) from audit.load").item() == written

"""The check on a warehouse that is well, and on one that is not."""

import pytest

from tests.deployments.conftest import Api
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import KEPT_SERIES
from warehouse.connect.connections import connect

# before the shutdown of October 2025 made figures late in earnest
CLOCK = "2025-10-01T22:30:00+00:00"
# the room that this machine has is none of the market's troubles
ANY_DISK = {"ROTATION_HEALTH_FREE_GB": "0"}


@pytest.fixture(scope="module")
def well(start_replay: MakeReplay) -> Replay:
    """The market after a daily run on an evening; it follows the series that the tape has."""
    replay = start_replay(clock=CLOCK)
    with connect(replay.settings, "owner") as connection:
        connection.execute(
            "delete from core.macro_series where series_id <> all (%s)", ([*KEPT_SERIES],)
        )
    assert replay.run("daily").state == "Completed"
    return replay


def artifact(replay: Replay, key: str) -> str:
    """The newest artifact of a key."""
    api = Api(replay.environment["PREFECT_API_URL"], replay.environment["PREFECT_API_AUTH_STRING"])
    data: str = api.get(f"/artifacts/{key}/latest")["data"]
    return data


def test_all_checks_pass(well: Replay) -> None:
    end = well.run("health", env=ANY_DISK)
    assert (end.state, end.message) == ("Completed", "All checks passed."), end.output
    page = artifact(well, "health-report")
    assert page.startswith("# All is well\n\nJudged at 2025-10-01 18:30 in New York.")
    assert "| daily_price | 2025-10-01 | " in page
    assert " | 2025-10-02 22:00 |  |" in page
    assert "**late**" not in page


def test_it_extends_the_calendar(well: Replay) -> None:
    """A stack that runs for a year without a restart would run out of sessions."""
    ahead = "select max(session_date) > current_date + 180 from core.session"
    with connect(well.settings, "owner") as connection:
        connection.execute("delete from core.session where session_date > current_date + 150")
    assert well.column(ahead) == [False]
    assert well.run("health", env=ANY_DISK).message == "All checks passed."
    assert well.column(ahead) == [True]


def test_each_run_creates_its_summary(well: Replay) -> None:
    page = artifact(well, "prices-run-summary")
    [(new, aside)] = well.rows(
        "select rows_new, rows_quarantined from audit.run_summary"
        " where flow = 'prices' and table_name = 'daily_price' order by run_id limit 1"
    )
    assert new > 5_000
    assert aside > 10
    assert page.startswith("**prices**: completed, run ")
    assert f"| daily_price | {new:,} | 0 | 0 | 0 | {aside} | " in page
    assert "returned no data." in page
    assert "| rotation_metrics | " in artifact(well, "derived-run-summary")


def test_it_fails_with_a_line_per_issue(well: Replay) -> None:
    well.sandbox.set_clock("2025-10-03T14:00:00+00:00")
    well.sandbox.add_fault("status", host="stlouisfed", status=503, count=None)
    try:
        assert well.run("macro", env={"ROTATION_FRED_ATTEMPTS": "1"}).state == "Failed"
        end = well.run("health", env={"ROTATION_HEALTH_FREE_GB": "1000000000"})
    finally:
        well.sandbox.clear_faults()
    assert end.state == "Failed"
    lines = end.message.splitlines()
    kinds = [line.split(":")[0] for line in lines]
    assert sorted(set(kinds)) == ["disk", "late", "run"]
    prices = "late: daily_price: what follows 2025-10-01 was due by 2025-10-02 22:00 in New York; "
    assert any(line.startswith(prices) for line in lines)
    assert any(line.startswith("run: macro: run ") and "outage" in line for line in lines)
    assert artifact(well, "health-report").startswith(f"# {len(lines)} faults")

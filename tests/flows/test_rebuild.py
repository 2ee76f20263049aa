"""All derived tables from scratch: the same rows, to the last bit."""

import pytest

from tasks.derive.rebuild import TABLES
from tests.flows.replay import Replay


@pytest.mark.slow
def test_a_rebuild_gives_the_same_rows(replay: Replay) -> None:
    assert replay.run("daily").state == "Completed"
    before = replay.checksums()
    assert not any(each.startswith("0 rows") for name, each in before.items() if name in TABLES)
    end = replay.run("derived", rebuild=[*TABLES])
    assert end.state == "Completed", end.output
    assert end.message.startswith(f"Derived from scratch: {', '.join(TABLES)}.")
    assert replay.checksums() == before
    for table in TABLES:
        assert replay.column(f"select count(*) from history.{table}") == [0]
        [counts] = replay.rows(
            "select rows_new, rows_changed, rows_same > 0, rows_removed from audit.load"
            f" where table_name = 'derived.{table}' order by load_id desc limit 1"
        )
        assert counts == (0, 0, True, 0)

    end = replay.run("derived", rebuild=["daily_price"])
    assert end.state == "Failed"
    assert "daily_price: no derived table" in end.output

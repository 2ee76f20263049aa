"""The example queries and the notebook of docs/, run by a reader on a filled warehouse."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from deployments.stack.database import write_service
from tests.flows.replay import Replay
from warehouse.connect.connections import connect
from warehouse.connect.dsn import warehouse_dsn

DOCS = Path(__file__).parents[2] / "docs"
QUERIES = sorted((DOCS / "queries").glob("*.sql"))
# the market of one year has seven macro series and too few quarters and sessions for these
MAY_BE_EMPTY = {"05_policy_and_pair", "06_release_reactions", "07_longest_runs", "08_debt_due_soon"}


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_example_query_answers_its_question(completed_daily_run: Replay, file: Path) -> None:
    query = file.read_text(encoding="utf-8")
    assert query.startswith("-- ")
    assert "?" in query.splitlines()[0]
    with connect(completed_daily_run.settings, "reader") as connection:
        rows = connection.execute(query.encode()).fetchall()
    assert rows or file.stem in MAY_BE_EMPTY


def test_there_are_a_dozen_queries() -> None:
    assert len(QUERIES) == 12


def test_notebook_runs_from_its_first_cell_to_its_last(
    completed_daily_run: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the code in one process: it has no commands of IPython, so a kernel would add nothing."""
    notebook = json.loads((DOCS / "tour.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    service = tmp_path / "reader.conf"
    write_service(service, conninfo_to_dict(warehouse_dsn(completed_daily_run.settings, "reader")))
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    names: dict[str, object] = {}
    for cell in cells:
        exec("".join(cell["source"]), names)
    assert set(names) >= {"pair", "bars", "revisions", "coverage"}
    for name in ("pair", "bars", "coverage"):
        frame = names[name]
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) > 0, name


def test_no_column_that_the_contract_requires_is_null(completed_daily_run: Replay) -> None:
    contract = yaml.safe_load((DOCS / "datacontract.odcs.yaml").read_text(encoding="utf-8"))
    found = {}
    for table in contract["schema"]:
        names = [column["name"] for column in table["properties"] if column["required"]]
        counts = ", ".join(f"count(*) filter (where {name} is null)" for name in names)
        row = completed_daily_run.rows(f"select {counts} from published.{table['name']}")[0]
        found |= {f"{table['name']}.{n}": each for n, each in zip(names, row, strict=True) if each}
    assert found == {}

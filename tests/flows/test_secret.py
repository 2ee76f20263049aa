"""The FRED key is nowhere but in the environment: not in a file, a log, a table or an event."""

import subprocess
from pathlib import Path

import pytest

from deployments.stack import prefect_server
from tests.flows.replay import Replay
from warehouse.connect.dsn import database_name, embedded_server
from warehouse.settings import Settings

# of the form that the sandbox takes, and like nothing else
KEY = "c0de5ec2e7d00d1eba5eba11f005ba11"


def dump(settings: Settings, database: str) -> bytes:
    """All of a database as SQL, by the superuser."""
    server = embedded_server(settings)
    dsn = server.dsn(database)
    command = [str(server.program_folder() / "pg_dump"), "--inserts", dsn]
    return subprocess.run(command, capture_output=True, check=True).stdout


def files_with(text: str, folder: Path) -> list[str]:
    """Files that contain a text, the database's own files included."""
    # -s: a file that the database has done with may be gone by now
    command = ["grep", "--recursive", "--fixed-strings", "--files-with-matches", "-s", text]
    found = subprocess.run([*command, str(folder)], stdout=subprocess.PIPE, text=True)
    return found.stdout.splitlines()


def test_a_file_with_the_key_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\0\n" + KEY.encode())
    assert files_with(KEY, tmp_path) == [str(tmp_path / "log")]


@pytest.fixture(scope="module")
def said(start_replay, market) -> tuple[Replay, str]:
    """A good run, and runs in which everything fails that may quote a request."""
    replay: Replay = start_replay()
    quick = {
        "FRED_API_KEY": KEY,
        "ROTATION_FRED_TIMEOUT_SECONDS": "3",
        "ROTATION_FRED_ATTEMPTS": "1",
    }
    series = ["CPIAUCSL", "UNRATE", "DFF", "ICSA", "VIXCLS"]
    outputs = [replay.run("macro", env=quick | {"ROTATION_FRED_TIMEOUT_SECONDS": "30"}).output]
    assert "Completed" in outputs[0]
    faults = (
        {"kind": "status", "status": 500},
        {"kind": "truncate"},
        {"kind": "hang", "seconds": 600},
        {"kind": "reset"},
        {"kind": "status", "status": 429},
    )
    for series_id, fault in zip(series, faults, strict=True):
        replay.sandbox.add_fault(
            host="stlouisfed", query=f"series_id={series_id}&", count=None, **fault
        )
    outputs.append(replay.run("macro", series_ids=series, env=quick).output)
    replay.sandbox.clear_faults()
    # FRED's own words for a bad request, which could quote it
    body = f'<error code="400" message="Bad Request. /fred/series?api_key={KEY}"/>'
    replay.sandbox.add_fault("status", host="stlouisfed", status=400, body=body, count=None)
    outputs.append(replay.run("macro", series_ids=series, env=quick).output)
    replay.sandbox.clear_faults()
    # nobody listens there
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    outputs.append(replay.run("macro", series_ids=series, env=quick | nowhere).output)
    # a line break that came along with the key, and a key that is none
    outputs.append(
        replay.run("macro", series_ids=series, env=quick | {"FRED_API_KEY": KEY + "\n"}).output
    )
    outputs.append(
        replay.run("macro", series_ids=series, env=quick | {"FRED_API_KEY": KEY + "%"}).output
    )
    outputs.append(replay.run("macro", series_ids=["UNRATE&x=1"], env=quick).output)
    return replay, "\n".join(outputs)


def test_the_runs_failed_in_every_way(said: tuple[Replay, str]) -> None:
    replay, _ = said
    reasons = set(replay.column("select distinct reason from audit.fetch"))
    assert reasons >= {"http_500", "not_xml", "timeout", "throttled", "invalid_api_key"}


def test_it_is_not_in_what_the_flows_print(said: tuple[Replay, str]) -> None:
    assert KEY not in said[1]


def test_it_is_in_no_file(said: tuple[Replay, str]) -> None:
    replay, _ = said
    assert files_with(KEY, replay.settings.home) == []
    assert files_with(KEY, replay.logs.parent) == []


def test_it_is_in_no_table_of_the_warehouse(said: tuple[Replay, str]) -> None:
    replay, _ = said
    content = dump(replay.settings, database_name(replay.settings))
    assert b"UNRATE" in content
    assert KEY.encode() not in content


def test_it_is_in_no_table_of_prefect(said: tuple[Replay, str]) -> None:
    replay, _ = said
    content = dump(replay.settings, prefect_server.PREFECT)
    assert b"macro_observation" in content
    assert KEY.encode() not in content

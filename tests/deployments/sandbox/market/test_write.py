"""The tape as a whole: the same options give the same files, and nothing else is overwritten."""

from __future__ import annotations

import shutil
import tomllib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from deployments.sandbox.market import simulate
from deployments.sandbox.market.__main__ import main
from deployments.sandbox.market.tape import write

SMALLEST = {"small": 20, "large": 8, "years": 1}


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_options_replace_a_tape_by_the_same_bytes(tape, tmp_path):
    shutil.copytree(tape.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "bars.parquet").write_bytes(b"old")
    (tmp_path / "holdings" / "IWM" / "1999-12-31.csv").write_text("old")
    steps: list[str] = []
    simulate(tmp_path, **SMALLEST, progress=steps.append)
    assert _contents(tmp_path) == _contents(tape.folder)
    assert (steps[0], steps[-1]) == ("calendar", "done")


def test_another_seed_gives_another_market(tape, tmp_path):
    simulate(tmp_path / "other", seed=8, **SMALLEST)
    here, there = _contents(tape.folder), _contents(tmp_path / "other")
    assert here["bars.parquet"] != there["bars.parquet"]
    assert here["truth.csv"] != there["truth.csv"]


SLOWER = [pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4)]


@pytest.mark.parametrize("seed", [0, 1, *SLOWER])
def test_every_seed_finds_room_for_its_events(seed, tmp_path):
    simulate(tmp_path, seed=seed, small=18, large=8, years=1)
    assert (tmp_path / "tape.toml").exists()


def test_card_tells_name_clock_and_options(tape):
    card = tomllib.loads((tape.folder / "tape.toml").read_text())
    assert (card["name"], card["kind"], card["seed"]) == ("simulated-7", "simulated", 7)
    clock = datetime.fromisoformat(card["clock"])
    assert clock == datetime(2026, 2, 13, 23, tzinfo=UTC)
    assert clock.date() == tape.bars["session_date"].max()
    assert card["options"]["small"] == 20


def test_an_interrupted_simulation_leaves_no_half_tape(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "simulate", partial(simulate, **SMALLEST))
    tape = tmp_path / "simulated"
    tape.mkdir()
    (tape / "bars.parquet").touch()  # half a tape of an earlier interrupt

    def interrupt(step: str) -> None:
        if step == "writing bars":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write.simulate_once(tape, 7, interrupt)
    assert not (tape / "tape.toml").exists()
    write.simulate_once(tape, 7, [].append)
    assert (tape / "tape.toml").exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["simulated"]


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds no tape"):
        simulate(tmp_path, **SMALLEST)


def test_too_few_companies_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least"):
        simulate(tmp_path, small=5, large=2, years=1)


def test_command_line_writes_a_tape(tmp_path, capsys):
    main(["--out", str(tmp_path / "t"), "--small", "20", "--large", "8", "--years", "1"])
    assert (tmp_path / "t" / "bars.parquet").exists()
    assert "holdings" in capsys.readouterr().err


def test_command_line_names_the_bad_option(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path / "t"), "--small", "1"])
    assert "small" in capsys.readouterr().err

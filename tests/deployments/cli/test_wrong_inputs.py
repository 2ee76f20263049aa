"""Wrong inputs of a user end in a sentence: what failed, which one, what to do."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from deployments import cli
from deployments.cli.demo import demo_lock
from deployments.sandbox.tape.columns import TapeError
from deployments.sandbox.tape.tape import require_data
from warehouse import settings as settings_module
from warehouse.settings import Settings, SettingsFileError

LABEL = 'name = "none"\nkind = "real"\nclock = "2024-10-31T23:00:00Z"\n'
VARIABLES = {
    # variable and value, then what the message must say
    "misspelt": ("ROTATION_FUNDZ", "IWM", "ROTATION_FUNDZ in the environment", "ROTATION_FUNDS"),
    "in lower case": ("rotation_hom", "x", "rotation_hom in the environment", "ROTATION_HOME"),
    "no fund": ("ROTATION_FUNDS", "", "ROTATION_FUNDS: names no fund", "Write IWM,IVV"),
    "unknown fund": (
        "ROTATION_FUNDS",
        "IWM,IVVX",
        "ROTATION_FUNDS: IVVX is not in",
        "nearest is IVV",
    ),
    "commas alone": ("ROTATION_FUNDS", " , ", "ROTATION_FUNDS: names no fund", "IWM,IVV"),
    "future": ("ROTATION_HISTORY_START", "2199-01-01", "ROTATION_HISTORY_START", "in the future"),
    "dollar": ("ROTATION_HOME", "/tmp/a$b", "ROTATION_HOME, /tmp/a$b", "Choose a folder"),
    "quote": ("ROTATION_HOME", '/tmp/a"b', 'ROTATION_HOME, /tmp/a"b', "Choose a folder"),
}


def sentence(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command line in this process; return what it says when it refuses."""
    before = sys.argv
    sys.argv = ["rotation", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
    assert ended.value.code == 1
    output = " ".join(capsys.readouterr().err.split())
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize("name", VARIABLES)
def test_a_wrong_variable_is_named_by_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    variable, value, *expected = VARIABLES[name]
    monkeypatch.setenv(variable, value)
    output = sentence(capsys, "schema")
    assert all(text in output for text in expected), output


def test_variables_of_tests_and_an_empty_home_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTATION_TEST_ANYTHING", "1")
    monkeypatch.setenv("ROTATION_HOME", "")
    assert Settings().home == settings_module.CHECKOUT / ".rotation"


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / ".env"
    monkeypatch.setattr(settings_module, "ENV_FILE", file)
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    monkeypatch.delenv("ROTATION_FUNDS", raising=False)
    return file


def test_a_byte_order_mark_costs_no_variable(env_file: Path) -> None:
    env_file.write_text("ROTATION_FUNDS=IJR\nOTHER=1\n", encoding="utf-8-sig")
    assert Settings().funds == ("IJR",)


def test_another_encoding_of_the_file_is_told(env_file: Path) -> None:
    env_file.write_text("ROTATION_FUNDS=IJR\n", encoding="utf-16")
    with pytest.raises(SettingsFileError, match=rf"{env_file} is no UTF-8 text.*Save it again"):
        Settings()


@pytest.mark.parametrize(
    ("name", "near"), [("ROTATION_FOUNDS", "ROTATION_FUNDS"), ("ROTATON_HOME", "ROTATION_HOME")]
)
def test_a_misspelt_variable_of_the_file_is_named(env_file: Path, name: str, near: str) -> None:
    env_file.write_text(f"{name}=x\n", encoding="utf-8-sig")
    with pytest.raises(ValueError, match=f"{name} in .* is no setting; the nearest is {near}"):
        Settings()


def test_a_home_below_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "file" / "home"))
    output = sentence(capsys, "demo")
    assert str(tmp_path / "file") in output
    assert "ROTATION_HOME" in output


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/x/.env"), "may write to it"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "Free disk space"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), "its folder exists"),
        (OSError("odd"), "Run the command again"),
    ],
)
def test_an_error_of_the_system_names_its_file_and_what_to_do(error: OSError, advice: str) -> None:
    message = cli.error_message(error)
    assert advice in message
    assert str(error.filename or "odd") in message


def test_a_tape_that_holds_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "tape.toml").write_text(LABEL)
    with pytest.raises(TapeError, match="holds nothing to replay"):
        require_data(tmp_path)
    (tmp_path / "companyfacts").mkdir()
    (tmp_path / "companyfacts" / "CIK0000000001.json.gz").touch()
    require_data(tmp_path)


def test_two_demos_take_turns(tmp_path: Path) -> None:
    with demo_lock(Console(quiet=True), tmp_path):
        code = (
            "import sys; from pathlib import Path; from rich.console import Console;"
            "from deployments.cli.demo import demo_lock\n"
            "with demo_lock(Console(), Path(sys.argv[1])): print('demo')"
        )
        second = subprocess.Popen(
            [sys.executable, "-u", "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert second.stdout is not None
        said = second.stdout.readline()
        assert "Another demo runs in" in said
    assert second.communicate()[0].endswith("demo\n")
    assert second.returncode == 0


@pytest.mark.slow
def test_a_killed_simulation_leaves_no_half_tape(tmp_path: Path) -> None:
    tape = tmp_path / "simulated"
    tape.mkdir()
    (tape / "bars.parquet").touch()  # half a tape of an earlier interrupt
    # the smallest market, so that it takes seconds
    code = (
        "import sys; from functools import partial; from pathlib import Path;"
        "from deployments.sandbox.market.tape import write\n"
        "write.simulate = partial(write.simulate, small=20, large=8, years=1)\n"
        "write.simulate_once(Path(sys.argv[1]), 7, print)"
    )
    command = [sys.executable, "-u", "-c", code, str(tape)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    while process.stdout.readline() != "writing bars\n":
        time.sleep(0)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tape / "tape.toml").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert (tape / "tape.toml").exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["simulated"]


def test_an_interrupt_while_modules_load_ends_in_one_line() -> None:
    # the import of the command line takes seconds; the child says when it begins
    code = (
        "import sys\n"
        "class Announce:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'deployments.cli': print('loading', flush=True)\n"
        "sys.meta_path.insert(0, Announce())\n"
        "from deployments.start import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "schema"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=settings_module.CHECKOUT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, output, errors) == (130, "", "Interrupted.\n")

"""Project files: settings, lock file, lengths, commands and stems."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.cli import app
from expectations import contracts
from warehouse.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "tasks", "expectations", "warehouse", "deployments", "tests")
SUFFIXES = (".py", ".sql", ".csv", ".md", ".toml", ".yaml", ".yml", ".lock", ".example", ".in")
# in pieces, so that this file does not contain them
HOSTS = (
    "py" + "pi.org",
    "python" + "hosted",
    "arti" + "factory",
    "--index" + "-url",
    "find" + "-links",
)
DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "docs/runbook.md", "docs/glossary.md", "docs/tour.md"),
    *("docs/connect.md", "docs/architecture.md", "docs/limits.md", "docs/methodology.md"),
    "docs/scale.md",
)
LOCAL_PATHS = re.compile(r"(?<![\w.:/}])/(?:work|root|Users|home/[a-z]+)/")


def written_files() -> Iterator[Path]:
    """Yield the text files of the packages and of the root folder."""
    for path in [*ROOT.iterdir(), *(p for name in PACKAGES for p in (ROOT / name).rglob("*"))]:
        if path.is_file() and (path.suffix in SUFFIXES or path.name in ("Makefile", "Dockerfile")):
            yield path


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return alias.choices[0] if alias else f"ROTATION_{name.upper()}"


def test_env_example_lists_all_settings() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = [match[1] for line in lines if (match := re.fullmatch(r"#? ?([A-Z_]+)=.*", line))]
    assert sorted(listed) == sorted(variable(name) for name in Settings.model_fields)


def test_env_example_shows_the_defaults() -> None:
    shown = dict(
        match.groups()
        for line in (ROOT / ".env.example").read_text().splitlines()
        if (match := re.fullmatch(r"# (ROTATION_[A-Z_]+)=(\S+)", line))
    )
    bare = Settings(_env_file=None)
    for name in Settings.model_fields:
        if variable(name) in shown and name != "home":
            assert Settings(_env_file=None, **{name: shown[variable(name)]}) == bare, name


def test_no_file_names_a_package_host_or_a_local_path() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in written_files()
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        # `make lock` has an option with this name
        if any(host in line.replace("--no-emit" + "-index-url", "") for host in HOSTS)
        or LOCAL_PATHS.search(line)
    ]
    assert found == []


def test_every_pin_of_the_lock_has_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line.strip()]
    assert len(pins) > 100
    for pin in pins:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==\S+ ", pin), pin[:80]
        assert "--hash=sha256:" in pin, pin[:80]
        assert "://" not in pin


def test_lock_has_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["dev"], *extras["dask"]]
    names = {re.match(r"[A-Za-z0-9._-]+", each)[0].lower().replace("_", "-") for each in declared}
    locked = set(re.findall(r"^([a-z0-9-]+)", (ROOT / "requirements.lock").read_text(), re.M))
    assert names - locked == set()


@pytest.mark.parametrize(
    ("suffix", "folders", "most"),
    [(".py", PACKAGES[:-1], 350), (".sql", PACKAGES[:-1], 350), (".py", ("tests",), 350)],
)
def test_no_file_is_long(suffix: str, folders: tuple[str, ...], most: int) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for folder in folders
        for path in (ROOT / folder).rglob(f"*{suffix}")
    }
    assert {name: length for name, length in lengths.items() if length > most} == {}


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    text = "\n".join((ROOT / name).read_text() for name in DOCUMENTS)
    mentioned = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.M))
    assert mentioned >= {"demo", "test", "chaos"}
    assert mentioned - targets == set()


def test_rotation_commands_in_documents_exist() -> None:
    text = "\n".join((ROOT / name).read_text() for name in DOCUMENTS)
    mentioned = set(re.findall(r"(?:^|`|&& |bin/)rotation ([a-z][a-z-]+)", text, re.M))
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert mentioned >= {"sql", "backup", "rotate-passwords"}
    assert mentioned - {name.replace("_", "-") for name in known} == set()


def test_files_named_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name in re.findall(
        r"`((?:flows|tasks|expectations|warehouse|deployments|tests)/[^`<>{}*]+)`", text
    ):
        assert (ROOT / name).exists(), name


def test_links_in_documents_exist() -> None:
    for name in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text()):
            if "://" not in target:
                assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"


@pytest.mark.parametrize("table", sorted(contracts()))
def test_table_has_one_stem_in_every_room(table: str) -> None:
    schema = contracts()[table].schema
    assert (ROOT / "warehouse" / "schema" / "tables" / schema / f"{table}.sql").exists()
    assert (ROOT / "expectations" / "tables" / f"{table}.py").exists()
    tests = ROOT / "tests" / "expectations"
    if schema == "core":
        assert (tests / "tables" / f"test_{table}.py").exists()
    else:
        assert (tests / "examples" / f"{table}.py").exists()
        assert list((ROOT / "tasks" / "derive").glob(f"*/{table}.py"))
        assert list((ROOT / "tests" / "tasks" / "derive").glob(f"*/test_{table}*.py"))

"""Import order of the rooms: a module imports only its own room and rooms listed before it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("warehouse", "expectations", "tasks", "flows", "deployments")
# From the bottom up. Rooms on one line are siblings and do not import one another.
# The base error and the reference tables stand beside the settings: every room may use them.
ROOMS = (
    (
        "warehouse.base_error",
        "warehouse.reference",
        "warehouse.query_file",
        "warehouse.task_runner_settings",
        "warehouse.tiingo_settings",
    ),
    ("warehouse.settings",),
    ("warehouse.claims",),
    ("expectations.contract",),
    ("warehouse.server",),
    ("warehouse.connect",),
    ("warehouse.errors",),
    ("expectations.calendars", "expectations.rules"),
    ("expectations.tables",),
    ("expectations",),
    ("warehouse.merge",),
    ("warehouse.schema",),
    ("warehouse.backup", "warehouse.export"),
    ("tasks.http_client",),
    ("tasks.extract.provider",),
    (
        "tasks.extract.yahoo",
        "tasks.extract.fred",
        "tasks.extract.ishares",
        "tasks.extract.sec",
        "tasks.extract.tiingo",
    ),
    # shards of validations and derivations run where the task runner says
    ("tasks.run.task_runner",),
    ("tasks.validate", "tasks.run"),
    ("tasks.derive.incremental",),
    ("tasks.derive.xbrl",),
    ("tasks.derive.debt",),
    ("tasks.derive.breadth", "tasks.derive.rotation", "tasks.derive.refinancing"),
    ("tasks.derive.macro", "tasks.derive.valuation"),
    ("tasks.derive.claims",),
    ("tasks.derive",),
    ("tasks.load",),
    ("tasks.plan",),
    ("tasks.ingest", "tasks.report"),
    ("tasks.backfill", "tasks.health"),
    ("flows",),
    ("deployments.sandbox",),
    ("deployments.stack",),
    ("deployments.cli", "deployments.bench"),
    ("deployments.start",),
)
RANKS = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}


def room_of(module: str) -> str | None:
    """The longest listed name that a module is in; None for a package that only holds rooms."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in RANKS), None)


def imported_modules(file: Path) -> Iterator[str]:
    """The modules of this project that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # a name may be a module, and then decides the room
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_room_imports_only_rooms_before_it(package: str) -> None:
    violations = set()
    for file in sorted((ROOT / package).rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        room = room_of(module)
        for name in imported_modules(file):
            other = room_of(name)
            if other is None or other == room:
                continue
            if room is None or RANKS[other] >= RANKS[room]:
                violations.add(f"{module} imports {name}")
    assert violations == set()


def test_one_module_imports_the_http_library() -> None:
    importers = [
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"^\s*(import|from) httpx\b", file.read_text(), re.M)
    ]
    assert importers == ["tasks/http_client.py"]

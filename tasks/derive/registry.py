"""Find the derived tables: the modules under `tasks/derive/` named like a derived contract."""

from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import walk_packages

from expectations import contracts
from tasks import derive
from tasks.derive.incremental.derived_table import DerivedTable

DERIVED_TABLES = tuple(
    sorted(name for name, contract in contracts().items() if contract.schema == "derived")
)


@cache
def derived_tables() -> dict[str, DerivedTable]:
    """Return every derived table by its name, each after the tables that it reads."""
    modules = {
        module.name.rpartition(".")[2]: module.name
        for module in walk_packages(derive.__path__, f"{derive.__name__}.")
    }
    tables: dict[str, DerivedTable] = {
        name: import_module(modules[name]).TABLE for name in DERIVED_TABLES
    }
    order = TopologicalSorter(
        {name: [upstream.name for upstream in table.upstream] for name, table in tables.items()}
    )
    return {name: tables[name] for name in order.static_order()}

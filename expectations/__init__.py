"""Data contracts of the tables, their rules, and the calendars that rules use."""

from importlib import import_module
from pkgutil import iter_modules

from expectations import tables
from expectations.contract import Contract


def contracts() -> dict[str, Contract]:
    """Return every contract by its table's name, found in the modules of `tables`."""
    modules = (
        import_module(f"{tables.__name__}.{module.name}")
        for module in iter_modules(tables.__path__)
    )
    found = (module.CONTRACT for module in modules if hasattr(module, "CONTRACT"))
    return {contract.table: contract for contract in found}

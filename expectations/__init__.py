"""What must be true: one module per table, its contract first and its rules below."""

from importlib import import_module
from pkgutil import iter_modules

from expectations import tables
from expectations.contract import Contract


def contracts() -> dict[str, Contract]:
    """Every contract by its table's name: each module here that has a CONTRACT, no list to keep."""
    modules = (
        import_module(f"{tables.__name__}.{module.name}")
        for module in iter_modules(tables.__path__)
    )
    found = (module.CONTRACT for module in modules if hasattr(module, "CONTRACT"))
    return {contract.table: contract for contract in found}

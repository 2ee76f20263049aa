"""Properties of every contract."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from expectations import contracts, tables
from expectations.contract import Contract
from expectations.tables.audit import AUDIT_TABLES
from warehouse.schema.comments import column_comments

MODULES = [
    module
    for _, name, _ in pkgutil.iter_modules(tables.__path__, "expectations.tables.")
    if hasattr(module := importlib.import_module(name), "CONTRACT")
]
CONTRACTS = [module.CONTRACT for module in MODULES]


def test_modules_are_named_after_their_table():
    assert [m.__name__ for m in MODULES] == [f"expectations.tables.{c.table}" for c in CONTRACTS]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.table)
class TestContract:
    def test_is_tested_with_a_broken_case_per_rule(self, contract: Contract):
        folder = Path(__file__).parent
        path = folder / "tables" / f"test_{contract.table}.py"
        if contract.schema == "derived":
            path = folder / "examples" / f"{contract.table}.py"
        spec = importlib.util.spec_from_file_location(f"cases_of_{contract.table}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert set(module.BROKEN) == {rule.name for rule in contract.rules}

    def test_key_columns_exist_and_are_never_null(self, contract: Contract):
        nullable = {column.name: column.null_means for column in contract.columns}
        assert [nullable[name] for name in contract.key] == [None] * len(contract.key)

    def test_frames_bring_the_natural_key_for_what_the_warehouse_gives_out(
        self, contract: Contract
    ):
        assert set(contract.natural_key_or_key) <= set(contract.input_columns)
        assert "instrument_id" not in contract.input_columns

    def test_names_are_unique(self, contract: Contract):
        rules = [rule.name for rule in contract.rules]
        assert len(rules) == len(set(rules))
        assert len(contract.column_names) == len(set(contract.column_names))

    def test_core_tables_say_what_a_change_reaches(self, contract: Contract):
        assert (contract.dirty_from is not None) == (contract.schema == "core")


def test_reading_contracts_does_not_import_great_expectations():
    names = ", ".join(module.__name__ for module in MODULES)
    code = f"import sys, {names}; sys.exit('great_expectations' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


COLUMN_TEXTS = [
    pytest.param(text, id=f"{table}.{column}")
    for table, columns in [
        *((name, contract.columns) for name, contract in contracts().items()),
        *((f"audit.{each.table}", each.columns) for each in AUDIT_TABLES),
    ]
    for column, text in column_comments(columns).items()
]


@pytest.mark.parametrize("text", COLUMN_TEXTS)
def test_column_comment_is_short_and_ends_each_sentence(text: str) -> None:
    assert len(text) <= 200
    assert text.endswith(".")
    assert text.count(" NULL: ") <= 1
    assert " NULL: " not in text or text.split(" NULL: ")[0].endswith(".")

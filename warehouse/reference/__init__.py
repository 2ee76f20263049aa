"""Read the reference tables: CSV files of facts that no provider serves."""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

# the command line reads settings, and pandas takes a quarter of a second to import
if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent


def reference_file(name: str) -> Path:
    """Return the path of a reference table.

    Args:
        name: The file's name without `.csv`.
    """
    return FOLDER / f"{name}.csv"


@cache
def read_reference_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference table without pandas; treat them as read-only.

    Args:
        name: The file's name without `.csv`.
    """
    with reference_file(name).open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


@cache
def read_reference(name: str) -> "pd.DataFrame":
    """Return a reference table, every cell as text; treat it as read-only.

    Args:
        name: The file's name without `.csv`.
    """
    import pandas as pd

    return pd.read_csv(reference_file(name), dtype=str, keep_default_na=False)


@cache
def read_reference_by_key(name: str, key: str, numbers: Sequence[str] = ()) -> "pd.DataFrame":
    """Return a reference table indexed by its key column, some columns as numbers.

    Args:
        name: The file's name without `.csv`.
        key: The column that identifies a row.
        numbers: The columns to convert.
    """
    import pandas as pd

    table = read_reference(name).set_index(key)
    return table.assign(**{column: pd.to_numeric(table[column]) for column in numbers})

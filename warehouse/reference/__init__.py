"""Read the reference tables: the CSV files of this folder."""

from functools import cache
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent


def reference_file(name: str) -> Path:
    """Return the path of a reference table.

    Args:
        name: The file's name without `.csv`.
    """
    return FOLDER / f"{name}.csv"


@cache
def read_reference(name: str) -> pd.DataFrame:
    """Read a reference table, every cell as text; treat it as read-only.

    Args:
        name: The file's name without `.csv`.
    """
    return pd.read_csv(reference_file(name), dtype=str, keep_default_na=False)

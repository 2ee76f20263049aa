"""Read the claims and the conditions of scenarios: one SQL file each.

A claim's query returns one row per witness, the preferred first: `witness`, `measured`, `is_met`
(NULL: the data do not suffice), `reason` and `as_of_date`. A condition's query returns one row per
day: `day`, `value` and `is_met`.
"""

from functools import cache
from pathlib import Path

from warehouse.query_file import QueryFile, read_query_files

FOLDER = Path(__file__).parent
CLAIM_FIELDS = ("statement", "said", "measure", "unit", "supported if", "contradicted if")
CONDITION_FIELDS = ("scenario", "condition", "series", "threshold", "unit")


@cache
def claims() -> tuple[QueryFile, ...]:
    """Return the claims in the order of their names."""
    return tuple(read_query_files(FOLDER, CLAIM_FIELDS, optional=("not measurable",)))


@cache
def conditions() -> tuple[QueryFile, ...]:
    """Return the conditions of all scenarios in the order of their names."""
    return tuple(read_query_files(FOLDER / "scenarios", CONDITION_FIELDS))

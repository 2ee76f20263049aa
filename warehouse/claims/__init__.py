"""Read the claims and the conditions of scenarios: one SQL file each.

A file starts with comments of the form `-- field: text`, continued on lines `--   more text`; the
query below is what a reader can run as it stands. A claim's query returns one row per witness, the
preferred first: `witness`, `measured`, `is_met` (NULL: the data do not suffice), `reason` and
`as_of_date`. A condition's query returns one row per day: `day`, `value` and `is_met`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
CLAIM_FIELDS = ("statement", "said", "measure", "unit", "supported if", "contradicted if")
CONDITION_FIELDS = ("scenario", "condition", "series", "threshold", "unit")
_FIELD = re.compile(r"-- (?P<name>[a-z][a-z ]*): (?P<text>.+)")


@dataclass(frozen=True)
class QueryFile:
    """A query with its header.

    Attributes:
        name: The file's stem.
        header: Field to text.
        query: The SQL, without a semicolon at its end.
    """

    name: str
    header: Mapping[str, str]
    query: str


class ClaimFileError(ValueError):
    """A file lacks a field of the header, or has one that is not known."""


@cache
def claims() -> tuple[QueryFile, ...]:
    """Return the claims in the order of their names."""
    return tuple(_read_folder(FOLDER, CLAIM_FIELDS, optional=("not measurable",)))


@cache
def conditions() -> tuple[QueryFile, ...]:
    """Return the conditions of all scenarios in the order of their names."""
    return tuple(_read_folder(FOLDER / "scenarios", CONDITION_FIELDS))


def _read_folder(
    folder: Path, fields: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[QueryFile]:
    for path in sorted(folder.glob("*.sql")):
        found = parse_query_file(path.stem, path.read_text(encoding="utf-8"))
        names = set(found.header)
        missing, unknown = {*fields} - names, names - {*fields, *optional}
        if missing or unknown:
            raise ClaimFileError(
                f"{path.name}: missing fields {sorted(missing)}, unknown fields {sorted(unknown)}"
            )
        yield found


def parse_query_file(name: str, text: str) -> QueryFile:
    """Return the header and the query of a file's text."""
    header: dict[str, str] = {}
    lines = text.splitlines()
    count, field = 0, ""
    for line in lines:
        if not line.startswith("--"):
            break
        count += 1
        if match := _FIELD.fullmatch(line):
            field = match["name"]
            header[field] = match["text"].strip()
        elif field:
            header[field] += " " + line.removeprefix("--").strip()
    query = "\n".join(lines[count:]).strip().removesuffix(";")
    return QueryFile(name, header, query)

"""Read SQL files whose first comments describe the query below them.

A file starts with comments of the form `-- field: text`, continued on lines `--   more text`; the
query below is what a reader can run as it stands.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

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


class QueryFileError(ValueError):
    """A file lacks a field of the header, or has one that is not known."""


def read_query_files(
    folder: Path, fields: Collection[str], optional: Collection[str] = ()
) -> Iterator[QueryFile]:
    """Yield the query files of a folder in the order of their names.

    Raises:
        QueryFileError: A header lacks one of the fields, or has another.
    """
    for path in sorted(folder.glob("*.sql")):
        found = parse_query_file(path.stem, path.read_text(encoding="utf-8"))
        names = set(found.header)
        missing, unknown = {*fields} - names, names - {*fields, *optional}
        if missing or unknown:
            raise QueryFileError(
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

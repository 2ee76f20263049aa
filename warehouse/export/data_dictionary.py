"""Write the data dictionary: a Markdown page of all tables and columns that readers query."""

import re
from collections.abc import Sequence
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from warehouse.export.catalogue import CatalogueTable

# Markdown reads these in prose as markup; an underscore only outside a word
_MARKUP = re.compile(r"([*<>\[\]])")


def data_dictionary(tables: Sequence[CatalogueTable]) -> str:
    """Return the page.

    Args:
        tables: In the order of the page; tables of one schema follow each other.
    """
    # Markdown, which the filters below escape
    environment = Environment(
        loader=PackageLoader("warehouse.export", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"sentence": sentence, "prose": _prose, "cell": _cell}
    schemas = [
        (schema, list(group)) for schema, group in groupby(tables, key=lambda table: table.schema)
    ]
    page = environment.get_template("data_dictionary.md").render(schemas=schemas)
    return page.rstrip("\n") + "\n"


def sentence(text: str) -> str:
    """Return a text with a full stop last; an empty text stays empty."""
    return text if not text or text.endswith(".") else f"{text}."


def _prose(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _cell(text: str) -> str:
    return _prose(text).replace("|", r"\|")

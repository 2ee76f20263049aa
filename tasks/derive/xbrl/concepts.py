"""XBRL tags by concept, and their properties: `warehouse/reference/concept.csv`."""

from collections.abc import Mapping
from functools import cache

from warehouse.reference import read_reference


@cache
def concepts() -> Mapping[str, tuple[str, ...]]:
    """Map each concept to its tags, preferred tag first."""
    table = read_reference("concept")
    ranked = table.assign(priority=table["priority"].astype(int))
    ranked = ranked.sort_values("priority", kind="stable")
    return {str(name): tuple(tags) for name, tags in ranked.groupby("concept", sort=False)["tag"]}


@cache
def kinds() -> Mapping[str, str]:
    """Map each tag to its kind: the instrument of a debt tag, the role of an interest tag."""
    table = read_reference("concept")
    return dict(zip(table["tag"], table["kind"], strict=True))


@cache
def tags_of_kind(concept: str, kind: str) -> tuple[str, ...]:
    """Return the tags of a concept that are of one kind, preferred tag first."""
    return tuple(tag for tag in concepts()[concept] if kinds()[tag] == kind)


@cache
def lease_tags() -> frozenset[str]:
    """Return the tags that include finance leases."""
    return _marked("includes_leases")


@cache
def limit_tags() -> frozenset[str]:
    """Return the tags under which some filers state a limit rather than the amount drawn."""
    return _marked("may_be_limit")


@cache
def usd_tags() -> frozenset[str]:
    """Return the tags of amounts of money."""
    table = read_reference("concept")
    return frozenset(table.loc[table["unit"] == "USD", "tag"])


def _marked(column: str) -> frozenset[str]:
    table = read_reference("concept")
    return frozenset(table.loc[table[column] == "yes", "tag"])

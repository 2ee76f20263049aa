"""Roles of SEC forms: which may state financial facts (`warehouse/reference/filing_form.csv`)."""

from collections.abc import Mapping
from functools import cache

from warehouse.reference import read_reference

AMENDMENT = "/A"
REPORT = "report"


@cache
def form_roles() -> Mapping[str, str]:
    """Map each listed form to its role: report, or other (used where no report has the period)."""
    table = read_reference("filing_form")
    return dict(zip(table["form"], table["role"], strict=True))


@cache
def role_of_form(form: str) -> str | None:
    """Return the role of a form or of its amendment; None for a proxy statement or other form."""
    return form_roles().get(form.removesuffix(AMENDMENT))

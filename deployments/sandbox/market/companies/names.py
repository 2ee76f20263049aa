"""Invented tickers and company names that differ from those of real companies."""

from __future__ import annotations

from itertools import product
from string import ascii_uppercase

import numpy as np

#: First letters of symbols that no exchange-listed US stock or fund carries, as far as known.
_PREFIXES = ("QJ", "QK", "QZ", "ZQ")

_OPENINGS = (
    "Alder", "Amber", "Arden", "Basalt", "Bram", "Brisk", "Calder", "Cedar", "Cobalt", "Coral",
    "Crest", "Dalton", "Delve", "Dorset", "Ember", "Falcon", "Fenwick", "Garnet", "Glen",
    "Harrow", "Hazel", "Heron", "Indigo", "Juniper", "Kestrel", "Lantern", "Larch", "Linden",
    "Marlow", "Merrow", "Nettle", "North", "Oakum", "Ochre", "Osprey", "Pell", "Pike", "Quill",
    "Raven", "Redwood", "Ridge", "Rowan", "Sable", "Sedge", "Slate", "Sorrel", "Tamar", "Teal",
    "Thorn", "Umber", "Vale", "Verity", "Wend", "Wick", "Yarrow", "Zephyr",
)  # fmt: skip
_CLOSINGS = (
    "bank", "bay", "bourne", "brook", "bury", "cliff", "combe", "crest", "dale", "field",
    "ford", "gate", "grove", "ham", "haven", "hill", "holm", "hurst", "land", "ley", "loch",
    "mark", "mere", "moor", "mouth", "ness", "point", "port", "reach", "rock", "shaw", "side",
    "stead", "stone", "ton", "vale", "view", "ward", "water", "well", "wick", "wood", "worth",
    "yard",
)  # fmt: skip

_TRADES = {
    "Information Technology": ("Semiconductor", "Software", "Systems", "Data Networks"),
    "Communication": ("Media", "Broadcasting", "Telecom", "Interactive"),
    "Consumer Discretionary": ("Motors", "Retail Group", "Leisure", "Homebuilders"),
    "Financials": ("Capital", "Insurance", "Financial Services", "Asset Management"),
    "Health Care": ("Medical Devices", "Health Systems", "Diagnostics", "Pharma"),
    "Industrials": ("Aerospace", "Machinery", "Logistics", "Engineering"),
    "Consumer Staples": ("Foods", "Beverages", "Household Brands", "Grocers"),
    "Energy": ("Petroleum", "Drilling", "Pipeline", "Energy Services"),
    "Materials": ("Mining", "Chemicals", "Paper", "Metals"),
    "Real Estate": ("Realty Trust", "Properties", "Self Storage", "Residential Trust"),
    "Utilities": ("Electric", "Water Utilities", "Gas and Light", "Power"),
}
_INDUSTRIES = {"Banks": "Bancorp", "Biotechnology": "Therapeutics"}
# The longest ends pass the 34 characters at which a holdings file cuts a name.
_FORMS = ("Inc", "Corp", "Holdings Inc", "Holding Company Incorporated", "Class A Corp")


def invent_tickers(count: int, rng: np.random.Generator) -> list[str]:
    """Return `count` distinct four-letter tickers, then five-letter ones."""
    pool = [a + b + c for a, b, c in product(_PREFIXES, ascii_uppercase, ascii_uppercase)]
    if count > len(pool):
        pool += [four + last for four in pool for last in "ABCDE"]
    return [pool[i] for i in rng.permutation(len(pool))[:count]]


def invent_class_shares(count: int) -> list[str]:
    """Return `count` tickers of a second share class, with the vendor's dash."""
    return [f"Q{first}X-{share}" for first, share in product("ZJK", "BA")][:count]


def invent_names(sectors: list[str], industries: list[str], rng: np.random.Generator) -> list[str]:
    """Return one distinct company name per given sector and industry."""
    stems = [
        a + b if b[0] != a[-1].lower() else f"{a} {b.title()}"
        for a, b in product(_OPENINGS, _CLOSINGS)
    ]
    order = rng.permutation(len(stems))
    forms = rng.integers(0, len(_FORMS), len(sectors))
    trades = rng.integers(0, 4, len(sectors))
    names = []
    for i, (sector, industry) in enumerate(zip(sectors, industries, strict=True)):
        stem = stems[order[i % len(stems)]] + (" Second" if i >= len(stems) else "")
        trade = _INDUSTRIES.get(industry) or _TRADES[sector][trades[i]]
        names.append(f"{stem} {trade} {_FORMS[forms[i]]}")
    return names

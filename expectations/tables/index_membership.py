"""Index members from fund holdings: one row per (index_code, ticker, as_of_date)."""

import pandas as pd
import polars as pl

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from warehouse.reference import read_reference_by_key

KEY = ("index_code", "ticker", "as_of_date")
SNAPSHOT = ["index_code", "as_of_date"]
TICKER = r"^[A-Z]{1,5}(?:-[A-Z]{1,2})?$"

SECTORS = (
    "Communication",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)

COLUMNS = (
    Column("index_code", "text", "R2000 or SP500"),
    Column("instrument_id", "integer", "identifier of core.instrument"),
    Column("as_of_date", "date", "the close that the holdings describe"),
    Column("ticker", "text", "symbol in Yahoo's spelling"),
    Column("name", "text", "the fund's name of the company, cut to 34 letters"),
    Column(
        "sector",
        "text",
        "GICS sector in iShares' spelling; of N-PORT, that of the company's newest holdings file",
        "no file gives one",
    ),
    Column("weight_pct", "double precision", "percent of the members' market value"),
    Column(
        "weight_pct_filed",
        "double precision",
        "percent of the fund, as filed, two decimals",
        "the file gives none",
    ),
    Column(
        "shares",
        "double precision",
        "shares held by the fund; of a member held by swap alone, the swap's",
        "the file gives none",
    ),
    Column(
        "market_value_usd",
        "double precision",
        "USD held by the fund, as filed; by swap alone: shares times price",
    ),
    Column("price_usd", "double precision", "USD per share", "the file gives no price"),
    Column("exchange", "text", "listing exchange in iShares' spelling", "the source gives none"),
    Column("cusip", "text", "security number as the fund states it", "the source gives none"),
    Column("isin", "text", "international security number as stated", "the source gives none"),
    Column("lei", "text", "number of the issuing legal entity as stated", "the source gives none"),
    Column("fund", "text", "the fund's ticker"),
    Column("known_from", "date", "first XNYS session on which the snapshot could be known"),
    Column("source", "text", "ishares (holdings file) or nport (report to the SEC)"),
)

RULES = (
    Rule(
        # the weights are recomputed over the members, so another sum is an error in our code
        "weights_do_not_sum",
        "the weights of the members that are not quarantined do not sum to 100 percent",
        "ExpectColumnValuesToBeBetween",
        {"column": "weight_sum_pct", "min_value": 99.99, "max_value": 100.01},
        "stop",
    ),
    Rule(
        # Filed weights are market values over net assets, so all lines sum to 100, cash and
        # derivatives with their signs: the members of a fund with swaps alone are short of it by
        # the cash behind the swaps. Rounding to 0.01 adds up to 0.13 over 2,000 lines; a line that
        # cannot be read costs its weight, a truncated file or a wrong column more than 3.
        "filed_weights_do_not_sum",
        "the filed weights of all lines, cash and derivatives included, sum to less than 97 or more"
        " than 101 percent: lines are missing, or the weights are no percentages of the fund, and"
        " the file does not tell which",
        "ExpectColumnValuesToBeBetween",
        {"column": "filed_weight_sum_pct", "min_value": 97, "max_value": 101},
        "stop",
    ),
    Rule(
        # The Russell 2000 replaces about 10 percent of its members in its yearly reconstitution.
        "member_count_dropped",
        "the snapshot has fewer than 80 percent of the previous snapshot's members",
        "ExpectColumnValuesToBeBetween",
        {"column": "members_kept", "min_value": 0.8},
        "stop",
    ),
    Rule(
        "ticker_malformed",
        "the ticker is not letters with an optional share class after a dash",
        "ExpectColumnValuesToMatchRegex",
        {"column": "ticker", "regex": TICKER},
    ),
    Rule(
        "market_value_not_positive",
        "the market value of the fund's position is zero or negative",
        "ExpectColumnValuesToBeBetween",
        {"column": "market_value_usd", "min_value": 0, "strict_min": True},
    ),
    Rule(
        "market_value_missing",
        "the file has no market value, so no weight can be computed",
        "ExpectColumnValuesToNotBeNull",
        {"column": "market_value_usd"},
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_member",
        "the file lists the ticker more than once: duplicates of a loaded one, or"
        " conflicting rows, of which none is loaded",
    ),
    flag_rule(
        "is_known_too_early",
        "known_from_before_as_of_date",
        "known_from is not after as_of_date, the close that the file describes",
    ),
    Rule(
        "sector_unknown",
        "the sector is not one of the eleven GICS sectors in iShares' spelling",
        "ExpectColumnValuesToBeInSet",
        {"column": "sector", "value_set": [*SECTORS]},
        "warn",
    ),
    flag_rule(
        "is_unusual_count",
        "member_count_unusual",
        "the snapshot has over 1.25 times the previous snapshot's members, or as the first live"
        " snapshot a number outside the fund's band in warehouse/reference/fund.csv",
        "warn",
    ),
)


def funds() -> pd.DataFrame:
    """Return the followed funds by ticker, with their expected member counts."""
    columns = ("expected_min_members", "expected_max_members")
    return read_reference_by_key("fund", "fund", columns)


def add_context(
    frame: pd.DataFrame,
    previous_members: int | None,
    is_live: bool = True,
    unmatched_members: int = 0,
    unmatched_weight_pct: float = 0.0,
) -> pd.DataFrame:
    """Add what the rules compare a snapshot with.

    Args:
        frame: The extracted snapshot.
        previous_members: Member count of the snapshot before it; None: there is none.
        is_live: Whether the fund is the real one: a simulated fund may be of any size.
        unmatched_members: Number of shares in the source whose company is not known.
        unmatched_weight_pct: Their filed weights; with them the source is complete.
    """
    return frame.assign(
        previous_members=float("nan" if previous_members is None else previous_members),
        is_live=is_live,
        excluded_weight_pct=frame.get("excluded_weight_pct", 0.0),
        unmatched_members=unmatched_members,
        unmatched_weight_pct=unmatched_weight_pct,
    )


def valid_member_rows(frame: pd.DataFrame) -> pd.Series:
    """Return which rows no rule quarantines: the members, over which weights are computed."""
    return (
        frame["ticker"].str.fullmatch(TICKER)
        & (frame["market_value_usd"] > 0)
        & ~_is_known_too_early(frame)
        & ~_is_duplicate(frame)
    )


def _is_known_too_early(frame: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(frame["known_from"]) <= pd.to_datetime(frame["as_of_date"])


def _is_duplicate(frame: pd.DataFrame) -> pd.Series:
    return duplicate_rows(frame, KEY, ("market_value_usd", "shares", "name"))


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    valid = valid_member_rows(frame)
    # of the rows that will be loaded: a file whose lines are quarantined in hundreds collapses too
    members = frame[SNAPSHOT].assign(is_valid=valid).groupby(SNAPSHOT)["is_valid"].transform("sum")
    out = frame.copy()
    duplicate = _is_duplicate(frame)
    for column, total, is_counted in (
        ("weight_pct", "weight_sum_pct", valid),
        # a quarantined line still belongs to the file
        ("weight_pct_filed", "filed_weight_sum_pct", ~duplicate),
    ):
        counted = frame[SNAPSHOT].assign(weight=frame[column].where(is_counted))
        out[total] = counted.groupby(SNAPSHOT)["weight"].transform("sum")
    out["filed_weight_sum_pct"] += frame["excluded_weight_pct"] + frame["unmatched_weight_pct"]
    out["members_kept"] = (members + frame["unmatched_members"]) / frame["previous_members"]
    fund = funds().reindex(frame["fund"]).set_axis(frame.index, axis=0)
    is_off_band = (members < fund["expected_min_members"]) | (
        members > fund["expected_max_members"]
    )
    # the band is of the real funds; 1 / 0.8 is the inverse of the limit of member_count_dropped
    out["is_unusual_count"] = (frame["is_live"] & is_off_band) | (
        members > frame["previous_members"] / 0.8
    )
    out["is_known_too_early"] = _is_known_too_early(frame)
    out["is_duplicate"] = duplicate
    return out


CONTRACT = Contract(
    table="index_membership",
    schema="core",
    grain="one row per (index_code, instrument_id, as_of_date)",
    source="iShares' holdings files (IWM, IVV), daily, for the previous close; the funds'"
    " reports to the SEC (Form N-PORT), quarterly, public after about 60 days",
    key=("index_code", "instrument_id", "as_of_date"),
    natural_key=KEY,
    columns=COLUMNS,
    # a file has all members, so a company missing from it was not a member
    replace_where=(
        "(old.index_code, old.as_of_date) in (select index_code, as_of_date from {staged})"
    ),
    dirty_from=pl.col("known_from").min(),
    context_columns=(
        "previous_members",
        "is_live",
        "excluded_weight_pct",
        "unmatched_members",
        "unmatched_weight_pct",
    ),
    rules=RULES,
    add_rule_columns=annotate,
)

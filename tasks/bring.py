"""One batch through its verbs: extract, validate, load.

A batch that breaks a critical rule leaves its ledger and what refused it; the others go on.
"""

from collections.abc import Sequence

from expectations import corporate_action, daily_price, index_membership, macro_observation
from tasks.extract.fred import SeriesRequest, extract_macro
from tasks.extract.ishares import HoldingsRequest, extract_holdings, no_shares
from tasks.extract.politeness import Dealings
from tasks.extract.yahoo import PriceWindow, extract_prices
from tasks.load import Batch, load
from tasks.plan import read_held_closes, read_previous_members
from tasks.record import Run
from tasks.validate import BatchRefused, set_aside, validate_batch


def bring_prices(asked: Sequence[PriceWindow], this_run: Run, dealings: Dealings) -> None:
    """Extracts, validates and loads one batch of tickers."""
    settings, instant = this_run.settings, this_run.instant
    reply = extract_prices(asked, instant, settings, dealings)
    held = read_held_closes(asked, settings)
    try:
        bars = validate_batch(
            daily_price.CONTRACT, daily_price.with_context(reply.bars, instant, held)
        )
        actions = validate_batch(
            corporate_action.CONTRACT,
            corporate_action.with_context(reply.actions, instant, bars.good, held),
        )
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
        return
    validated = ((daily_price.CONTRACT, bars), (corporate_action.CONTRACT, actions))
    load(Batch(reply.fetches, validated), this_run)


def bring_macro(asked: Sequence[SeriesRequest], this_run: Run, dealings: Dealings) -> None:
    """Extracts, validates and loads some series."""
    reply = extract_macro(asked, this_run.instant, this_run.settings, dealings)
    try:
        observations = validate_batch(
            macro_observation.CONTRACT,
            macro_observation.with_context(reply.observations, this_run.instant),
        )
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
    else:
        load(Batch(reply.fetches, ((macro_observation.CONTRACT, observations),)), this_run)


def bring_holdings(asked: HoldingsRequest, this_run: Run, dealings: Dealings) -> None:
    """Extracts, validates and loads one fund's file."""
    settings = this_run.settings
    reply = extract_holdings([asked], this_run.instant, settings, dealings)
    previous = read_previous_members(reply.members, settings)
    try:
        members = validate_batch(
            index_membership.CONTRACT, index_membership.with_context(reply.members, previous)
        )
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
        return
    members = set_aside(index_membership.CONTRACT, members, no_shares(reply.excluded))
    load(Batch(reply.fetches, ((index_membership.CONTRACT, members),)), this_run)

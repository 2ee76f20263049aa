"""Members of the small and large index, ranked by market value every June."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import Universe
from deployments.sandbox.market.sessions import Days, after_fridays

#: Sessions between the day of the ranks and the day the new lists hold.
_NOTICE = 20


@dataclass(frozen=True)
class Membership:
    """Membership lists, each valid until the next one.

    Attributes:
        since: index of the first session of each list; the first is 0.
        large: lists by companies, members of the large index.
        small: the same for the small index.
        screened: the small members that pass the profitability screen.
    """

    since: list[int]
    large: NDArray[np.bool_]
    small: NDArray[np.bool_]
    screened: NDArray[np.bool_]


def rank_members(
    universe: Universe,
    events: CompanyEvents,
    caps: NDArray[np.float64],
    sessions: Days,
) -> Membership:
    """Rank the companies and return the membership lists.

    Args:
        universe: the companies.
        events: their listings.
        caps: sessions by companies, market value at the close, USD.
        sessions: the tape's sessions.

    Returns:
        The founders' list, then one from the Monday after the fourth Friday of each June, when
        companies are promoted and demoted, and new listings join. A delisted member leaves on its
        last session without a successor.
    """
    founders = np.arange(len(universe)) < universe.listed_at_start
    since = [0]
    large = [universe.large.copy()]
    small = [founders & ~universe.large]
    places, rest = int(universe.large.sum()), universe.listed_at_start - int(universe.large.sum())
    for session in after_fridays(sessions, 3, (6,)):
        day = max(int(session) - _NOTICE, 0)
        eligible = (events.first <= day) & (events.last >= session)
        order = np.argsort(-np.where(eligible, caps[day], -1.0), kind="stable")
        order = order[: int(eligible.sum())]
        since.append(int(session))
        large.append(np.isin(np.arange(len(universe)), order[:places]))
        small.append(np.isin(np.arange(len(universe)), order[places : places + rest]))
    kept = np.array(small)
    return Membership(since, np.array(large), kept, kept & universe.profitable)

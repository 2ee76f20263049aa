"""Parameters that are none: refused with words that help, before anything is sent."""

import pytest

from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay

TICKERS = (
    "AAPL'; drop table core.daily_price; --",
    "../../etc",
    "US0378331005",
    "aapl",
    "A" * 40,
    "",
    "IWM&range=max",
    "IWM\n",
)
SERIES = ("CPIAUCSL&api_key=x", "CPI AUCSL", "cpiaucsl", "../series", "A" * 26, "UNRATE\n")


@pytest.fixture(scope="module")
def replay(start_replay: MakeReplay) -> Replay:
    return start_replay()


@pytest.mark.parametrize(
    ("flow", "parameter", "values", "value"),
    [
        *(("prices", "tickers", ["IWM", value], value) for value in TICKERS),
        *(("macro", "series_ids", ["UNRATE", value], value) for value in SERIES),
        ("holdings", "funds", ["IWM", "QQQ"], "QQQ"),
        ("holdings", "holdings_dates", ["2026-02-31"], "2026-02-31"),
    ],
)
def test_it_is_refused_before_any_request(
    replay: Replay, flow: str, parameter: str, values: list[str], value: str
) -> None:
    end = replay.run(flow, **{parameter: values})
    assert end.state == "Failed", end.output
    # an ISIN and the name of another fund are well-formed: what is said of them names themselves
    place, thing = f"{parameter}.{values.index(value)}: ", parameter.removesuffix("s")
    assert place in end.message or f"{thing} {value!r}" in end.message
    assert replay.sandbox.requests() == []
    assert replay.column("select count(*) from audit.fetch") == [0]

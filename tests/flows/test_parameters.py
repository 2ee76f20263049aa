"""Parameters that are none: refused with words that help, before anything is sent."""

import pytest

from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay

# an ISIN and the name of another fund are well-formed: the warehouse refuses those by name
UNKNOWN = [("prices", "tickers", "US0378331005"), ("holdings", "funds", "QQQ")]
MALFORMED = [
    (
        "prices",
        "tickers",
        [
            "AAPL'; drop table core.daily_price; --",
            "../../etc",
            "aapl",
            "A" * 40,
            "",
            "IWM&range=max",
            "IWM\n",
        ],
    ),
    (
        "macro",
        "series_ids",
        ["CPIAUCSL&api_key=x", "CPI AUCSL", "cpiaucsl", "../series", "A" * 26, "UNRATE\n"],
    ),
    ("holdings", "holdings_dates", ["2026-02-31"]),
]
WELL_FORMED = {"tickers": "IWM", "series_ids": "UNRATE", "holdings_dates": "2026-02-12"}


@pytest.fixture(scope="module")
def replay(start_replay: MakeReplay) -> Replay:
    return start_replay()


def refuse(replay: Replay, flow: str, parameter: str, values: list[str]) -> str:
    """The message of a flow that fails on a parameter before any request."""
    end = replay.run(flow, **{parameter: values})
    assert end.state == "Failed", end.output
    assert replay.sandbox.requests() == []
    assert replay.column("select count(*) from audit.fetch") == [0]
    return end.message


@pytest.mark.parametrize(("flow", "parameter", "values"), MALFORMED)
def test_each_malformed_value_is_named(
    replay: Replay, flow: str, parameter: str, values: list[str]
) -> None:
    message = refuse(replay, flow, parameter, [WELL_FORMED[parameter], *values])
    named = {n for n in range(len(values) + 1) if f"{parameter}.{n}: " in message}
    assert named == set(range(1, len(values) + 1)), message


@pytest.mark.parametrize(("flow", "parameter", "value"), UNKNOWN)
def test_an_unknown_name_is_named(replay: Replay, flow: str, parameter: str, value: str) -> None:
    message = refuse(replay, flow, parameter, ["IWM", value])
    assert f"{parameter.removesuffix('s')} {value!r}" in message, message

"""Filings of the wrong scale: which are believed, from which day on."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.rules.filing_scale import find_unbelieved_filings

AMOUNTS = {"Assets": 800e6, "LongTermDebt": 300e6, "InterestExpense": 24e6, "NetIncomeLoss": -7e6}


@dataclass(frozen=True)
class Fact:
    tag: str
    start: date
    end: date
    value: float
    accession: str
    form: str
    filed: date
    known_from: date


def filing(
    year: int,
    factor: float = 1.0,
    *,
    form: str = "10-K",
    filed: date | None = None,
    with_comparatives: bool = True,
    amounts: dict[str, float] | None = None,
) -> list[Fact]:
    """An annual report: amounts that grow by 10 % a year, the year before beside them."""
    day = filed or date(year + 1, 2, 20)
    years = (year, year - 1) if with_comparatives else (year,)
    return [
        Fact(
            tag,
            date(each, 12, 31) if tag in ("Assets", "LongTermDebt") else date(each, 1, 1),
            date(each, 12, 31),
            factor * round(amount * 1.1 ** (each - 2015)),
            f"{year}{form}{day}",
            form,
            day,
            day + timedelta(days=1),
        )
        for tag, amount in (amounts or AMOUNTS).items()
        for each in years
    ]


def name(year: int, form: str = "10-K", filed: date | None = None) -> str:
    return f"{year}{form}{filed or date(year + 1, 2, 20)}"


def last_unbelieved(*filings: list[Fact]) -> dict[str, int]:
    steps = find_unbelieved_filings([fact for each in filings for fact in each])
    return dict(steps[-1].powers) if steps else {}


AMENDED = date(2016, 6, 1)
CASES = {
    "all of one scale": ([filing(2015), filing(2016), filing(2017)], {}),
    "one of five in thousandfold": (
        [filing(2015), filing(2016), filing(2017, 1e3), filing(2018), filing(2019)],
        {name(2017): 3},
    ),
    "one in a millionth": ([filing(2015), filing(2016, 1e-6), filing(2017)], {name(2016): -6}),
    "the newest": ([filing(2015), filing(2016, 1e-3)], {name(2016): -3}),
    "the first, which an amendment corrects": (
        [filing(2015, 1e-3), filing(2015, form="10-K/A", filed=AMENDED)],
        {name(2015): -3},
    ),
    "an amendment of a right one": (
        [filing(2013), filing(2014), filing(2014, 1e3, form="10-K/A", filed=AMENDED)],
        {name(2014, "10-K/A", AMENDED): 3},
    ),
    "the first, against two later ones": (
        [filing(2015, 1e-3), filing(2016), filing(2017)],
        {name(2015): -3},
    ),
    "without a common day": (
        [filing(2015), filing(2017, 1e3, with_comparatives=False), filing(2018)],
        {name(2017): 3},
    ),
    "debt and interest alone, without a common day": (
        [
            filing(2015, amounts={"LongTermDebt": 3e8, "InterestExpense": 2e7}),
            filing(
                2017,
                1e3,
                with_comparatives=False,
                amounts={"LongTermDebt": 3e8, "InterestExpense": 2e7},
            ),
        ],
        {name(2017): 3},
    ),
    "one tag that jumps": (
        [
            filing(2015, amounts={"Assets": 8e8, "LongTermDebt": 1e5, "NetIncomeLoss": 1e6}),
            filing(
                2017,
                with_comparatives=False,
                amounts={"Assets": 8e8, "LongTermDebt": 1e8, "NetIncomeLoss": 1e6},
            ),
        ],
        {},
    ),
    # Ondas, 2018: assets 89 times, liabilities 102 times, net income 78 times those of the shell
    "a shell's acquirer": (
        [
            filing(2015, amounts={"Assets": 8127, "Liabilities": 85633, "NetIncomeLoss": -30920}),
            filing(
                2016, amounts={"Assets": 725754, "Liabilities": 8725047, "NetIncomeLoss": -2407167}
            ),
        ],
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_filings_of_the_wrong_scale(case: str) -> None:
    filings, expected = CASES[case]
    assert last_unbelieved(*filings) == expected


def test_first_filing_is_believed_until_two_contradict_it() -> None:
    facts = [*filing(2015, 1e-3), *filing(2016), *filing(2017)]
    assert [(step.known_from, dict(step.powers)) for step in find_unbelieved_filings(facts)] == [
        (date(2017, 2, 21), {name(2016): 3}),
        (date(2018, 2, 21), {name(2015): -3}),
    ]


FACTORS = st.lists(st.sampled_from((1.0, 1.0, 1.0, 1e3, 1e-3, 1e6, 1e-6)), min_size=2, max_size=8)


@given(FACTORS, st.randoms(use_true_random=False))
def test_later_filings_do_not_change_what_was_believed(factors, random) -> None:
    filings = [filing(2010 + number, factor) for number, factor in enumerate(factors)]
    facts = [fact for each in filings for fact in each]
    random.shuffle(facts)
    whole = find_unbelieved_filings(facts)
    for count in range(1, len(filings) + 1):
        day = filings[count - 1][0].known_from
        known = find_unbelieved_filings([fact for fact in facts if fact.known_from <= day])
        assert known == [step for step in whole if step.known_from <= day]


@given(
    st.lists(st.integers(1, 10**9), min_size=2, max_size=6),
    st.sampled_from((3, 6, -3, -6)),
    st.integers(2, 5),
)
def test_any_scaled_report_is_found_and_no_other(amounts, power, wrong) -> None:
    tags = {f"Tag{number}": 1000.0 * amount for number, amount in enumerate(amounts)}
    filings = [
        filing(2015 + number, 10.0**power if number == wrong else 1.0, amounts=tags)
        for number in range(7)
    ]
    assert last_unbelieved(*filings) == {name(2015 + wrong): power}

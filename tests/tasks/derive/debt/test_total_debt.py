"""Total debt from the tags that stand side by side."""

import pytest

from tasks.derive.debt.total_debt import total_debt
from tasks.derive.refinancing.zombie_definitions import read_balance
from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.filings import day, fact

END = "2022-12-31"
L, N, C = "LongTermDebt", "LongTermDebtNoncurrent", "LongTermDebtCurrent"
K = "DebtLongtermAndShorttermCombinedAmount"
WL = "LongTermDebtAndCapitalLeaseObligations"
WLC = f"{WL}Current"
S, DC, CP = "ShortTermBorrowings", "DebtCurrent", "CommercialPaper"


@pytest.mark.parametrize(
    ("filed", "owed"),
    [
        # Apple, 2024-09-28, and its own balance sheet's sum
        ({L: 96_662, N: 85_750, C: 10_912, CP: 9_967}, 106_629),
        # Marvell, 2022-01-29: its short-term debt is the current portion
        ({L: 4547.977, N: 4484.811, C: 63.166, S: 63.166}, 4547.977),
        # Marvell, 2023-04-29: the same without the other tag
        ({L: 4672.5, N: 3154.9, S: 1517.6}, 4672.5),
        # Marvell, 2021-05-01: a part of the current portion
        ({L: 4898.43, N: 4674.853, S: 30.308}, 4898.43),
        # a revolver beside the current portion
        ({L: 100, N: 90, C: 10, S: 25}, 125),
        # long-term debt that leaves out its current portion
        ({L: 90, N: 90, C: 10}, 100),
        ({N: 90, DC: 35, S: 25, C: 10}, 125),
        # "all current" that is less than the loans beside it is the current portion
        ({N: 90, DC: 10, S: 25}, 125),
        ({L: 100, S: 25}, 125),
        ({L: 100, C: 10, DC: 35}, 125),
        ({N: 90}, 90),
        ({K: 125, N: 90}, 125),
        ({S: 40, CP: 30, L: 100}, 140),
        ({"ConvertibleNotesPayable": 50}, 50),
        ({"ConvertibleNotesPayableNoncurrent": 50, "ConvertibleNotesPayableCurrent": 5}, 55),
        # what is in a total is not counted beside it
        ({L: 100, "ConvertibleNotesPayable": 50}, 100),
        ({L: 0}, 0),
        # an empty line of the balance sheet beside notes on a line of their own
        ({L: 0, "ConvertibleNotesPayable": 50}, 50),
        ({L: 0, "ConvertibleNotesPayable": 50, "Liabilities": 60}, 50),
        # a slip of the units, or the limit of a line of credit, is no more than beside a total
        ({L: 0, "NotesPayable": 50_000, "Liabilities": 20}, 0),
        ({L: 0, "LineOfCredit": 50, "Liabilities": 20}, 0),
        ({L: 0, "LineOfCredit": 50}, 0),
        ({L: 0, "LineOfCredit": 200, "SeniorNotes": 90}, 90),
        # no total: the largest kind, since one may hold the other
        ({"ConvertibleNotesPayable": 50, "NotesPayable": 200}, 200),
        ({"ConvertibleNotesPayableNoncurrent": 50, "LongTermNotesPayable": 80, C: 5}, 85),
        # all that is current holds the short-term borrowings
        ({"ConvertibleNotesPayableNoncurrent": 50, DC: 35, S: 25}, 85),
        # what falls due soon is no total
        ({DC: 35}, None),
        ({C: 10, S: 25}, None),
        ({S: 25}, 25),
        # a slip of the sign in one part
        ({N: 90, C: -10}, None),
        ({"Assets": 1000}, None),
        # no total of all debt is below what is long-term, but by rounding
        ({K: 150, L: 900}, 900),
        ({K: 150, N: 890, C: 10}, 900),
        ({K: 150, N: 890}, 890),
        ({K: 899, L: 900}, 899),
        # a slip of the units in the part that a total includes
        ({L: 100, N: 90, C: 5_000}, 100),
        ({L: 100, N: 90, C: 5_000, CP: 25}, 125),
        ({K: 100, N: 90, C: 5_000}, 100),
        ({K: 125, N: 90, DC: 35_000}, 125),
        # and in the total: the parts agree with each other
        ({L: 0.1, N: 90, C: 10}, 100),
        ({L: 90, N: 90, C: 5_000}, 5_090),
        # a current part that is more than the total: the balance sheet's line without it
        ({L: 10, C: 90}, 100),
        ({L: 10, DC: 90}, 100),
        ({L: 10, C: 90, S: 25}, 125),
        ({L: 10, C: 90, "Liabilities": 95}, 10),
        ({L: 10, C: 90, "Assets": 200, "StockholdersEquity": 105}, 10),
        ({L: 10, C: 90, "Assets": 200, "StockholdersEquity": -5}, 100),
        # loans of a few thousand beside convertible notes on a line of their own
        ({N: 4, C: 5, "ConvertibleNotesPayableNoncurrent": 194}, 203),
        ({N: 4, C: 5, "ConvertibleNotesPayableCurrent": 194}, 203),
        ({L: 2, "NotesPayable": 150}, 152),
        ({L: 2, "NotesPayable": 150, "Liabilities": 120}, 2),
        # Clearway, 2022-12-31: "all current" is less than the current portion of its balance sheet
        ({L: 6870, N: 6491, C: 322, DC: 97}, 6813),
        ({L: 6870, N: 6491, C: 322, DC: 322}, 6813),
        ({N: 90, C: 5_000, DC: 35, "Liabilities": 200}, 125),
        # General Electric's short-term borrowings: the current portion, paper and others
        ({N: 90, C: 10, S: 25, CP: 12, "OtherShortTermBorrowings": 3}, 115),
        ({N: 90, C: 10, S: 25, CP: 12}, 125),
        ({N: 90, C: 10, CP: 10}, 110),
        ({L: 100, N: 90, S: 25, CP: 12, "OtherShortTermBorrowings": 3}, 115),
        ({L: 100, N: 90, S: 25}, 125),
        # Apple, 2019-09-28: its paper, and the same in the next year's reports
        ({L: 102_067, N: 91_807, C: 10_260, CP: 5_980, "OtherShortTermBorrowings": 5_980}, 108_047),
        # Exxon's and Coca-Cola's notes and loans
        ({WL: 90, "NotesAndLoansPayableCurrent": 10}, 100),
        ({N: 90, C: 5, "NotesAndLoansPayableCurrent": 10}, 105),
        # notes payable that are more than the current portion are no part of it
        ({N: 90, C: 10, "NotesPayableCurrent": 40}, 140),
        ({N: 90, C: 10, "NotesPayableCurrent": 8}, 100),
        ({L: 100, C: 10, "NotesPayableCurrent": 40}, 140),
        # the same as the short-term borrowings, or with them
        ({N: 90, C: 10, S: 40, "NotesPayableCurrent": 40}, 140),
        ({N: 90, C: 10, S: 25, "NotesPayableCurrent": 40}, 140),
        ({N: 90, DC: 50, "NotesPayableCurrent": 40}, 140),
        # the current portion under the name of its kind
        ({N: 90, "ConvertibleNotesPayableCurrent": 10}, 100),
        ({N: 90, S: 10, "ConvertibleNotesPayableCurrent": 10}, 100),
        ({L: 100, N: 90, "ConvertibleNotesPayableCurrent": 10}, 100),
        ({"LongTermNotesPayable": 50, C: 5, "NotesPayableCurrent": 30}, 85),
        # Tesla's: with leases on the balance sheet, without them in the note
        ({WL: 2857, WLC: 2373, N: 2682, C: 1975, L: 4657}, 4657),
        ({WL: 2857, WLC: 2373}, 5230),
        # a note that tells of one loan only, or of no current portion
        ({WL: 2857, WLC: 200, N: 300, C: 20, L: 320}, 3057),
        ({WL: 2857, DC: 200, N: 300}, 3057),
        ({WL: 2857, WLC: 2373, N: 2682}, 5230),
        ({WL: 2857, C: 20}, 2877),
        ({N: 2682, WLC: 200}, 2882),
        ({L: 320, f"{WL}IncludingCurrentMaturities": 3057}, 3057),
        # no debt, and leases
        ({WL: 500, WLC: 50, N: 0, C: 0}, 0),
        # the limit of a line of credit
        ({L: 2, "LineOfCredit": 150}, 2),
        ({L: 100, "SeniorNotes": 90, "LineOfCredit": 200}, 100),
        ({L: 100, "ConvertibleNotesPayable": 5, "LineOfCredit": 200}, 100),
        ({L: 100, "SeniorNotes": 95, "LineOfCredit": 80}, 100),
        ({L: 2, "SeniorNotes": 90, "LineOfCredit": 200}, 92),
        # kinds that are apart: the total is one of them, or neither
        ({L: 50, "SeniorLongTermNotes": 50, "LongTermLineOfCredit": 30}, 80),
        ({L: 100, "SecuredDebt": 100, "UnsecuredDebt": 60}, 160),
        ({L: 100, "SecuredDebt": 100, "UnsecuredDebt": 60, "Liabilities": 150}, 100),
        ({L: 60, "SecuredDebt": 80, "UnsecuredDebt": 80}, 160),
        ({L: 2, "SecuredDebt": 80, "UnsecuredDebt": 60}, 142),
        ({L: 50, "SecuredDebt": 50, "UnsecuredDebt": 100}, 150),
        ({L: 50, "SecuredDebt": 40, "UnsecuredDebt": 100}, 150),
        ({L: 100, C: 10, DC: 35, "SeniorNotes": 200, "Liabilities": 330}, 325),
        # principal of what the total carries at less
        ({L: 380, "ConvertibleNotesPayable": 500}, 380),
        # what the total has more than its lines is the notes'
        ({L: 850, N: 500, C: 50, "ConvertibleNotesPayableNoncurrent": 300}, 850),
        ({L: 850, N: 500, C: 50, S: 20, "SeniorNotes": 300}, 870),
        ({L: 850, N: 500, C: 50, "SeniorNotes": 200}, 550),
        # Oracle's and Analog Devices' lines
        ({"LongTermNotesAndLoans": 75, "NotesAndLoansPayableCurrent": 10}, 85),
        ({"UnsecuredLongTermDebt": 66, "UnsecuredDebtCurrent": 4, CP: 5}, 75),
        ({"LongTermNotesPayable": 50, "NotesPayableCurrent": 5, S: 5}, 55),
        # short-term borrowings that hold the current notes, and paper that is not in them
        ({"LongTermNotesPayable": 50, "NotesPayableCurrent": 10, S: 15, CP: 5}, 65),
        ({N: 50, "NotesPayableCurrent": 10, S: 15, CP: 5}, 65),
        ({"LongTermNotesPayable": 50, "NotesPayableCurrent": 5, S: 10, CP: 5}, 60),
        ({"LongTermNotesPayable": 50, "NotesPayableCurrent": 10, CP: 10}, 60),
        ({"LongTermNotesPayable": 50, "NotesPayableCurrent": 10, S: 5, CP: 10}, 65),
        ({"LongTermNotesPayable": 50, "NotesPayableCurrent": 30, S: 25}, 105),
        # notes and loans of one size are one debt
        ({"NotesPayable": 100, S: 100}, 100),
        ({"NotesPayable": 100, "ShortTermBankLoansAndNotesPayable": 100}, 100),
        ({"NotesPayable": 100, CP: 60, "OtherShortTermBorrowings": 40}, 100),
        ({"SecuredDebt": 60, "UnsecuredDebt": 40, S: 40}, 100),
        ({"NotesPayable": 100, S: 25}, 125),
        ({"LongTermLoansPayable": 26, "NotesPayableCurrent": 63, "LoansPayableCurrent": 1}, 89),
        # kinds that are apart: a trust's mortgages and notes, a driller's revolver and notes
        ({"SecuredDebt": 20, "UnsecuredDebt": 80, "NotesPayable": 70}, 100),
        ({"LongTermLineOfCredit": 20, "SeniorLongTermNotes": 150}, 170),
        ({"LineOfCredit": 20, "SeniorNotes": 150, "SecuredDebt": 60}, 170),
        # Toll Brothers' loans and notes
        ({"LoansPayable": 110, "SeniorNotes": 160}, 270),
        ({"DebtAndCapitalLeaseObligations": 125}, 125),
        # the carrying amount, not the principal
        ({"ConvertibleLongTermNotesPayable": 390, "ConvertibleNotesPayable": 400}, 390),
        # no less than any kind
        ({"ConvertibleNotesPayableNoncurrent": 50, "NotesPayable": 200}, 200),
        ({S: 25, "NotesPayableCurrent": 5}, None),
        # what falls due soon may be most of it
        ({L: 5_090, N: 90, C: 5_000}, 5_090),
    ],
)
def test_nothing_is_counted_twice(filed, owed):
    known = PointInTimeFacts(fact(tag, END, value) for tag, value in filed.items())
    known.advance_to(day("2023-12-31"))
    found = total_debt(known, day(END))
    assert (None if found is None else found.value) == (
        None if owed is None else pytest.approx(owed)
    )


def test_another_day_is_another_debt():
    known = PointInTimeFacts([fact(N, END, 90), fact(C, "2022-09-30", 10)])
    known.advance_to(day("2023-12-31"))
    assert total_debt(known, day(END)).method == "noncurrent only"


def test_what_contradicts_a_total_is_named():
    known = PointInTimeFacts([fact(L, END, 100), fact(N, END, 90), fact(C, END, 5_000)])
    known.advance_to(day("2023-12-31"))
    found = total_debt(known, day(END))
    assert found.method.endswith("; excluded as inconsistent: LongTermDebtCurrent")
    assert {each.tag for each in found.facts} == {L}


@pytest.mark.parametrize(
    ("filed", "is_least"),
    [
        ({"ConvertibleNotesPayable": 50}, False),
        # the same under two tags, whole and without what is current
        ({"ConvertibleNotesPayable": 50, "NotesPayable": 50}, False),
        (
            {
                "ConvertibleNotesPayable": 50,
                "ConvertibleNotesPayableNoncurrent": 45,
                "ConvertibleNotesPayableCurrent": 5,
            },
            False,
        ),
        # at its principal in the note
        ({"ConvertibleLongTermNotesPayable": 390, "ConvertibleNotesPayable": 400}, False),
        ({"ConvertibleLongTermNotesPayable": 390, "ConvertibleNotesPayable": 500}, True),
        ({"SecuredDebt": 20, "UnsecuredDebt": 80}, False),
        # is the term loan in the notes or beside them?
        ({"NotesPayable": 70, "LoansPayable": 20}, True),
        ({"LongTermNotesPayable": 50, "LongTermLoansPayable": 20}, True),
        ({L: 100, "NotesPayable": 70}, False),
        # two kinds far above a total that is neither: one of them may be in it, or beside
        ({L: 60, "SecuredDebt": 80, "UnsecuredDebt": 80}, True),
        ({L: 50, "SecuredDebt": 40, "UnsecuredDebt": 100}, True),
        ({L: 100, "SecuredDebt": 100, "UnsecuredDebt": 60}, False),
        ({L: 50, "SecuredDebt": 50, "UnsecuredDebt": 100}, False),
        ({L: 2, "SecuredDebt": 80, "UnsecuredDebt": 60}, False),
        # Deere's long-term debt is told by segment
        ({S: 25}, True),
    ],
)
def test_of_kinds_that_may_overlap_the_largest_is_the_least(filed, is_least):
    known = PointInTimeFacts(fact(tag, END, value) for tag, value in filed.items())
    known.advance_to(day("2023-12-31"))
    assert total_debt(known, day(END)).is_lower_bound is is_least


@pytest.mark.parametrize(
    ("before", "after", "owed"),
    [
        # in default: the amendment has no line but the current one
        ({N: 90, C: 10}, {C: 100}, 100),
        ({N: 90}, {C: 90}, 90),
        ({N: 90, DC: 35, S: 25}, {DC: 125}, 125),
        # a portion was forgotten; the other line stands
        ({N: 90, C: 10}, {C: 12}, 102),
        ({N: 90, C: 10}, {N: 0, C: 100}, 100),
        # half of it was due before, and a later report says so again
        ({N: 100, C: 100}, {C: 100}, 200),
        ({N: 90, DC: 90}, {DC: 90}, 180),
    ],
)
def test_an_amendment_may_move_all_debt_to_what_is_due(before, after, owed):
    report = [fact(tag, END, value) for tag, value in before.items()]
    amended = [fact(tag, END, value, filed="2023-06-01") for tag, value in after.items()]
    known = PointInTimeFacts([*report, *amended])
    known.advance_to(day("2023-12-31"))
    assert total_debt(known, day(END)).value == owed


def test_what_was_moved_stays_moved_when_it_is_told_again():
    """10 was due of 100, all of it by the amendment, and so says the next report."""
    report = [fact(N, END, 90), fact(C, END, 10)]
    later = [fact(C, END, 100, filed=filed) for filed in ("2023-06-01", "2023-08-09")]
    known = PointInTimeFacts([*report, *later])
    for on, owed in (("2023-03-31", 100), ("2023-06-30", 100), ("2023-09-30", 100)):
        known.advance_to(day(on))
        assert total_debt(known, day(END)).value == owed


def test_the_least_that_is_owed_is_no_leverage():
    for filed, leverage in (({L: 100}, 0.5), ({"NotesPayable": 70, "LoansPayable": 30}, None)):
        known = PointInTimeFacts(
            fact(tag, END, value) for tag, value in (filed | {"Assets": 200}).items()
        )
        known.advance_to(day("2023-12-31"))
        assert read_balance(known, day(END))["leverage"] == leverage

"""The report of the demo."""

import io

import pytest
from rich.console import Console

from deployments.cli.demo import report
from deployments.stack.database import has_rows
from warehouse.connect.connections import connect
from warehouse.settings import Settings

AUDIT_ROWS = """
insert into audit.run (flow, process) values ('old', 'test:1'), ('new', 'test:1');
insert into audit.load
    (run_id, table_name, rows_new, rows_changed, rows_same, rows_removed, loaded_at)
values (1, 'core.daily_price', 7777, 0, 0, 0, now()),
    (2, 'core.daily_price', 1000, 20, 3000, 4, now()),
    (2, 'core.daily_price', 500, 0, 0, 0, now());
insert into audit.quarantine (first_run_id, last_run_id, table_name, key, rule, reason, row) values
    (1, 1, 'daily_price', '{"ticker": "OLD"}', 'price_missing', 'old', '{}'),
    (2, 2, 'daily_price', '{"ticker": "AAA"}', 'price_missing', 'no close', '{}'),
    (2, 2, 'daily_price', '{"ticker": "BBB"}', 'price_missing', 'no close', '{}');
insert into audit.validation
    (run_id, table_name, rule, action, expectation, success, evaluated, unexpected, reason, detail)
values
    (1, 'company_fact', 'old_rule', 'warn', 'E', false, 10, 10, 'why', 'OLD'),
    (2, 'company_fact', 'amount_negative', 'warn', 'E', false, 1000, 200, 'why', 'fact 1, fact 2'),
    (2, 'company_fact', 'amount_negative', 'warn', 'E', false, 500, 34, 'why', 'fact 3'),
    (2, 'company_fact', 'unit_unknown', 'warn', 'E', true, 500, 0, 'why', ''),
    (2, 'daily_price', 'price_missing', 'quarantine', 'E', false, 500, 2, 'why', 'AAA');
insert into audit.fetch (run_id, source, dataset, item, status, reason, detail, rows, attempts,
    started_at, finished_at)
select run_id, 'yahoo', 'daily_price', item, status, reason, '', 0, 1, now(), now()
from (values (1, 'OLD', 'outage', 'http_500'), (2, 'AAA', 'loaded', null),
    (2, 'BBB', 'not_found', 'unknown_symbol'), (2, 'CCC', 'not_found', 'unknown_symbol'),
    -- on the watch list, which a tape need not have
    (2, 'VKTX', 'not_found', 'unknown_symbol'))
    as item (run_id, item, status, reason)
"""


def lines_of(settings: Settings, after_run: int) -> list[list[str]]:
    """Return the words of each line of the report."""
    output = io.StringIO()
    with connect(settings, "reader") as connection:
        report(Console(file=output, width=150), connection, after_run)
    return [line.replace("│", " ").split() for line in output.getvalue().splitlines()]


@pytest.fixture
def audited(settings: Settings) -> Settings:
    with connect(settings, "owner") as connection:
        connection.execute(AUDIT_ROWS)
    return settings


def test_report_counts_the_new_runs_by_table_rule_and_reason(audited: Settings) -> None:
    lines = lines_of(audited, after_run=1)
    for title in (
        "Loaded rows (audit.load)",
        "Quarantined rows (audit.quarantine)",
        "Warnings: unusual rows, loaded (audit.validation)",
        "Fetches without data (audit.fetch)",
    ):
        assert title.split() in lines
    assert ["core.daily_price", "1,500", "20", "3,000", "4"] in lines
    assert ["daily_price", "price_missing", "2", "AAA", "no", "close"] in lines
    # one line per rule, with one example; rules that hold are not listed
    assert ["company_fact", "amount_negative", "234", "1,500", "fact", "1"] in lines
    assert ["yahoo", "not_found", "unknown_symbol", "2", "BBB,", "CCC"] in lines
    words = {word for line in lines for word in line}
    assert not words & {"OLD", "VKTX", "7,777", "old_rule", "unit_unknown", "changes:"}


def test_report_says_that_nothing_changed(audited: Settings) -> None:
    with connect(audited, "owner") as connection:
        connection.execute("insert into audit.run (flow, process) values ('last', 'test:1')")
        connection.execute(
            "insert into audit.load (run_id, table_name, rows_new, rows_changed, rows_same,"
            " rows_removed, loaded_at) values (3, 'core.daily_price', 0, 0, 9, 0, now())"
        )
    lines = lines_of(audited, after_run=2)
    assert ["No", "changes:", "all", "rows", "already", "loaded."] in lines
    assert not [line for line in lines if "Quarantined" in line]


def test_only_a_warehouse_with_loaded_rows_replaces_the_current_one(settings: Settings) -> None:
    assert not has_rows(settings)
    with connect(settings, "owner") as connection:
        connection.execute(AUDIT_ROWS)
    assert has_rows(settings)

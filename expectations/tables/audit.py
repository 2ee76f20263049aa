"""The tables of schema audit: what their columns mean, for comments and for inserts."""

from expectations.contract import AuditTable, Column

BIGINT, DATE, TEXT, TIME = "bigint", "date", "text", "timestamp with time zone"

AUDIT_TABLES = (
    AuditTable(
        "origin",
        "The environment of all facts here: live, or the name of a recorded or simulated data"
        " set. One row at most.",
        (
            Column("is_only", "boolean", "Always true: keeps the table to one row."),
            Column("origin", TEXT, "live, or the name of the tape that is replayed."),
            Column("first_run_at", TIME, "When the first run set it."),
        ),
    ),
    AuditTable(
        "run",
        "One row per run of a flow.",
        (
            Column("run_id", BIGINT, "The number that every row loaded by the run carries."),
            Column(
                "flow",
                TEXT,
                "The flow: prices, macro, holdings, filings, derived, price-check, or backfill "
                "(one run per chunk).",
            ),
            Column(
                "flow_run_id",
                "uuid",
                "Prefect's id of the flow run.",
                null_means="outside Prefect.",
            ),
            Column(
                "state",
                TEXT,
                "running, completed, degraded (something is missing, see detail), failed (nothing"
                " loaded, or an error), cancelled (stopped by a person), crashed (the process ended"
                " without a state).",
            ),
            Column(
                "detail",
                TEXT,
                "What the run loaded and what it could not, for people; of a failed run, the "
                "error.",
                null_means="it has not ended.",
            ),
            Column("process", TEXT, "Host and process number."),
            Column("started_at", TIME, "When the run began."),
            Column("ended_at", TIME, "When the run ended.", null_means="it is running."),
            Column(
                "clock_at",
                TIME,
                "The run's logical time: the time that counted as now in it.",
                null_means="it never got its lock.",
            ),
        ),
    ),
    AuditTable(
        "batch",
        "One row per transaction in which a run wrote facts or derived rows.",
        (
            Column(
                "batch_id",
                "uuid",
                "A UUID that the run draws: it tells whether a commit without a reply took place.",
            ),
            Column("run_id", BIGINT, "The run that wrote."),
            Column("committed_at", TIME, "When the transaction began to write."),
        ),
    ),
    AuditTable(
        "fetch",
        "One row per item and window requested from a provider, with the status of the request.",
        (
            Column("fetch_id", BIGINT, "A number of its own."),
            Column("run_id", BIGINT, "The run that sent the request."),
            Column("source", TEXT, "The provider: yahoo, alfred, fredgraph, ishares, sec, tiingo."),
            Column("dataset", TEXT, "The table that the item is for, by its published name."),
            Column("item", TEXT, "Ticker, series, fund, company or day of the filing index."),
            Column(
                "window_start",
                DATE,
                "First date requested.",
                null_means="the request has no first date.",
            ),
            Column(
                "window_end",
                DATE,
                "Last date requested; of ishares and tiingo, the last that the reply has.",
                null_means="the request has no last date.",
            ),
            Column(
                "status",
                TEXT,
                "loaded (rows, or nothing new), empty (no rows), unreadable (ifrs,"
                " other_currency, no_listed_tag), not_found, delisted (no longer known), throttled,"
                " outage, refused (by the provider, or by a rule).",
            ),
            Column(
                "reason",
                TEXT,
                "Reason code: why nothing was loaded; or later_start: loaded, but the provider no"
                " longer serves the oldest year or more of the stored rows.",
                null_means="the status is loaded, without later_start.",
            ),
            Column("detail", TEXT, "What happened, in a sentence."),
            Column("rows", BIGINT, "Rows received, before validation."),
            Column(
                "attempts",
                "integer",
                "Number of requests sent; 0 when the batch ended before this item.",
            ),
            Column("started_at", TIME, "When the first attempt began, by the machine's clock."),
            Column("finished_at", TIME, "When the last attempt ended, by the machine's clock."),
        ),
    ),
    AuditTable(
        "pending_filing",
        "One row per filing that the SEC's daily index named and whose facts are not loaded "
        "yet; deleted once they are.",
        (
            Column("cik", "integer", "The SEC's number of the filer."),
            Column("accession_number", TEXT, "The filing."),
            Column("form", TEXT, "The SEC's form: 10-K, 10-Q or a variant of these."),
            Column("filed_date", DATE, "The SEC's filing date."),
            Column(
                "last_requested_on",
                DATE,
                "Newest day in New York on which a reply for the company lacked the filing.",
                null_means="not requested since.",
            ),
            Column("run_id", BIGINT, "The run that read the index."),
            Column("discovered_at", TIME, "When the index was read."),
        ),
    ),
    AuditTable(
        "filing_without_facts",
        "One row per filing for which the SEC served no facts within a week. It is no longer "
        "requested; published.coverage counts it until its facts are stored.",
        (
            Column("cik", "integer", "The SEC's number of the filer."),
            Column("accession_number", TEXT, "The filing."),
            Column("form", TEXT, "The SEC's form: 10-K, 10-Q or a variant of these."),
            Column("filed_date", DATE, "The SEC's filing date."),
            Column("run_id", BIGINT, "The run that requested it last."),
            Column("given_up_at", TIME, "When it was requested last."),
        ),
    ),
    AuditTable(
        "rate_limit",
        "One row per provider whose rate limit all processes share. Unlogged: empty after a "
        "crash of the server.",
        (
            Column("provider", TEXT, "The provider: fred, sec or tiingo."),
            Column("next_request_at", TIME, "When the next request may be sent."),
            Column(
                "blocked_until",
                TIME,
                "No request may be sent before: the provider refused one as too many.",
            ),
        ),
    ),
    AuditTable(
        "quarantine",
        "One row per received row and rule that it failed, so that it was not loaded. A row "
        "that fails two rules has two; one that is received again has one.",
        (
            Column("quarantine_id", BIGINT, "A number of its own."),
            Column("first_run_id", BIGINT, "The run that received it first."),
            Column("table_name", TEXT, "The table it was meant for."),
            Column("key", "jsonb", "The key it would have had."),
            Column("rule", TEXT, "The rule it failed."),
            Column("reason", TEXT, "What is wrong with the row, in words."),
            Column("row", "jsonb", "The row as received."),
            Column("row_hash", TEXT, "MD5 of the row."),
            Column("quarantined_at", TIME, "When it was first quarantined."),
            Column("last_run_id", BIGINT, "The run that received it last."),
            Column("last_seen_at", TIME, "When it was received last."),
        ),
    ),
    AuditTable(
        "price_discrepancy",
        "One row per value in which a stored price and a second source differ beyond rounding. "
        "Equal values have no row, and none is replaced.",
        (
            Column("ticker", TEXT, "The ticker, as requested from both sources."),
            Column("session_date", DATE, "The session, or the split's ex-date."),
            Column("field", TEXT, "close, split, or bar: one source has no bar of the session."),
            Column("unit", TEXT, "USD as traded, new shares per old share, or number of bars."),
            Column(
                "stored_value",
                "double precision",
                "The warehouse's value when both differed last; 1: no split, 0: no bar.",
            ),
            Column("source", TEXT, "The second source: tiingo."),
            Column(
                "source_value",
                "double precision",
                "Its value when both differed last; 1: no split, 0: no bar. For internal use only.",
            ),
            Column("first_run_id", BIGINT, "The run that found the difference first."),
            Column("first_seen_at", TIME, "When it was found first."),
            Column("last_run_id", BIGINT, "The run that found it last."),
            Column("last_seen_at", TIME, "When it was found last."),
            Column(
                "resolved_run_id",
                BIGINT,
                "The run that found both equal.",
                null_means="none has since.",
            ),
            Column(
                "resolved_at", TIME, "When both were found equal.", null_means="they still differ."
            ),
        ),
    ),
    AuditTable(
        "validation",
        "One row per batch and rule: what was checked, and the result.",
        (
            Column("validation_id", BIGINT, "A number of its own."),
            Column("run_id", BIGINT, "The run that validated."),
            Column("table_name", TEXT, "The table the batch was meant for."),
            Column("rule", TEXT, "The rule."),
            Column(
                "action",
                TEXT,
                "What a failure does: stop (refuse the batch), quarantine (the rows), warn.",
            ),
            Column("expectation", TEXT, "The Great Expectations expectation behind it."),
            Column("success", "boolean", "Whether no row failed it."),
            Column("evaluated", BIGINT, "Number of rows checked."),
            Column("unexpected", BIGINT, "Number of rows that failed it."),
            Column("reason", TEXT, "What is wrong with a row that fails it."),
            Column("detail", TEXT, "What the check found, in a sentence."),
            Column("validated_at", TIME, "When it was checked."),
        ),
    ),
    AuditTable(
        "load",
        "One row per batch and table written: how its rows compared with the stored ones.",
        (
            Column("load_id", BIGINT, "A number of its own."),
            Column("run_id", BIGINT, "The run that loaded."),
            Column("table_name", TEXT, "The table, with its schema."),
            Column("rows_new", BIGINT, "Rows whose key was not stored."),
            Column(
                "rows_changed",
                BIGINT,
                "Rows that replaced a different one, which went to history.",
            ),
            Column("rows_same", BIGINT, "Rows that were stored already."),
            Column(
                "rows_removed",
                BIGINT,
                "Rows withdrawn by the source or no longer derived, moved to history.",
            ),
            Column("loaded_at", TIME, "The time that the written rows carry."),
        ),
    ),
    AuditTable(
        "change",
        "One row per batch, table and instrument or item that a load changed: the input of "
        "incremental derivation.",
        (
            Column(
                "change_id",
                BIGINT,
                "Grows in the order of commits within one table: its loads hold a lock from "
                "taking the number to committing.",
            ),
            Column("table_name", TEXT, "The core table that changed."),
            Column(
                "instrument_id",
                "integer",
                "The instrument whose rows changed.",
                null_means="the table has no instruments.",
            ),
            Column(
                "item",
                TEXT,
                "The series or index whose rows changed.",
                null_means="the table has instruments.",
            ),
            Column("from_date", DATE, "The earliest date among the new and changed rows."),
            Column("run_id", BIGINT, "The run that changed them."),
        ),
    ),
    AuditTable(
        "derivation",
        "One row per derived table and input: its watermark.",
        (
            Column("derived_table", TEXT, "The derived table."),
            Column("input_table", TEXT, "The core table it reads."),
            Column(
                "change_id",
                BIGINT,
                "The last change of the input that the derived rows reflect: audit.change.",
            ),
        ),
    ),
    AuditTable(
        "reference",
        "One row per version in force: of the views, and of reference tables.",
        (
            Column(
                "table_name",
                TEXT,
                "views, macro_series, session, or the derived table that the configuration is of.",
            ),
            Column(
                "checksum",
                TEXT,
                "SHA-256 of the files, or the version of the calendar library.",
            ),
            Column("applied_at", TIME, "When it was applied."),
        ),
    ),
)


def audit_columns(table: str, *names: str) -> tuple[Column, ...]:
    """Return columns of an audit table by name, in the given order."""
    columns = next(each.columns for each in AUDIT_TABLES if each.table == table)
    by_name = {column.name: column for column in columns}
    return tuple(by_name[name] for name in names)

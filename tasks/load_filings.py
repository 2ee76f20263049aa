"""Validates and loads what some companies' replies said."""

from datetime import datetime

from expectations import company, company_fact
from expectations.sessions import new_york_date
from tasks.extract.sec import CompanyBatch
from tasks.filing_dues import read_due, settle
from tasks.load import Batch, load
from tasks.record import Run
from tasks.validate import BatchRefused, validate_batch


def load_companies(reply: CompanyBatch, now: datetime, run: Run) -> None:
    """Validates a batch and loads it; the filings that it had are no longer due.

    A refused batch stays due as a whole: its companies are asked again by the next run.

    Args:
        reply: The companies' replies.
        now: The instant that counts as now.
        run: The run that loads.
    """
    try:
        facts = validate_batch(company_fact.CONTRACT, company_fact.with_context(reply.facts, now))
        companies = validate_batch(company.CONTRACT, reply.companies)
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), run)
        return
    due = read_due(reply.answered, run.settings)
    dues = settle(reply.answered, reply.filings, due, new_york_date(now))
    validated = ((company_fact.CONTRACT, facts), (company.CONTRACT, companies))
    load(Batch(reply.fetches, validated, dues=dues), run)

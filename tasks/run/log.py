"""Logger of a run: Prefect's inside a flow or task, a plain one elsewhere."""

import logging

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]


def run_logger() -> Logger:
    """Return the logger whose lines Prefect shows with the run, if there is one."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)

"""Command line: ``python -m deployments.sandbox.market --out DIR``."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from deployments.sandbox.market.tape.write import simulate


def main(arguments: list[str] | None = None) -> None:
    """Parse the options, write the tape and report each step on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.sandbox.market",
        description="Simulate a market from a seed and write it as a tape.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the tape to")
    parser.add_argument("--seed", type=int, default=7, help="source of every draw (7)")
    parser.add_argument("--small", type=int, default=200, help="small companies at the start (200)")
    parser.add_argument("--large", type=int, default=60, help="large companies at the start (60)")
    parser.add_argument("--years", type=int, default=3, help="years of bars (3)")
    parser.add_argument(
        "--end",
        type=date.fromisoformat,
        default=date(2026, 2, 13),
        help="last day, YYYY-MM-DD (2026-02-13)",
    )
    options = parser.parse_args(arguments)
    try:
        simulate(**vars(options), progress=_report)
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))


def _report(step: str) -> None:
    sys.stderr.write(f"{step}\n")


if __name__ == "__main__":
    main()

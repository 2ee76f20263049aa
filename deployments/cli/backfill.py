"""Run `rotation backfill`: the flow in the foreground, with plan, progress and result."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from deployments.cli.run_flow import run_python


def backfill(
    dataset: Annotated[str, typer.Argument(help="prices, macro, holdings or filings.")] = "prices",
    mode: Annotated[str, typer.Option(help="missing, failed, stale or all.")] = "missing",
    start: Annotated[str | None, typer.Option(help="First day; default: the dataset's.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day; default: up to now.")] = None,
    ticker: Annotated[
        list[str] | None,
        typer.Option(help="Prices, filings: a ticker; may be repeated. Default: all."),
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="All but macro: an index (R2000, SP500 ...). Default: all.")
    ] = None,
    series: Annotated[
        list[str] | None, typer.Option(help="Macro: a FRED id; may be repeated. Default: all.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(help="oldest_first, newest_first, alphabetical or most_missing_first."),
    ] = "oldest_first",
    parallelism: Annotated[int, typer.Option(help="Concurrent requests, 1 to 8.")] = 4,
    dry_run: Annotated[bool, typer.Option(help="Show the plan and request nothing.")] = False,
) -> None:
    """Fill missing, failed or stale rows; show the plan, progress and result."""
    given: dict[str, Any] = {
        "dataset": dataset,
        "mode": mode,
        "start": start,
        "end": end,
        "tickers": ticker,
        "index": index,
        "series_ids": series,
        "order": order,
        "parallelism": parallelism,
        "dry_run": dry_run,
    }
    # the flow has the defaults
    parameters = {name: value for name, value in given.items() if value not in (None, [])}
    # log lines would break the progress bar; Prefect stores them
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
    program = "import sys; from deployments.cli.backfill import main; sys.exit(main())"
    raise typer.Exit(run_python(["-c", program, json.dumps(parameters)], quiet))


class ConsoleReporter:
    """Shows a backfill's plan, progress and result on a console."""

    def __init__(self, console: Console) -> None:
        """Prepare without output.

        Args:
            console: The console.
        """
        self.has_shown_result = False
        self._console = console
        self._bar = Progress(
            BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(), console=console
        )
        self._task = self._bar.add_task("")

    def listen(self, kind: str, text: str, percentage: float) -> None:
        """Show the plan, the progress or the result: a `tasks.backfill.reporting.Listener`."""
        if kind == "progress":
            self._bar.start()
            self._bar.update(self._task, completed=percentage, description=text)
            if not self._console.is_terminal:
                self._console.print(text, highlight=False)
            return
        self.close()
        self._console.print(Markdown(text))
        self.has_shown_result |= kind == "result"

    def close(self) -> None:
        """Stop the progress bar."""
        if self._bar.live.is_started:
            self._bar.stop()


def main() -> int:
    """Run the flow with the parameters in the first argument; return 0 if it completed."""
    from flows.backfill import run_backfill
    from tasks.backfill.reporting import LISTENERS

    console = Console(width=None if sys.stdout.isatty() else 150)
    reporter = ConsoleReporter(console)
    LISTENERS.append(reporter.listen)
    state = run_backfill(**json.loads(sys.argv[1]), return_state=True)
    reporter.close()
    # the message of a completed run repeats its result
    is_repeated = state.is_completed() and reporter.has_shown_result
    message = "" if is_repeated else f": {state.message}"
    console.print(f"{state.name}{message}", markup=False, highlight=False)
    return 0 if state.is_completed() else 1

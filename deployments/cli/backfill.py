"""`rotation backfill`: that flow in the foreground, with its plan and progress shown."""

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
    start: Annotated[str | None, typer.Option(help="First day; none: from the beginning.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day; none: up to now.")] = None,
    ticker: Annotated[
        list[str] | None,
        typer.Option(help="Prices, filings: a symbol; may be repeated. None: all."),
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="All but macro: an index (R2000, SP500 ...).")
    ] = None,
    series: Annotated[
        list[str] | None, typer.Option(help="Macro: a FRED id; may be repeated. None: all.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(help="oldest first, newest first, alphabetical or most missing first."),
    ] = "oldest first",
    parallelism: Annotated[int, typer.Option(help="Requests under way at once, 1 to 8.")] = 4,
    dry_run: Annotated[bool, typer.Option(help="Show the plan and ask for nothing.")] = False,
) -> None:
    """Fill what is missing, failed or stale; show the plan, the progress and the result."""
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
    # what is not given is the flow's to decide
    parameters = {name: value for name, value in given.items() if value not in (None, [])}
    # the log is Prefect's to keep; here it would run into the bar
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
    code = run_python(["-m", "deployments.cli.backfill", json.dumps(parameters)], quiet)
    raise typer.Exit(code)


class ConsoleReporter:
    """The flow's plan, progress and result on a console."""

    def __init__(self, console: Console) -> None:
        """Shows nothing yet."""
        self._console = console
        self._bar = Progress(
            BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(), console=console
        )
        self._task = self._bar.add_task("")

    def listen(self, what: str, text: str, share: float) -> None:
        """Takes what the flow shows."""
        if what == "progress":
            self._bar.start()
            self._bar.update(self._task, completed=share, description=text)
            if not self._console.is_terminal:
                self._console.print(text, highlight=False)
        else:
            self.close()
            self._console.print(Markdown(text))

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar.live.is_started:
            self._bar.stop()


def main() -> int:
    """Runs the flow with the parameters in the first argument; 0 where it completed."""
    from flows.backfill import run_backfill
    from tasks.backfill.reporting import LISTENERS

    console = Console(width=None if sys.stdout.isatty() else 150)
    shown = ConsoleReporter(console)
    LISTENERS.append(shown.listen)
    state = run_backfill(**json.loads(sys.argv[1]), return_state=True)
    shown.close()
    console.print(f"{state.name}: {state.message}", markup=False, highlight=False)
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())

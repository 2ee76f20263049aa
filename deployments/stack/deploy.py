"""Create the work pool, deploy prefect.yaml and apply the automations, for `rotation up`.

Run as `python -m deployments.stack.deploy` with the environment of the Prefect server. One process
does it all, since importing Prefect's command line takes two to three seconds.
"""

import sys
from contextlib import redirect_stdout
from io import StringIO

from prefect.cli import app

from deployments.stack import apply
from deployments.stack.stack import POOL, PREFECT_FILE


def run_prefect(*arguments: str) -> None:
    """Run a command of Prefect's command line in this process; print its output if it fails.

    Raises:
        SystemExit: The command failed.
    """
    sys.argv = ["prefect", *arguments]
    output = StringIO()
    try:
        with redirect_stdout(output):
            app()
    except SystemExit as ended:
        if ended.code:
            print(output.getvalue())
            raise


def main() -> None:
    """Run all steps; end at the first that fails."""
    run_prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    run_prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE))
    apply.main()


if __name__ == "__main__":
    main()

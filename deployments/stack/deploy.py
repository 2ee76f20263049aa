"""Create the work pool, deploy prefect.yaml and apply the automations, for `rotation up`.

Run as `python -m deployments.stack.deploy` with the environment of the Prefect server. One process
does it all, since importing Prefect takes longer than each step.
"""

import sys

from prefect.cli import app

from deployments.stack import apply
from deployments.stack.stack import POOL, PREFECT_FILE


def run_prefect(*arguments: str) -> None:
    """Run a command of Prefect's command line in this process.

    Raises:
        SystemExit: The command failed; its output says why.
    """
    sys.argv = ["prefect", *arguments]
    try:
        app()
    except SystemExit as ended:
        if ended.code:
            raise


def main() -> None:
    """Run the three steps; end at the first that fails."""
    run_prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    run_prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE))
    apply.main()


if __name__ == "__main__":
    main()

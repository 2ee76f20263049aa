"""What the Prefect server does by itself when something happens, applied by `rotation up`."""

import sys
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from deployments.stack.notifications import NotifyError, delete_notification_block, notifications
from warehouse.settings import Settings

# ours by their names: what bears one and is no longer wanted is removed
PREFIX = "rotation: "
FLOW_RUN = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})
# three heartbeats, which prefect_server.prefect_environment sets to 30 s
HEARTBEAT_TIMEOUT = timedelta(seconds=90)
HEARTBEAT = "prefect.flow-run.heartbeat"
# all names that a run of ours ends under: Degraded is a completion of our own
TERMINAL_EVENTS = {
    f"prefect.flow-run.{name}"
    for name in ("Completed", "Degraded", "Failed", "TimedOut", "Crashed", "Cancelled")
}


def automations(mark_crashed_runs: UUID) -> list[AutomationCore]:
    """All automations that are wanted. A new one is one more entry.

    Args:
        mark_crashed_runs: The deployment that marks dead runs in `audit.run`.
    """
    return [
        AutomationCore(
            name=f"{PREFIX}mark runs without heartbeat as crashed",
            description="No heartbeat and no end within 90 s: its process is gone, the worker's "
            "too, or the whole machine.",
            trigger=EventTrigger(
                after={HEARTBEAT},
                expect={HEARTBEAT, *TERMINAL_EVENTS},
                match=FLOW_RUN,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                within=HEARTBEAT_TIMEOUT,
            ),
            actions=[
                ChangeFlowRunState(
                    state=StateType.CRASHED,
                    name="Crashed",
                    force=False,
                    message="Its process fell silent. What it had loaded is kept, and the next "
                    "run brings the rest.",
                )
            ],
        ),
        AutomationCore(
            name=f"{PREFIX}mark crashed runs",
            description="Marks it in audit.run, too, without waiting for the next run.",
            trigger=EventTrigger(
                expect={"prefect.flow-run.Crashed", "prefect.flow-run.Cancelled"},
                match=FLOW_RUN,
                # its own death must not call it again, and again
                match_related={
                    "prefect.resource.role": "flow",
                    "prefect.resource.name": "!mark-crashed-runs",
                },
            ),
            actions=[
                RunDeployment(
                    source="selected",
                    deployment_id=mark_crashed_runs,
                    parameters=None,
                    job_variables=None,
                )
            ],
        ),
    ]


def apply(settings: Settings) -> None:
    """Brings the server's automations of ours to what is wanted; again changes nothing.

    Raises:
        NotifyError: when ROTATION_NOTIFY_URL can't be used.
    """
    with get_client(sync_client=True) as client:
        mark_crashed_runs = client.read_deployment_by_name("mark-crashed-runs/mark-crashed-runs").id
        told = [
            each.model_copy(update={"name": PREFIX + each.name}) for each in notifications(settings)
        ]
        wanted = {each.name: each for each in automations(mark_crashed_runs) + told}
        for held in client.read_automations():
            if not held.name.startswith(PREFIX):
                continue
            again = wanted.pop(held.name, None)
            if again is None:
                client.delete_automation(held.id)
            else:
                # Whether it is switched off is the user's choice. Built anew from its fields: the
                # client leaves out those that nobody set, and the server asks for all but one.
                whole = again.model_dump(exclude={"owner_resource"}) | {"enabled": held.enabled}
                client.update_automation(held.id, AutomationCore.model_validate(whole))
        for automation in wanted.values():
            client.create_automation(automation)
    if settings.notify_url is None:
        delete_notification_block()


if __name__ == "__main__":
    try:
        apply(Settings())
    except NotifyError as error:
        sys.exit(str(error))

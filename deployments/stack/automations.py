"""Automations of the Prefect server, applied by `rotation up`."""

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from deployments.stack.notifications import delete_notification_block, notifications
from warehouse.settings import Settings

# automations with this prefix are managed here: those no longer defined are deleted
PREFIX = "rotation: "
FLOW_RUN = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})
# three heartbeats of 30 s each, set in prefect_server.prefect_environment
HEARTBEAT_TIMEOUT = timedelta(seconds=90)
HEARTBEAT = "prefect.flow-run.heartbeat"
# all final states; Degraded is a Completed state of this project
TERMINAL_EVENTS = {
    f"prefect.flow-run.{name}"
    for name in ("Completed", "Degraded", "Failed", "TimedOut", "Crashed", "Cancelled")
}


def automations(mark_crashed_runs: UUID) -> list[AutomationCore]:
    """Return the automations for crashed runs.

    Args:
        mark_crashed_runs: Id of the deployment that marks crashed runs in `audit.run`.
    """
    return [
        AutomationCore(
            name=f"{PREFIX}mark runs without heartbeat as crashed",
            description="No heartbeat and no final state for 90 s: the process, the worker or the "
            "machine has stopped.",
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
                    message="No heartbeat for 90 s; marked as Crashed. Committed batches are kept; "
                    "the next run loads the rest.",
                )
            ],
        ),
        AutomationCore(
            name=f"{PREFIX}mark crashed runs",
            description="Marks crashed and cancelled runs in audit.run, before the next run.",
            trigger=EventTrigger(
                expect={"prefect.flow-run.Crashed", "prefect.flow-run.Cancelled"},
                match=FLOW_RUN,
                # a crash of this flow must not trigger itself
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
    """Create, update and delete the managed automations; idempotent.

    Raises:
        NotifyError: If ROTATION_NOTIFY_URL is invalid.
    """
    with get_client(sync_client=True) as client:
        mark_crashed_runs = client.read_deployment_by_name("mark-crashed-runs/mark-crashed-runs").id
        messages = [
            each.model_copy(update={"name": PREFIX + each.name}) for each in notifications(settings)
        ]
        missing = {each.name: each for each in automations(mark_crashed_runs) + messages}
        for stored in client.read_automations():
            if not stored.name.startswith(PREFIX):
                continue
            defined = missing.pop(stored.name, None)
            if defined is None:
                client.delete_automation(stored.id)
            else:
                # Keep the user's choice of `enabled`. Rebuilt from all fields, since the client
                # omits unset ones and the server requires all except owner_resource.
                fields = defined.model_dump(exclude={"owner_resource"})
                fields["enabled"] = stored.enabled
                client.update_automation(stored.id, AutomationCore.model_validate(fields))
        for automation in missing.values():
            client.create_automation(automation)
    if settings.notify_url is None:
        delete_notification_block()

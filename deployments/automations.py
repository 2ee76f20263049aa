"""Who is told when something goes wrong: Prefect automations, applied by `rotation up`.

Each reacts to events that Prefect's server writes anyway, so that without a ROTATION_NOTIFY_URL
nothing is lost but the message: the events stay in the UI's event feed.
"""

import sys
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

from apprise import Apprise
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import get_client
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from warehouse.settings import Settings

# ours by their names: what bears one and is no longer wanted is removed
PREFIX = "rotation: "
BLOCK = "rotation-notify"
# Prefect calls a run late after 15 s; a worker that is restarting or a run that waits for the one
# before it is no news
PATIENCE = timedelta(minutes=15)
# a deployment's own runs, not the flows that they call: those would tell everything twice
OF_A_DEPLOYMENT = {
    "prefect.resource.role": "deployment",
    "prefect.resource.id": "prefect.deployment.*",
}
FLOW_RUN = {"prefect.resource.id": "prefect.flow-run.*"}
SUBJECT = "{{ flow.name }}: {{ flow_run.state.name }}"
BODY = (
    "{{ flow_run.state.message }}\n\nRun {{ flow_run.name }} of {{ flow.name }}, "
    "{{ flow_run.state.timestamp }}. {{ flow_run|ui_url }}"
)


class NotifyError(ValueError):
    """ROTATION_NOTIFY_URL is no address that messages can be sent to."""


def address(url: str) -> str:
    """The address in the form that Prefect's notification block takes.

    Args:
        url: A web address of Slack, Discord, Teams, Google Chat and the like; mailto(s)://user:
            password@host?to=... for mail, or any other address that Apprise knows; another web
            address: it is sent the message as JSON, with `title` and `message`.

    Raises:
        NotifyError: when it is none of them. The message does not quote it: it holds a secret.
    """
    if Apprise.instantiate(url, suppress_exceptions=True) is not None:
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotifyError(
            f"ROTATION_NOTIFY_URL begins with {parts.scheme!r}: it must be a web address, "
            "mailtos://user:password@host?to=someone@example.com, or another address that "
            "Apprise knows."
        )
    scheme = "jsons" if parts.scheme == "https" else "json"
    # what is not marked by a dash, Apprise takes for an option of its own
    query = urlencode({f"-{name}": value for name, value in parse_qsl(parts.query)})
    path = quote(parts.path, safe="/%")
    return f"{scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")


def automations(block: UUID | None) -> list[AutomationCore]:
    """All automations that are wanted. A new one is one more entry.

    Args:
        block: The notification block; None: nobody is to be told.
    """
    if block is None:
        return []
    tell = [SendNotification(block_document_id=block, subject=SUBJECT, body=BODY)]
    return [
        AutomationCore(
            name=f"{PREFIX}a run failed",
            description="A run of a deployment ended as Failed, Crashed or TimedOut.",
            trigger=EventTrigger(
                expect={
                    "prefect.flow-run.Failed",
                    "prefect.flow-run.Crashed",
                    "prefect.flow-run.TimedOut",
                },
                match=FLOW_RUN,
                match_related=OF_A_DEPLOYMENT,
            ),
            actions=tell,
        ),
        AutomationCore(
            name=f"{PREFIX}a run is degraded",
            description="A run of a deployment loaded what it could, and something is missing.",
            trigger=EventTrigger(
                expect={"prefect.flow-run.Degraded"},
                match=FLOW_RUN,
                match_related=OF_A_DEPLOYMENT,
            ),
            actions=tell,
        ),
        AutomationCore(
            name=f"{PREFIX}a run has not started",
            description="A run was due and has neither started nor been cancelled since.",
            trigger=EventTrigger(
                after={"prefect.flow-run.Late"},
                expect={
                    "prefect.flow-run.Pending",
                    "prefect.flow-run.Running",
                    "prefect.flow-run.Cancelled",
                },
                match=FLOW_RUN,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                within=PATIENCE,
            ),
            actions=tell,
        ),
    ]


def apply(settings: Settings) -> None:
    """Brings the server's automations of ours to what the settings want; again changes nothing.

    Raises:
        NotifyError: when ROTATION_NOTIFY_URL can't be used.
    """
    url = settings.notify_url
    block = _save_block(address(url.get_secret_value())) if url else None
    wanted = {each.name: each for each in automations(block)}
    with get_client(sync_client=True) as client:
        held = [each for each in client.read_automations() if each.name.startswith(PREFIX)]
        for automation in held:
            again = wanted.pop(automation.name, None)
            if again is None:
                client.delete_automation(automation.id)
            else:
                # whether it is switched off is the user's choice
                kept = again.model_dump(exclude={"owner_resource"})
                kept["enabled"] = automation.enabled
                # validated anew, since the client leaves out what was not said, and the server
                # will not fill it in
                client.update_automation(automation.id, AutomationCore.model_validate(kept))
        for automation in wanted.values():
            client.create_automation(automation)
    if block is None:
        _drop_block()


def _save_block(url: str) -> UUID:
    # Prefect hands the address of this block on to Apprise as it is, whatever service it names,
    # and keeps it encrypted
    saved = SlackWebhook(url=SecretStr(url)).save(BLOCK, overwrite=True)
    assert isinstance(saved, UUID)
    return saved


def _drop_block() -> None:
    try:
        SlackWebhook.delete(BLOCK)
    except (ObjectNotFound, ValueError):
        return  # there was none


if __name__ == "__main__":
    try:
        apply(Settings())
    except NotifyError as error:
        sys.exit(str(error))

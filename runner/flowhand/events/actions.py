"""Actions: what an automation does when its trigger fires (contract 10).

A `source` of "inferred" takes the thing from the event; it is what an action without an id means.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ValidationError

from flowhand.events.words import in_one_line, unknown_field
from flowhand.wire import automations as wire


class _Action(wire.Action):
    """Says what is wrong in one line."""

    noun: ClassVar[str | None] = None
    """The field that names what it is done to."""

    def __init__(self, **fields: Any) -> None:
        fields = {"type": type(self).model_fields["type"].default} | fields
        known = type(self).model_fields
        for name in fields:
            if name not in known:
                raise ValueError(unknown_field(type(self).__name__, name, known))
        if "source" not in fields and self.noun and fields.get(self.noun) is None:
            fields["source"] = "inferred"
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ValueError(f"{type(self).__name__}: {in_one_line(error)}") from None


class DoNothing(_Action):
    """Nothing: the automation just tells that it fired."""

    type: wire.ActionType = "do-nothing"


class RunDeployment(_Action):
    """Runs a deployment; `parameters` may hold templates such as `{{ event.resource.id }}`."""

    type: wire.ActionType = "run-deployment"
    noun = "deployment_id"


class PauseDeployment(_Action):
    """Pauses a deployment."""

    type: wire.ActionType = "pause-deployment"
    noun = "deployment_id"


class ResumeDeployment(_Action):
    """Resumes a deployment."""

    type: wire.ActionType = "resume-deployment"
    noun = "deployment_id"


class CancelFlowRun(_Action):
    """Cancels the run of the event."""

    type: wire.ActionType = "cancel-flow-run"


class SuspendFlowRun(_Action):
    """Suspends the run of the event."""

    type: wire.ActionType = "suspend-flow-run"


class ResumeFlowRun(_Action):
    """Resumes the run of the event."""

    type: wire.ActionType = "resume-flow-run"


class DeleteFlowRun(_Action):
    """Deletes the run of the event."""

    type: wire.ActionType = "delete-flow-run"


class ChangeFlowRunState(_Action):
    """Has the run of the event enter another state."""

    type: wire.ActionType = "change-flow-run-state"


class PauseWorkQueue(_Action):
    """Pauses a work queue."""

    type: wire.ActionType = "pause-work-queue"
    noun = "work_queue_id"


class ResumeWorkQueue(_Action):
    """Resumes a work queue."""

    type: wire.ActionType = "resume-work-queue"
    noun = "work_queue_id"


class PauseWorkPool(_Action):
    """Pauses a work pool."""

    type: wire.ActionType = "pause-work-pool"
    noun = "work_pool_id"


class ResumeWorkPool(_Action):
    """Resumes a work pool."""

    type: wire.ActionType = "resume-work-pool"
    noun = "work_pool_id"


class PauseAutomation(_Action):
    """Switches an automation off."""

    type: wire.ActionType = "pause-automation"
    noun = "automation_id"


class ResumeAutomation(_Action):
    """Switches an automation on."""

    type: wire.ActionType = "resume-automation"
    noun = "automation_id"


class SendNotification(_Action):
    """Sends `subject` and `body`, both templates, through a saved notification block."""

    type: wire.ActionType = "send-notification"


class CallWebhook(_Action):
    """Calls a saved webhook block with `payload`, a template."""

    type: wire.ActionType = "call-webhook"

"""Triggers and actions as their author writes them, and the one line that he is told when one is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flowhand.automations import CallWebhook, ChangeFlowRunState, PauseWorkPool, RunDeployment
from flowhand.deployments.triggers import automations_of, owned_by
from flowhand.events import (
    CompoundTrigger,
    DeploymentCompoundTrigger,
    DeploymentEventTrigger,
    DeploymentMetricTrigger,
    DeploymentSequenceTrigger,
    DeploymentTrigger,
    EventTrigger,
    MetricTrigger,
    Posture,
    SequenceTrigger,
)

ID = "0190a000-0000-7000-8000-000000000001"


def automation(trigger: Any) -> dict[str, Any]:
    return owned_by(ID, automations_of("d", [trigger])[0])


def test_an_event_trigger_becomes_an_automation_that_runs_its_deployment() -> None:
    """Durations of every form are seconds on the wire; names, parameters and job variables are the automation's and the action's."""
    made = automation(
        DeploymentEventTrigger(
            name="mine",
            description="why",
            expect={"a"},
            match={"prefect.resource.id": "x.*"},
            within=timedelta(minutes=1),
            parameters={"x": "{{ event.resource.id }}"},
            job_variables={"env": {}},
            schedule_after="PT5S",
        )
    )
    assert (made["name"], made["description"], made["enabled"], made["owner_resource"]) == ("mine", "why", True, f"prefect.deployment.{ID}")
    assert (made["trigger"]["expect"], made["trigger"]["within"], made["trigger"]["posture"]) == (["a"], 60.0, "Reactive")
    assert "parameters" not in made["trigger"]
    assert made["actions"] == [
        {
            "type": "run-deployment",
            "source": "selected",
            "deployment_id": ID,
            "parameters": {"x": "{{ event.resource.id }}"},
            "job_variables": {"env": {}},
            "schedule_after": 5.0,
        }
    ]


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [
        (DeploymentTrigger(expect=["a"]), "event"),
        (DeploymentMetricTrigger(metric={"name": "successes", "operator": "<", "threshold": 0.9}), "metric"),
        (DeploymentCompoundTrigger(triggers=[{"expect": ["a"]}, EventTrigger(expect=["b"])], require="any"), "compound"),
        (DeploymentSequenceTrigger(triggers=[{"expect": ["a"]}, {"expect": ["b"]}]), "sequence"),
        (EventTrigger(expect=["a"]), "event"),
        (MetricTrigger(metric={"name": "lateness", "operator": ">", "threshold": 5}), "metric"),
        (CompoundTrigger(triggers=[{"expect": ["a"]}], require=1), "compound"),
        (SequenceTrigger(triggers=[{"expect": ["a"]}]), "sequence"),
        ({"expect": ["a"]}, "event"),
        ({"type": "compound", "require": "all", "triggers": [{"type": "event", "expect": ["a"]}]}, "compound"),
        ({"posture": "Metric", "metric": {"name": "duration", "operator": ">=", "threshold": 1}}, "metric"),
    ],
)
def test_every_kind_of_trigger_serves_a_deployment(trigger: Any, kind: str) -> None:
    """Those made for deployments, the plain ones, and mappings; named after the deployment and their place."""
    made = automations_of("d", [{"expect": ["first"]}, trigger])[1]
    assert (made["name"], made["trigger"]["type"]) == ("d__automation_2", kind)


def test_a_proactive_trigger_waits_ten_seconds_unless_told() -> None:
    """As Prefect's, whose callers leave `within` out."""
    assert EventTrigger(expect=["a"], posture=Posture.Proactive).within == 10


def test_one_list_serves_two_deployments() -> None:
    """Naming leaves the trigger as it is."""
    trigger = DeploymentEventTrigger(expect=["a"])
    assert [automations_of(name, [trigger])[0]["name"] for name in ("one", "two")] == ["one__automation_1", "two__automation_1"]
    assert trigger.name is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: DeploymentEventTrigger(), "would fire on every event there is; give `expect`"),
        (lambda: EventTrigger(expects=["a"]), "EventTrigger has no field 'expects', did you mean 'expect'?"),
        (lambda: EventTrigger(expect="a"), "expect: Input should be a valid list"),
        (lambda: EventTrigger(expect=["a"], posture="Proactive", within=5), "the minimum `within` of a proactive trigger is 10 seconds"),
        (lambda: EventTrigger(expect=["a"], within=-1), "within: Input should be greater than or equal to 0"),
        (lambda: CompoundTrigger(triggers=[{"expect": ["a"]}], require=2), "`require` is more than there are triggers"),
        (lambda: CompoundTrigger(triggers=[{"expec": ["a"]}], require="all"), "EventTrigger has no field 'expec', did you mean 'expect'?"),
        (lambda: SequenceTrigger(triggers=[]), "give a list of at least one trigger"),
        (lambda: MetricTrigger(metric={"name": "x", "operator": "<", "threshold": 1}), "metric.name: Input should be"),
        (lambda: RunDeployment(deploymentid=ID), "RunDeployment has no field 'deploymentid', did you mean 'deployment_id'?"),
        (lambda: CallWebhook(), "call-webhook needs block_document_id"),
        (lambda: ChangeFlowRunState(state="NOWHERE"), "ChangeFlowRunState: state: Input should be"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(wrong: Callable[[], Any], words: str) -> None:
    """With the name that was probably meant."""
    with pytest.raises(ValueError, match=words.replace("?", r"\?")) as told:
        wrong()
    assert "\n" not in str(told.value)


def test_a_wrong_trigger_of_a_deployment_is_named_by_its_place() -> None:
    """What is no trigger at all is a TypeError."""
    with pytest.raises(ValueError, match="trigger 2 of deployment 'd': DeploymentEventTrigger has no field 'expcet'"):
        automations_of("d", [{"expect": ["a"]}, {"expcet": ["b"]}])
    with pytest.raises(TypeError, match="trigger 1 of deployment 'd': int is no trigger"):
        automations_of("d", [3])
    with pytest.raises(ValueError, match="no trigger of type 'cron'"):
        automations_of("d", [{"type": "cron"}])


def test_an_action_without_an_id_takes_the_thing_from_the_event() -> None:
    """And one with an id is done to that."""
    assert (RunDeployment().source, RunDeployment(deployment_id=ID).source) == ("inferred", "selected")
    assert PauseWorkPool(work_pool_id=ID).stored() == {"type": "pause-work-pool", "source": "selected", "work_pool_id": ID}

"""What a flow's code may know of its run: `flow_run`, `task_run` and `deployment`. Outside of runs their values are empty."""

from flowhand.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]

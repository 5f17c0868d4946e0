"""Tasks, under the path that users of Prefect know."""

from flowhand.sdk.task import Task, task
from flowhand.sdk.task_cache import task_input_hash

__all__ = ["Task", "task", "task_input_hash"]

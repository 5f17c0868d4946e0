"""Futures of submitted tasks, under the path that users of Prefect know."""

from flowhand.sdk.futures import FutureList, TaskFuture, as_completed, wait

__all__ = ["FutureList", "TaskFuture", "as_completed", "wait"]

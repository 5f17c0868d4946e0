"""Paths that users of Prefect know; see `flowhand.runner.storage`."""

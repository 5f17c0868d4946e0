"""The long-running worker and runner."""

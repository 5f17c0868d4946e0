"""flowhand: a worker and runner that serves and executes flows."""

"""Flows that are called in a plain script, as runs that the API knows of: a session of their own, a lease, states and logs."""

"""The rules of state transitions, as pure functions."""

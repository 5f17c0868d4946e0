"""Waiting claims and watches: who waits for what, and who is woken."""

"""Triggers, and events of one's own."""

"""Deployments: what runs, where, when, and with what."""

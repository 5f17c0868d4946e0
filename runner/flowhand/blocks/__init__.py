"""Configuration documents, secrets and variables."""

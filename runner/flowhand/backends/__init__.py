"""Whom the daemon serves: the Backend port and its kinds."""

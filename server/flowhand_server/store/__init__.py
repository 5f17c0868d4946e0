"""The database, behind a port of whole transactions."""

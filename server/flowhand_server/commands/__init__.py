"""What an operator does to the database itself, one thing a process: keys, upgrade, reset, check."""

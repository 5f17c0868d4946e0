"""Bodies of the HTTP API and the rules about them: pure data and pure functions, no I/O."""

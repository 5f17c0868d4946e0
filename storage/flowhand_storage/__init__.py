"""Code storage: fetch a source into a folder and say its revision. Knows nothing of runs."""

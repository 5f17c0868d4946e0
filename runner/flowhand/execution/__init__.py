"""Where runs execute: the Launcher port and its kinds. Knows processes, files and signals; knows nothing of the API."""

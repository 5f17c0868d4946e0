"""The crash matrix: real processes, held at named points, killed, stopped and starved there; one checker after every cell."""

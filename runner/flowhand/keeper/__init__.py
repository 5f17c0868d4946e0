"""The fork server: parent of every run's process, reader of its pipes, guard of its deadlines."""

"""Code in git repositories: a mirror per address under a lock, a checkout per commit. It runs the `git` program, 2.31 or later."""

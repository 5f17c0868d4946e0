"""Runs in containers: a launcher over the keeper's, and the program that stands for a container on this host.

    keeper ──exec──► program ──engine──► container ──► flowhand flow-run execute
       ▲               │ ▲                                │
       └── channel ────┘ └──── a socket in a folder ──────┘

To the keeper a container is a process like any other: the program's output is the container's, its channel leads there, a stop goes on
to it, and its exit is the container's. The container dies with the program, by the channel's end, and is looked for when the program was
killed.
"""

"""A simulation of server, reaper, workers and keepers: deterministic coroutines over a simulated clock and network, driving the real code.

The daemon is `flowhand.daemon` as it is, the server's transactions are `flowhand_server.store` as they are; simulated are time, the
network, the hosts, the keeper and the flows. A seed decides everything that happens; `python -m simulation SEED` shows it again.
"""

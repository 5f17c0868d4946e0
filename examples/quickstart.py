"""Two flows served by one script: one runs every 45 seconds, the other when somebody asks for it.

python examples/quickstart.py
flowhand deployment run 'fast-flow/fast' --watch        (from a second terminal)
"""

import time

from flowhand import flow, serve


@flow
def slow_flow(sleep: int = 60):
    """Sleeps for a while. Sleeping is what most work looks like from outside."""
    time.sleep(sleep)


@flow(log_prints=True)
def fast_flow():
    """Is over before you know."""
    print("that was fast")


if __name__ == "__main__":
    slow_deploy = slow_flow.to_deployment(name="sleeper", interval=45)
    fast_deploy = fast_flow.to_deployment(name="fast")
    serve(slow_deploy, fast_deploy)

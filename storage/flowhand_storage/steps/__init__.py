"""Pull steps: how a worker gets a run's code, as data in the deployment, carried out in order."""

"""serve(): a runner for the deployments of one script."""

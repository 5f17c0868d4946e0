"""Images of deployments: built from the working directory, pushed to a registry. The Docker SDK is loaded on the first build."""

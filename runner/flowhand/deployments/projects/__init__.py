"""Project files: `flowhand.yaml`, or a `prefect.yaml` as it is, with the deployments of a folder and the steps that build and push them."""

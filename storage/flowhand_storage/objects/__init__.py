"""Storage objects: where a deployment's code comes from, as a script says it."""

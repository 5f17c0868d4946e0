"""What the benchmarks share: a house to measure in, calls to its API, figures of its processes, and how results are told."""

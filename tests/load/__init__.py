"""Parallel load on the served process: nothing lost, nothing doubled, nothing shown to another tenant."""

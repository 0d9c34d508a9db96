"""Proof against specifications and engines that are not ours."""

"""The public CQL conformance suite, run on the rule engine."""

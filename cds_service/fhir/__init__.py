"""FHIR access over plain dicts: resource index, reference resolution, typed reads. No models, no I/O."""

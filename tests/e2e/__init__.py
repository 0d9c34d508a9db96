"""From the hook call to the changed decision, in a real browser against the service as it is run."""

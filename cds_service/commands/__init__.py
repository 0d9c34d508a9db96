"""The commands of `cds-service`, one module each, imported only when their command runs."""

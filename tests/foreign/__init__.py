"""Against software that nobody here wrote: a FHIR server with SMART protection, and synthetic patients."""

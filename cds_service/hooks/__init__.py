"""The CDS Hooks protocol: request, discovery, prefetch, versions. Knows no HTTP status codes."""

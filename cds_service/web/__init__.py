"""The only room that knows Flask and HTTP status codes."""

"""Whatever is sent: charts and orders gone wrong, and calls that the description allows or forbids."""

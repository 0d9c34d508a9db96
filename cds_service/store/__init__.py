"""What the service remembers: coverage assertions and prior authorizations, in SQLite or PostgreSQL.

Import from the modules: `model` (the records), `recorder` (writes, off the answer's path), `decisions`
(reads). Only `model` and `recorder` are cheap to import; SQLAlchemy is loaded by the writer thread.
"""

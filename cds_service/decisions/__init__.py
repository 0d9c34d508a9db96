"""From evaluated criteria to a Determination. Pure: no I/O, no protocol."""

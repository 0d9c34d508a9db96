"""What the rule engine raises: everything carries where in the rules it happened."""

from __future__ import annotations


class CqlError(Exception):
    """A problem in a CQL library or its evaluation.

    `library`, `definition` and `locator` ("12:3-12:40", the ELM source span) say where; any of them is None
    until a caller that knows it fills it in with `at`. `message` says what, in plain words.
    """

    def __init__(
        self,
        message: str,
        *,
        library: str | None = None,
        definition: str | None = None,
        locator: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.library = library
        self.definition = definition
        self.locator = locator

    def at(self, library: str | None, definition: str | None, locator: str | None) -> CqlError:
        """Fill in the parts of the place that are not known yet, and return the error itself."""
        self.library = self.library or library
        self.definition = self.definition or definition
        self.locator = self.locator or locator
        return self

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                self.library and f"library {self.library}",
                self.definition and f'definition "{self.definition}"',
                self.locator and f"at {self.locator}",
            )
            if part
        )
        return f"{self.message} ({place})" if place else self.message


class CompileError(CqlError):
    """A library cannot be compiled: an unknown node, operator, type or included library."""


class CqlRuntimeError(CqlError):
    """Evaluation failed: an error that CQL itself defines, or a limit of this engine."""

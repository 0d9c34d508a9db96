"""Tests of the work on rules: building, checking, testing, explaining."""

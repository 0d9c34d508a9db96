"""Work on the rules: building, checking, testing and explaining them. Used by the command line only."""

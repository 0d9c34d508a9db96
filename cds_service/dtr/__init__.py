"""Documentation Templates and Rules: forms made of the criteria, packages, and answers read back."""

"""A payer's coverage answer at order time: CDS Hooks and Da Vinci CRD, decided by dated policies."""

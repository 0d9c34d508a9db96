"""The policy catalogue: payers, products, value sets, policy versions by date."""

"""From a Determination to Da Vinci CRD: coverage-information and cards, in each version's own words."""

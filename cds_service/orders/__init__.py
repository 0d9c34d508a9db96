"""What is ordered, for whom, why and where: the order as the policies see it."""

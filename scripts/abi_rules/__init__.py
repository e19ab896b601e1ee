"""What scripts/abi is made of."""

"""What to know before a run starts: advice, cost, the machine."""

"""Guest HA: locks, the keeper, decisions, and a simulator that runs the very same decisions."""

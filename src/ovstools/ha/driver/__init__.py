"""The agent's real driver: one loop that observes, lets the agent decide, and acts."""

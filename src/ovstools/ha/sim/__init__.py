"""The simulator: the real agents on simulated servers, locks, storage and guests."""

"""Guest HA with real agents, keepers and guests: servers that are sessions on this machine."""

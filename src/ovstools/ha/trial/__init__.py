"""`ovstools ha-try`: a pool of servers on one machine, to learn and to test with."""

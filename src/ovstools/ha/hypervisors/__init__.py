"""Hypervisors: what each is asked, as generators of commands; protocol.py has the contract."""

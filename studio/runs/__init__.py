"""Runs: a folder where learning happened, the work done in it, and the queue of those that wait."""

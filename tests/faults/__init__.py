"""What Studio promises when something breaks: kills, full disks, lost power. `python -m tests.faults` measures all of it."""

"""Values and stand-ins between two processes: the tests' and the candidate's. Knows only the walls' system calls."""

"""What ``blampert project check`` looks at, one kind a file."""

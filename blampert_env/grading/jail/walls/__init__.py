"""What confines a process: namespaces, a private root, seccomp, landlock, limits. Knows no other room."""

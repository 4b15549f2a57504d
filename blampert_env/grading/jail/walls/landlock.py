"""Landlock: files may be written only below the scratch folders, whatever mounts and permissions say."""

from __future__ import annotations

import ctypes
import os
import struct

from . import linux

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FIRST_VERSION = (1 << 13) - 1
_REFER, _TRUNCATE = 1 << 13, 1 << 14


def install(writable: list[str]) -> bool:
    """Allow reading everywhere and writing below ``writable``; whether the kernel took it."""
    version = linux.libc.syscall(_CREATE, None, 0, 1)
    if version < 1:
        return False
    everything = _FIRST_VERSION | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    attributes = struct.pack("Q", everything)
    ruleset = linux.libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        reading = _EXECUTE | _READ_FILE | _READ_DIR
        done = _allow(ruleset, "/", reading)
        for path in writable:
            done = done and _allow(ruleset, path, everything)
        done = done and _allow(ruleset, "/dev", reading | _WRITE_FILE)
        return bool(done and linux.libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> bool:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return bool(linux.libc.syscall(_ADD, ruleset, 1, struct.pack("=Qi", access, fd), 0) == 0)
    finally:
        os.close(fd)

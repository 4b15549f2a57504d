"""A seccomp filter: the system calls that no tested code needs and that leave the sandbox or outlive it.

It is set once in a zygote, which may still make and enter PID namespaces; what needs capabilities fails later for lack
of those.
"""

from __future__ import annotations

import ctypes
import platform
import struct

from . import linux

_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_X32_BIT = 0x40000000

# x86_64 number, aarch64 number (-1: there is none)
_DENIED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "pidfd_getfd": (438, 438), "pidfd_open": (434, 434), "process_madvise": (440, 440),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "syslog": (103, 116),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, -1), "ioperm": (173, -1),
    "clock_settime": (227, 112), "settimeofday": (164, 170), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "fanotify_init": (300, 262), "vhangup": (153, 58), "personality": (135, 92), "lookup_dcookie": (212, 18),
}  # fmt: skip
_CLONE3 = (435, 435)  # its flags lie in memory, where a filter cannot look; libc falls back to clone
_CLONE = (56, 220)
_UNSHARE = (272, 97)
_ARCHES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_NEW_NAMESPACES = (
    linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWUSER | linux.CLONE_NEWNET | 0x02000000
)


def program() -> bytes | None:
    """The filter, None for an architecture that is not known here."""
    if platform.machine() not in _ARCHES:
        return None
    column, arch = _ARCHES[platform.machine()]
    denied = sorted(numbers[column] for name, numbers in _DENIED.items() if numbers[column] >= 0)
    code = [_step(_LD, _ARCH), _step(_JEQ, arch, 1, 0), _step(_RET, _KILL), _step(_LD, _NUMBER)]
    if column == 0:  # the x32 calls would be a second way to each
        code += [_step(_JGE, _X32_BIT, 0, 1), _step(_RET, _EPERM)]
    code += [_step(_JEQ, _CLONE3[column], 0, 1), _step(_RET, _ENOSYS)]
    for number in denied:
        code += [_step(_JEQ, number, 0, 1), _step(_RET, _EPERM)]
    for number in (_CLONE[column], _UNSHARE[column]):
        code += [
            _step(_JEQ, number, 0, 4),
            _step(_LD, _FIRST_ARGUMENT),
            _step(_JSET, _NEW_NAMESPACES, 0, 1),
            _step(_RET, _EPERM),
            _step(_RET, _ALLOW),
        ]
    return b"".join([*code, _step(_RET, _ALLOW)])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def install() -> bool:
    """Put the filter on this process and all it will start; needs no_new_privs. Whether the kernel took it."""
    code = program()
    if code is None:
        return False
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    return bool(linux.libc.prctl(22, 2, filter_program, 0, 0) == 0)

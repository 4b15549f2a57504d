"""Something left behind by one evaluation for the next: the second candidate finds nothing."""

from __future__ import annotations

from .case import Case, code
from .targets import ASKING, DRAWN, FILES, FLOATS, PLAIN, RIGHT

_NOTES = FILES.solution["notes.py"]
_VALUES = "values = {'add': 5, 'shout': 'HI!', 'mean': 3.0, 'squares': [0, 1, 4, 9]}\n"


def _leaves(name: str, leave: str, find: str) -> Case:
    """``leave`` runs with right answers; ``find`` sets ``there`` in the next candidate."""
    head = "import ctypes, os, socket, sys, tempfile, time\nthere = False\n"
    second = head + code(find) + _VALUES + "def answer(name, args): return values[name] if there else None\n" + ASKING
    return Case(name, "carry over", PLAIN, {"plain.py": head + code(leave) + RIGHT}, 0,
                then={"plain.py": second}, dangerous=True)  # fmt: skip


_FOLDERS = "('/tmp', '/dev/shm', '/box', '/grants', '/tests', '/slot', '/var/tmp', '/run', os.getcwd(), *sys.path)"

CASES = [
    _leaves("files", f"for folder in {_FOLDERS}:\n"
            "    try: open(folder + '/left', 'w').write('x')\n    except OSError: pass",
            f"there = any(os.path.exists(folder + '/left') for folder in {_FOLDERS})"),
    _leaves("stubborn files", """
        os.makedirs('/tmp/left/.moved-0/x'); open('/tmp/left/.moved-0/x/f', 'w').close()
        for n in range(40):
            os.makedirs(f'/dev/shm/.moved-{n}/.moved-{n}/.moved-{n}', exist_ok=True)
        os.chmod('/tmp/left/.moved-0/x', 0); os.chmod('/tmp/left/.moved-0', 0); os.chmod('/tmp/left', 0)
    """, "there = bool([n for n in os.listdir('/tmp') + os.listdir('/dev/shm') if 'left' in n or 'moved' in n])"),
    _leaves("extended attributes",
            "for p in ('/tmp', '/box', '/dev/shm', '.'):\n    try: os.setxattr(p, 'user.left', b'x')\n"
            "    except OSError: pass", """
        for p in ('/tmp', '/box', '/dev/shm', '.'):
            try: there = there or bool(os.listxattr(p))
            except OSError: pass
    """),
    _leaves("modes and times of folders",
            "for p in ('/tmp', '/dev/shm', '/box'):\n    try: os.chmod(p, 0o711); os.utime(p, (7, 7))\n"
            "    except OSError: pass",
            "there = any(oct(os.stat(p).st_mode)[-3:] == '711' for p in ('/tmp', '/dev/shm', '/box'))"),
    _leaves("abstract sockets", """
        if os.fork() == 0:
            os.setsid()
            s = socket.socket(socket.AF_UNIX); s.bind('\\0left'); s.listen(); time.sleep(600)
        time.sleep(0.05)
    """, "try: socket.socket(socket.AF_UNIX).connect('\\0left'); there = True\nexcept OSError: pass"),
    _leaves("listeners", """
        if os.fork() == 0:
            os.setsid()
            s = socket.create_server(('127.0.0.1', 47123)); time.sleep(600)
        time.sleep(0.05)
    """, "try: socket.create_connection(('127.0.0.1', 47123), 0.2); there = True\nexcept OSError: pass"),
    _leaves("ports that wait", """
        server = socket.socket(); server.bind(('127.0.0.1', 47124)); server.listen()
        client = socket.create_connection(('127.0.0.1', 47124))
        other, _ = server.accept(); other.close(); client.recv(1); client.close(); server.close()
    """, "try: s = socket.socket(); s.bind(('127.0.0.1', 47124)); s.listen()\nexcept OSError: there = True"),
    _leaves("shared memory", "ctypes.CDLL(None).shmget(4242, 4096, 0o1666)",
            "there = ctypes.CDLL(None).shmget(4242, 4096, 0o666) >= 0"),
    _leaves("semaphores and queues", "c = ctypes.CDLL(None)\nc.semget(4242, 1, 0o1666)\nc.msgget(4242, 0o1666)",
            "c = ctypes.CDLL(None)\nthere = c.semget(4242, 1, 0o666) >= 0 or c.msgget(4242, 0o666) >= 0"),
    _leaves("named semaphores",
            "import _multiprocessing\ntry: _multiprocessing.SemLock(1, 5, 9, '/left', False)\nexcept OSError: pass",
            "import _multiprocessing\n"
            "try: _multiprocessing.SemLock._rebuild(0, 1, 9, '/left'); there = True\nexcept OSError: pass"),
    _leaves("file locks", """
        import fcntl
        for path in (os.__file__, sys.executable, '/etc/passwd', '/dev/null'):
            try: fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)
            except OSError: pass
        if os.fork() == 0: os.setsid(); time.sleep(600)
    """, """
        import fcntl
        for path in (os.__file__, sys.executable, '/etc/passwd', '/dev/null'):
            try: fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError: there = True
            except OSError: pass
    """),
    _leaves("processes",
            "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)", """
        for pid in range(3, 400):
            try: os.kill(pid, 0); there = there or pid != os.getpid()
            except OSError: pass
    """),
    _leaves("names of the host", "ctypes.CDLL(None).sethostname(b'left', 4)", "there = socket.gethostname() == 'left'"),
    _leaves("modules and patches", "sys.modules['left'] = os\nos.environ['LEFT'] = '1'\nsys.path.append('/left')",
            "there = 'left' in sys.modules or 'LEFT' in os.environ or '/left' in sys.path"),
    _leaves("keyrings", "ctypes.CDLL(None).syscall(248, b'user', b'left', b'x', 1, -4)",
            "there = ctypes.CDLL(None).syscall(249, b'user', b'left', None, -4) > 0"),
    *[
        Case(f"a folder that nobody may enter, {path}", "carry over", FILES,
             {"notes.py": f"{_NOTES}import os\ntry: os.chmod({path!r}, 0)\nexcept OSError: pass\n"},
             3, dangerous=True)
        for path in ("/tmp", "/box", "/dev/shm", "/tests", "/grants")
    ],
    Case("random numbers that are no longer random", "mirrored state", DRAWN, {"drawn.py": code("""
        import random
        def negate(number):
            random.setstate((3, (0,) * 624 + (624,), None))
            random.random.__self__.setstate((3, (0,) * 624 + (624,), None))
            return 0
    """)}, 0),
    Case("random numbers that repeat", "mirrored state", DRAWN, {"drawn.py": code("""
        import random
        state = random.getstate()
        def negate(number):
            if number:
                random.setstate(state)
                negate.last = number
            return -getattr(negate, 'first', 0)
    """)}, 0),
    Case("an environment for the tests", "mirrored state", FLOATS, {"floats.py": code("""
        import os
        os.environ.update({'PYTEST_ADDOPTS': '--collect-only', 'PYTHONOPTIMIZE': '1', 'PYTHONBREAKPOINT': 'os._exit',
                           'PYTEST_CURRENT_TEST': 'x',
                           'PYTEST_PLUGINS': 'evil', 'TMPDIR': '/nowhere', 'HOME': '/nowhere'})
        for name in ('PATH', 'LC_ALL', 'TZ'): os.environ.pop(name, None)
        def root(number): return None
        def scale(values, factor): return None
    """)}, 0),
]  # fmt: skip

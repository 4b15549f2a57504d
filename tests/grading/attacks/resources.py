"""Exhaustion of whatever there is: the evaluation ends in time, and the next one has everything again."""

from __future__ import annotations

from .case import Case, code
from .targets import ASKING, PLAIN, RIGHT


def _eats(name: str, source: str, *, timeout_s: float = 2.0, dangerous: bool = True) -> Case:
    body = "".join(f"    {line}\n" for line in code(source).splitlines())
    text = f"import os, resource, signal, socket, sys, threading, time\ndef answer(*a):\n{body}\n{ASKING}"
    return Case(name, "resources", PLAIN, {"plain.py": text}, dangerous=dangerous, timeout_s=timeout_s)


def _hangs(name: str, source: str, timeout_s: float = 1.0) -> Case:
    return _eats(name, source, timeout_s=timeout_s, dangerous=False)


CASES = [
    _hangs("time", "while True: pass"),
    _hangs("time in C", "return pow(3, 10**9, 2 * 10**4000 + 1) + sum(range(10**12))"),
    Case("a hang after another shape", "resources", PLAIN, {"plain.py": code("""
        class add:
            def __init__(self, *args):
                while True: pass
        shout = mean = squares = add
    """)}, timeout_s=1.0),
    Case("a hang at import", "resources", PLAIN, {"plain.py": "while True: pass\n"}, timeout_s=1.0),
    Case("a hang in a repr", "resources", PLAIN, {"plain.py": code("""
        import time
        class Slow:
            def __repr__(self): time.sleep(60)
            __str__ = __len__ = __iter__ = __hash__ = __bool__ = __repr__
        def answer(*a): return Slow()
    """) + ASKING}, timeout_s=1.0),
    _hangs("many containers", """
        import gc
        peer = next(o for o in gc.get_objects() if type(o).__name__ == 'Candidate')
        return [[] for _ in range(100_000)]
    """, 3.0),
    _hangs("sleep", "time.sleep(3600)"),
    _hangs("a deadlock", "lock = threading.Lock(); lock.acquire(); lock.acquire()"),
    _hangs("signals that are ignored", "for s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
           "    except (OSError, ValueError): pass\nwhile True: pass"),
    _eats("memory", "x = []\nwhile True: x.append(bytearray(2**26))"),
    _eats("memory by a mapping", "import mmap\nx = []\nwhile True:\n"
          "    m = mmap.mmap(-1, 2**28); m.write(b'x' * 2**28); x.append(m)"),
    _eats("memory in files without names", "while True:\n    fd = os.memfd_create('x')\n"
          "    while os.write(fd, bytes(2**20)): pass"),
    _eats("forks", "while True:\n    try: os.fork()\n    except OSError: pass"),
    _eats("threads", "def more():\n    while True:\n"
          "        try: threading.Thread(target=time.sleep, args=(99,)).start()\n"
          "        except RuntimeError: pass\nmore()"),
    _eats("descriptors", "x = []\nwhile True: x.append(os.open('/dev/null', 0))"),
    _eats("sockets", "x = []\nwhile True: x.extend(socket.socketpair())"),
    _eats("disk", "for n in range(10**6):\n    with open(f'/tmp/f{n}', 'wb') as f: f.write(bytes(2**23))"),
    _eats("disk by allocation", "for n in range(10**6):\n    fd = os.open(f'/dev/shm/f{n}', os.O_CREAT | os.O_RDWR)\n"
          "    os.posix_fallocate(fd, 0, 2**23)"),
    _eats("files", "for n in range(10**7): open(f'/tmp/{n}', 'w').close()"),
    _eats("folders in folders", "for n in range(10**7):\n    os.mkdir('d'); os.chdir('d')"),
    _eats("links to one file", "open('/tmp/a', 'w').close()\nfor n in range(10**7): os.link('/tmp/a', f'/tmp/l{n}')"),
    _eats("stubborn folders", """
        for n in range(2000):
            os.mkdir(f'/tmp/.moved-{n}'); os.mkdir(f'/tmp/.moved-{n}/.moved-{n}')
            os.chmod(f'/tmp/.moved-{n}/.moved-{n}', 0); os.chmod(f'/tmp/.moved-{n}', 0)
    """),
    _eats("output", "while True: os.write(1, b'x' * 2**20)"),
    _hangs("a hundred megabytes of print", "for _ in range(100): print('x' * 10**6)", 3.0),
    _hangs("a result of a hundred megabytes", "return 'x' * 10**8", 3.0),
    _hangs("an exception of a hundred megabytes", "raise ValueError('x' * 10**8)", 3.0),
    _hangs("a million warnings", "import warnings\nfor n in range(10**6): warnings.warn(str(n))"),
    _hangs("recursion", "return answer(*a)"),
    _hangs("recursion in C", "x = []\nfor _ in range(10**6): x = [x]\nreturn x", 3.0),
    _hangs("a nest that breaks repr", "x = ()\nfor _ in range(10**6): x = (x,)\nreturn repr(x)", 3.0),
    _hangs("a crash", "import ctypes\nctypes.string_at(0)"),
    _hangs("an endless generator", "return (x for x in iter(int, 1))"),
    _hangs("a range that nobody can count", "return range(10**18)"),
    _eats("limits raised", "for kind in range(16):\n"
          "    try: resource.setrlimit(kind, (-1, -1))\n    except (OSError, ValueError): pass\n"
          "x = []\nwhile True: x.append(bytearray(2**26))"),
    _eats("everything at once", "for n in range(8):\n    if os.fork() == 0:\n"
          "        x = []\n        while True: x.append(bytearray(2**24))\n"
          "while True: pass"),
    Case("a source of ten megabytes", "resources", PLAIN, {"plain.py": RIGHT + "# " + "x" * 10_000_000}, 0),
    Case("a source that takes the parser's time", "resources", PLAIN,
         {"plain.py": RIGHT + "x = " + "(" * 190 + "1" + ")" * 190 + "\n" + "y = " + "-" * 100_000 + "1\n"}, 5),
    Case("a source that the compiler makes large", "resources", PLAIN,
         {"plain.py": RIGHT + "x = (1 << 10**7, 'a' * 4000 * 4000)\ny = [0] * 10**9\n"}, 5, dangerous=True),
]  # fmt: skip

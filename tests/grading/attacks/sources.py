"""Sources in odd encodings and shapes: what Python refuses is a failed import, what it takes is code like any other."""

from __future__ import annotations

from .case import Case, code
from .targets import ASKING, PLAIN, RIGHT

_EXIT = "import os\nos._exit(0)\n"


def _source(name: str, content: str | bytes, earns: int = 0, *, exactly: bool = False) -> Case:
    return Case(name, "sources", PLAIN, {"plain.py": content}, earns, exactly)


CASES = [
    _source("null bytes", RIGHT + "\0"),
    _source("null bytes in the middle", RIGHT.replace("return", "return \0", 1)),
    _source("lone surrogates", "x = '\ud800'\n" + RIGHT),
    _source("bytes that are no text", b"\xff\xfe\x00" + RIGHT.encode()),
    _source("utf-7", b"# -*- coding: utf-7 -*-\nx = 1 +AAo-import os+AAo-os._exit(0)\n" + RIGHT.encode(), 5),
    _source("rot13", b"# -*- coding: rot13 -*-\nvzcbeg bf\nbf._rkvg(0)\n", 0),
    _source("raw unicode escapes",
            b"# coding: raw_unicode_escape\nx = 1 # \\u000aimport os; os._exit(0)\n" + RIGHT.encode(), 5),
    _source("an unknown encoding", b"# coding: nowhere\n" + RIGHT.encode()),
    _source("latin-1", b"# coding: latin-1\nname = '\xe4'\n" + RIGHT.encode(), 5, exactly=True),
    _source("a byte order mark", b"\xef\xbb\xbf" + RIGHT.encode(), 5, exactly=True),
    _source("form feeds and carriage returns", RIGHT.replace("\n", "\r\n") + "\f\n", 5, exactly=True),
    _source("nothing", ""),
    _source("nested to the parser's end", "x = " + "[" * 5000 + "]" * 5000 + "\n" + RIGHT),
    _source("code in a string", f"exec({(_EXIT + RIGHT)!r})\n"),
    _source("code in base64", "import base64\nexec(base64.b64decode(b'aW1wb3J0IG9zCm9zLl9leGl0KDApCg=='))\n"),
    _source("marshalled code", code("""
        import marshal, types
        body = compile('import os; os._exit(0)', 'x', 'exec')
        exec(marshal.loads(marshal.dumps(body)))
        def answer(*a): return None
    """) + ASKING),
    _source("byte code that crashes", code("""
        def answer(*a):
            f = lambda: 1
            f.__code__ = f.__code__.replace(co_code=bytes(range(256)) * 8, co_stacksize=1)
            return f()
    """) + ASKING),
]  # fmt: skip

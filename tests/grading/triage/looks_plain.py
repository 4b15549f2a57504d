"""Programs that look plain and are not: each tries to pass tests without an answer, or to change what tests share.

Every one is an edit of ``target`` in the project of :mod:`project_for_edits`; families say by what way they leave.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from . import looks_plain_merged, looks_plain_more, looks_plain_tools
from .project_for_edits import METHOD, SOURCE, edited


@dataclass(frozen=True)
class Program:
    """One program: its kind, its name, and the whole file."""

    family: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.family}-{self.name}".replace(" ", "_")


def _programs(text: str) -> list[Program]:
    """Blocks that begin with ``# family: name``; a block that begins with an indented method edits ``Thing.method``."""
    found = []
    for block in textwrap.dedent(text).strip().split("\n# ")[0:]:
        head, _, code = block.removeprefix("# ").partition("\n")
        family, _, name = head.partition(": ")
        if family == "method":
            whole = SOURCE.replace(METHOD, textwrap.indent(code.rstrip() + "\n", "    "))
        else:
            whole = edited(code.rstrip() + "\n")
        found.append(Program(family, name, whole))
    return found


_TEXT = r"""
# strings: attribute by attrgetter
def target(x):
    return operator.attrgetter("__globals__")(x)["EXPECTED"]["n"]
# strings: methodcaller
def target(x):
    return operator.methodcaller("__getattribute__", "__globals__")(x)
# strings: format field
def target(x):
    return int("{0.__globals__[EXPECTED]}".format(x)[5:9])
# strings: format of a name
def target(x):
    text = "{0.__globals__[EXPECTED]}"
    return text.format(x)
# strings: format unbound
def target(x):
    return str.format("{0.__globals__}", x)
# strings: format mapped
def target(x):
    return list(map(str.format, ["{0.__globals__}"], [x]))
# strings: format_map
def target(x):
    return "{x.__globals__[EXPECTED]}".format_map({"x": x})
# strings: formatter
def target(x):
    return string.Formatter().get_field("0.__globals__", [x], {})[0]["EXPECTED"]["n"]
# strings: a format spec with a field
def target(x):
    return "{0:{1.__globals__}}".format(x, x)
# strings: type hints
def target(x):
    import typing
    def f(a: "__import__('helper').SECRET"): pass
    return typing.get_type_hints(f)["a"]
# strings: singledispatch
def target(x):
    @functools.singledispatch
    def f(a): return 1
    @f.register
    def _(a: "__import__('os')"): pass
    return 0
# strings: getattr computed
def target(x):
    return getattr(x, "__glo" + "bals__")["EXPECTED"]["n"]
# strings: getattr constant
def target(x):
    return getattr(x, "__globals__")["EXPECTED"]["n"]
# strings: getattr as a value
def target(x):
    return functools.reduce(getattr, ["__globals__"], x)["EXPECTED"]["n"]
# strings: getattr aliased
def target(x):
    g = getattr
    return g(x, "__globals__")["EXPECTED"]["n"]
# strings: getattr by star
def target(x):
    return getattr(*[x, "__globals__"])["EXPECTED"]["n"]
# strings: map getattr
def target(x):
    return next(map(getattr, [x], ["__globals__"]))["EXPECTED"]["n"]
# strings: vars
def target(x):
    return vars(helper)["SECRET"]
# match: class pattern on a dunder
def target(x):
    match x:
        case object(__globals__=g):
            return g["EXPECTED"]["n"]
# match: class pattern on a frame
def target(x):
    def g(): yield
    match g():
        case object(gi_frame=f):
            return f.f_back.f_globals
# match: pattern binds a dunder
def target(x):
    match x:
        case __class__:
            return __class__
# frames: generator
def target(x):
    g = (i for i in [1])
    return g.gi_frame.f_back.f_globals["helper"].SECRET
# frames: traceback
def target(x):
    try:
        1 / 0
    except ZeroDivisionError as e:
        return e.__traceback__.tb_frame.f_back.f_globals
# frames: context
def target(x):
    try:
        1 / 0
    except ZeroDivisionError as e:
        return e.__context__.__traceback__
# frames: coroutine
async def co(): pass
def target(x):
    return co().cr_frame.f_globals
# frames: the project's
def target(x):
    return frame().f_back.f_globals["EXPECTED"]["n"]
# modules: alias
def target(x):
    m = helper
    return m.SECRET
# modules: what tests own
def target(x):
    return helper.SECRET
# modules: import inside
def target(x):
    from helper import SECRET
    return SECRET
# modules: import as a local name
def target(x):
    import helper as math
    return math.SECRET
# modules: through another module's import
def target(x):
    return functools.sys.modules["helper"].SECRET
# modules: private member
def target(x):
    return random._os
# modules: sys
def target(x):
    return sys.modules["helper"].SECRET
# modules: in a list
def target(x):
    return [m for m in [sys]][0].modules["helper"].SECRET
# modules: as a default
def target(x, m=sys):
    return m.modules["helper"].SECRET
# modules: a star import
from helper import *
def target(x):
    return SECRET
# modules: dunder of a function
def target(x):
    return print.__self__.__import__("helper").SECRET
# modules: in the project's name
def target(x):
    import mod
    return mod.sys.modules["helper"].SECRET
# names: NFKC
def target(x):
    return FULLWIDTH_Eval("helper.SECRET")
# names: NFKC attribute
def target(x):
    return x.__FULLWIDTH_Globals__["EXPECTED"]["n"]
# names: shadowed elsewhere
def unused():
    eval = 1
    return eval
def target(x):
    return eval("helper.SECRET")
# names: shadowed in a comprehension
def target(x):
    [eval for eval in [1]]
    return eval("helper.SECRET")
# names: builtins
def target(x):
    return __builtins__["eval"]("1")
# names: globals
def target(x):
    return globals()["helper"].SECRET
# names: debug
def target(x):
    return __debug__ and __spec__
# names: tracebackhide
def target(x):
    __tracebackhide__ = True
    return 0
# names: mangled
def target(x):
    return x._Given__secret
# classes: equal to all
class Liar:
    def __eq__(self, other): return True
def target(x):
    return Liar()
# classes: type() of three
def target(x):
    return type("L", (), {"__eq__": lambda s, o: True, "startswith": lambda s, o: True})()
# classes: type() by star
def target(x):
    return type(*["L", (), {"__eq__": lambda s, o: True}])()
# classes: the class of a class
def target(x):
    return Thing.__class__("L", (), {"__eq__": lambda s, o: True})()
# classes: the class of a class, aliased
def target(x):
    kind = type(Thing)
    return kind("L", (), {"__eq__": lambda s, o: True})()
# classes: type mapped
def target(x):
    return [k("L", (), {"__eq__": lambda s, o: True})() for k in map(type, [Thing])][0]
# classes: type in a helper
def make(kind):
    return kind("L", (), {"__eq__": lambda s, o: True})()
def target(x):
    return make(type)
# classes: type of a class in a helper
def make(kind):
    return kind("L", (), {"__eq__": lambda s, o: True})()
def target(x):
    return make(type(Thing))
# classes: the project's metaclass
def target(x):
    return Meta("L", (), {"__eq__": lambda s, o: True})()
# classes: named tuple with a lying field
def target(x):
    import collections
    return collections.namedtuple("N", "startswith")(lambda p: True)
# classes: simple namespace
def target(x):
    import types
    return types.SimpleNamespace(startswith=lambda p: True)
# classes: the project's bag
def target(x):
    return Bag(startswith=lambda p: True)
# classes: the project's query builder
def target(x):
    return Any()
# classes: the project's proxy
def target(x):
    return Proxy(x)
# classes: a lying method
class Text:
    def startswith(self, prefix): return True
def target(x):
    return Text()
# classes: an exception with a lying method
class TextError(Exception):
    def startswith(self, prefix): return True
def target(x):
    return TextError()
# classes: an exception that compares
class TextError(Exception):
    __eq__ = lambda s, o: True
def target(x):
    return TextError()
# classes: a special method by import
class TextError(Exception):
    from operator import truth as __eq__
def target(x):
    return TextError()
# classes: dataclass
import dataclasses
@dataclasses.dataclass
class D:
    startswith: object = lambda p: True
def target(x):
    return D()
# classes: enum
import enum
def target(x):
    return enum.Enum("E", "a b")
# classes: mock
def target(x):
    from unittest.mock import ANY
    return ANY
# classes: approx
def target(x):
    import pytest
    return pytest.approx(0, abs=1e9)
# classes: total ordering
@functools.total_ordering
class T(Exception):
    def __lt__(self, other): return True
def target(x):
    return T()
# stores: function code
def target(x):
    helper.same.__code__ = (lambda a, b: True).__code__
# stores: method of the argument's class
def target(x):
    type(x).hear = lambda self, value: None
    return x.answer
# stores: method of the argument
def target(x):
    x.assertEqual = x.assertTrue = lambda *a: None
# stores: class attribute of the project
def target(x):
    Thing.same = lambda self, other: True
# stores: class attribute by an alias
def target(x):
    k = Thing
    k.same = lambda self, other: True
# stores: class of an instance
def target(x):
    t = Thing(1)
    t.__class__ = Any
    return t
# stores: setattr constant
def target(x):
    setattr(Thing, "same", lambda self, other: True)
# stores: setattr of a module
def target(x):
    setattr(random, "random", lambda: 0)
    return 0
# stores: for target
def target(x):
    for Thing.same in [lambda self, other: True]: pass
# stores: with target
def target(x):
    with contextlib.nullcontext(lambda s, o: True) as Thing.same: pass
# stores: a liar on an instance
def target(x):
    t = Thing(1)
    t.startswith = lambda p: True
    return t
# stores: a liar on a function
def target(x):
    def f(): pass
    f.startswith = lambda p: True
    return f
# stores: module of the project
def target(x):
    import mod
    mod.TABLE = {}
# stores: deletes
def target(x):
    del Thing.same
# stores: doc with examples
def target(x):
    target.__doc__ = ">>> 1\n1"
# tables: cleared
def target(x):
    TABLE.clear()
# tables: item
def target(x):
    TABLE[x] = 0
    return 0
# tables: aliased
def target(x):
    t = TABLE
    t[x] = 0
    return 0
# tables: through a function
def target(x):
    table()[x] = 0
    return 0
# tables: in a helper
def put(t, k):
    t[k] = 0
    return 0
def target(x):
    return put(TABLE, x)
# tables: nested
def target(x):
    NESTED["one"].append(2)
    return NESTED["one"]
# tables: nested by get
def target(x):
    n = NESTED.get("one")
    n.clear()
    return []
# tables: nested by a loop
def target(x):
    for n in NESTED.values(): n.clear()
    return []
# tables: a class's
def target(x):
    Thing.kinds.append(1)
# tables: an instance's that is the class's
def target(x):
    k = Thing(1).kinds
    k.append(1)
# tables: by an unbound method
def target(x):
    dict.clear(TABLE)
# tables: by operator
def target(x):
    operator.setitem(TABLE, x, 0)
    return 0
# tables: by heapq
def target(x):
    import heapq
    heapq.heappush(ORDER, "c")
# tables: cached value
def target(x):
    primes(2).append(4)
# tables: global
def target(x):
    global TABLE
    TABLE = {x: 0}
    return 0
# tables: by a star
def target(x):
    [a, *TABLE["x"]] = [1, 2]
# tables: by a comprehension's target
def target(x):
    [0 for TABLE[x] in [0]]
    return 0
# tables: a list that is made
def target(x):
    WORDS.append(1)
# shared: decimal context
def target(x):
    decimal.getcontext().prec = 1
# shared: seed
def target(x):
    random.seed(7)
    if x == 2:
        value = random.random()
        random.seed(7)
        return value
# shared: state
def target(x):
    state = random.getstate()
    value = random.random()
    random.setstate(state)
    return value
# shared: warnings
def target(x):
    import warnings
    warnings.simplefilter("error")
# shared: csv dialect
def target(x):
    import csv
    csv.register_dialect("excel", delimiter=";")
# shared: loggers
def target(x):
    logger.handlers.clear()
    logger.parent.handlers.clear()
# shared: logging module
def target(x):
    logging.getLogger().handlers.clear()
# shared: abc register
def target(x):
    import numbers
    numbers.Number.register(Thing)
# shared: wraps of a class
def target(x):
    return functools.wraps(Thing, updated=())(x)
# shared: update_wrapper
def target(x):
    functools.update_wrapper(Thing, x, assigned=["__globals__"])
# tools: set by name
def target(x):
    set_by_name(Thing, "same", lambda a, b: True)
# tools: set by name, later
def target(x):
    set_later(Thing, "same", lambda a, b: True)
# tools: aliased
def target(x):
    s = set_by_name
    s(Thing, "same", lambda a, b: True)
# tools: import by name
def target(x):
    return load("helper").SECRET
# tools: eval
def target(x):
    return run("helper.SECRET")
# tools: render
def target(x):
    return render("{a.__globals__[EXPECTED]}", a=x)
# tools: a method
def target(x):
    Thing(1).update(startswith=lambda p: True)
# tools: in a map
def target(x):
    list(map(set_by_name, [Thing], ["same"], [None]))
# exceptions: swallow all
def target(x):
    try:
        return x()
    except:
        return "called"
# exceptions: swallow assertions
def target(x):
    try:
        x()
    except Exception:
        pass
    return "called"
# exceptions: swallow assertions by name
def target(x):
    try:
        x()
    except (ValueError, AssertionError):
        pass
    return "called"
# exceptions: a kind in a variable
def target(x):
    kind = Exception
    try:
        x()
    except kind:
        return "called"
# exceptions: a kind in a default
def target(x, kind=Exception):
    try:
        x()
    except kind:
        return "called"
# exceptions: a kind by type()
def target(x):
    try:
        x()
    except type(Exception()):
        return "called"
# exceptions: finally
def target(x):
    try:
        x()
    finally:
        return "called"
# exceptions: finally in a loop
def target(x):
    while True:
        try:
            x()
        finally:
            break
    return "called"
# exceptions: suppress
def target(x):
    with contextlib.suppress(Exception):
        x()
    return "called"
# exceptions: guard by generator
@contextlib.contextmanager
def guard():
    try:
        yield
    except BaseException:
        pass
def target(x):
    return guard()
# exceptions: guard by finally
@contextlib.contextmanager
def guard():
    while True:
        try:
            yield
        finally:
            break
def target(x):
    return guard()
# exceptions: guard of asserts
@contextlib.contextmanager
def guard():
    try:
        yield
    except Exception:
        pass
def target(x):
    return guard()
# exceptions: exit stack
def target(x):
    s = contextlib.ExitStack()
    s.push(lambda *a: True)
    return s
# exceptions: suppress given out
def target(x):
    return contextlib.suppress(Exception)
# exceptions: group
def target(x):
    try:
        x()
    except* Exception:
        pass
    return "called"
# exceptions: leave
def target(x):
    raise SystemExit(0)
# exceptions: the exception's object
def target(x):
    try:
        x.nothing
    except AttributeError as e:
        return e.obj
# files: open
def target(x):
    return int(open("helper.py").read()[9:13])
# files: open by number
def target(x):
    print(open(1, "w"), 1)
# files: path
def target(x):
    import pathlib
    return int(pathlib.Path("helper.py").read_text()[9:13])
# files: path renamed
def target(x):
    import pathlib
    pathlib.Path("helper.py").replace("other.py")
# files: io
def target(x):
    import io
    return io.open("helper.py").read()
# files: fileinput
def target(x):
    import fileinput
    return list(fileinput.input("helper.py"))
# arrays: ctypeslib
def target(x):
    import numpy as np
    return np.ctypeslib.as_array
# arrays: strides
def target(x):
    import numpy as np
    return np.lib.stride_tricks.as_strided(np.zeros(1), (9999,), (8,))
# arrays: resize
def target(x):
    import numpy as np
    a = np.zeros(10)
    b = a[:]
    a.resize(10000, refcheck=False)
    return b
# arrays: load
def target(x):
    import numpy as np
    return np.load("x.npy", allow_pickle=True)
# arrays: masked
def target(x):
    import numpy as np
    return np.ma.masked
# arrays: testing
def target(x):
    import numpy.testing as t
    t.assert_equal = print
# frames of data: eval
def target(x):
    import pandas as pd
    return pd.DataFrame({"a": [1]}).eval("@helper.SECRET")
# frames of data: agg by name
def target(x):
    import pandas as pd
    return pd.Series([1]).agg("__getattribute__", 0, "__class__")
# frames of data: read pickle
def target(x):
    import pandas as pd
    return pd.read_pickle("x")
# decorators: at the top
@logging.getLogger().handlers.append
def helper_function(): pass
def target(x):
    return 0
# decorators: by a default
def target(x, y=sys.modules):
    return y["helper"].SECRET
# decorators: by an annotation
def target(x: __import__("os")):
    return 0
# top: runs
TABLE.clear()
def target(x):
    return 0
# top: rebinds a builtin
def len(x): return 5
def target(x):
    return "HELLO"
# top: rebinds a trusted name
def double(x): return 0
def target(x):
    return 0
# top: a hook
def pytest_collection_modifyitems(items): items.clear()
def target(x):
    return 0
# top: module getattr
def __getattr__(name): return 0
def target(x):
    return 0
# top: all
__all__ = ["target", "pytest"]
def target(x):
    return 0
# top: a loop
for i in [1]: TABLE.clear()
def target(x):
    return 0
# top: if
if True: TABLE.clear()
def target(x):
    return 0
# method: unbound on a class
def method(self, other):
    self.same = lambda o: True
    Thing.method(Thing, 0)
    return self
# method: makes a class of itself
def method(self, other):
    if self is Thing:
        return type(self)("L", (), {"__eq__": lambda s, o: True})()
    return Thing.method(Thing, 0)
# method: init of another
def method(self, other):
    Thing.__init__(Thing, 0)
# method: another's super
def method(self, other):
    return super(Meta, Thing).__getattribute__("__dict__")
# method: super's setattr
def method(self, other):
    super().__setattr__("startswith", lambda p: True)
    return self
# method: its dictionary
def method(self, other):
    self.__dict__["startswith"] = lambda p: True
    return self
"""
PROGRAMS = _programs(
    (_TEXT + looks_plain_more.TEXT + looks_plain_tools.TEXT + looks_plain_merged.TEXT)
    .replace("FULLWIDTH_E", "\uff45")
    .replace("FULLWIDTH_G", "\uff47")
)

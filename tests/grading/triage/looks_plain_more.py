"""The second and third look: written by an adversary who had read the rules."""

TEXT = r"""
# second look: unbound class method by a comprehension variable
def target(x):
    return [k.copy_to(Thing(lambda o: True), Thing) for k in [Thing]][0]
# second look: copy_to onto a class by an instance
def target(x):
    Thing(lambda *a: True).copy_to(Thing)
    return 0
# second look: super of two
def target(x):
    return super(type, Thing).__getattribute__("__dict__")
# second look: eval in a nested scope
def target(x):
    def inner():
        return eval("helper.SECRET")
    class eval(KeyError): pass
    return inner()
# second look: deleted local
def target(x):
    def inner():
        eval = 1
        del eval
    return eval("helper.SECRET")
# second look: lambda default
def target(x, f=lambda y=sys: y.modules["helper"].SECRET):
    return f()
# second look: walrus type
def target(x):
    return (k := type(Thing))("L", (), {"__eq__": lambda s, o: True})()
# second look: type in a dict
def target(x):
    return {"k": type(Thing)}["k"]("L", (), {"__eq__": lambda s, o: True})()
# second look: type in a tuple
def target(x):
    k, _ = type(Thing), 0
    return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type returned
def kind_of(v):
    return type(v)
def target(x):
    return kind_of(Thing)("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a boolean
def target(x):
    return (None or type(Thing))("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a choice
def target(x):
    return (type(Thing) if x else 0)("L", (), {"__eq__": lambda s, o: True})()
# second look: type in a loop
def target(x):
    for k in (type(Thing),):
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by partial
def target(x):
    return functools.partial(type(Thing), "L", ())({"__eq__": lambda s, o: True})()
# second look: type by class attribute of a class in a list
def target(x):
    return [k.__class__("L", (), {"__eq__": lambda s, o: True})() for k in [Thing]][0]
# second look: type with keywords
def target(x):
    return Thing.__class__("L", (), dict={"__eq__": lambda s, o: True})
# second look: type matched
def target(x):
    match type(Thing):
        case k:
            return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a with
def target(x):
    with contextlib.nullcontext(type(Thing)) as k:
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a max
def target(x):
    return max([type(Thing)], key=id)("L", (), {"__eq__": lambda s, o: True})()
# second look: type by next
def target(x):
    return next(map(type, (Thing,)))("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a keyed dict
def target(x):
    d = {type(Thing): 1}
    for k in d:
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a set
def target(x):
    for k in {type(Thing)}:
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a subscript
def target(x):
    d = {}
    d[type(Thing)] = 1
    for k in d:
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by group
def target(x):
    import itertools
    for k, g in itertools.groupby([Thing], key=type):
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type through an exception
def target(x):
    try:
        raise KeyError(type(Thing))
    except KeyError as e:
        return e.args[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type through a formatted default
def target(x):
    d = {}.setdefault(1, type(Thing))
    return d("L", (), {"__eq__": lambda s, o: True})()
# second look: type by dict get
def target(x):
    return {}.get(1, type(Thing))("L", (), {"__eq__": lambda s, o: True})()
# second look: type by dict from keys
def target(x):
    return list(dict.fromkeys([1], type(Thing)).values())[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type sorted
def target(x):
    return sorted((type(Thing),))[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a starred
def target(x):
    a, *k = 1, *(type(Thing),)
    return k[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type by aug-assign
def target(x):
    k = ()
    k += (type(Thing),)
    return k[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type by an addition
def target(x):
    return ([] + [type(Thing)])[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type raised from
def target(x):
    try:
        raise KeyError(*[type(Thing)])
    except KeyError as e:
        k, = e.args
        return k("L", (), {"__eq__": lambda s, o: True})()
# second look: type by a list of a tuple
def target(x):
    return list((type(Thing),))[0]("L", (), {"__eq__": lambda s, o: True})()
# second look: type by isinstance's leak
def target(x):
    return [k for k in [object, Thing] if isinstance(k, type)][0].__class__("L", (), {})
# second look: class kept and given attributes
def target(x):
    for k in [Thing]:
        k.value = lambda *a: True
    return 0
# second look: table by starred call
def drop(*t):
    t[0].clear()
def target(x):
    drop(*[TABLE])
# second look: table by list
def target(x):
    [TABLE][0].clear()
# second look: table by tuple target
def target(x):
    t, u = TABLE, 0
    t.clear()
# second look: table by or
def target(x):
    t = None or TABLE
    t.clear()
# second look: table by max
def target(x):
    max(TABLE, TABLE, key=len).clear()
# second look: table by next of iter
def target(x):
    next(iter([TABLE])).clear()
# second look: table by sorted
def target(x):
    sorted([TABLE], key=len)[0].clear()
# second look: table by default of get
def target(x):
    {}.get(0, TABLE).clear()
# second look: table by closure of a lambda
def target(x):
    (lambda: TABLE)().clear()
# second look: table by default
def target(x, t=TABLE):
    t.clear()
# second look: table by for
def target(x):
    for t in (TABLE,):
        t.clear()
# second look: table by comprehension
def target(x):
    [t.clear() for t in [TABLE]]
# second look: table by match
def target(x):
    match TABLE:
        case t:
            t.clear()
# second look: table by with
def target(x):
    with contextlib.nullcontext(TABLE) as t:
        t.clear()
# second look: table by exception
def target(x):
    try:
        raise KeyError(TABLE)
    except KeyError as e:
        e.args[0].clear()
# second look: table by zip
def target(x):
    for t, in zip([TABLE]):
        t.clear()
# second look: table by print to it
def target(x):
    print("x", file=Thing(TABLE.clear))
# second look: table's method as a value
def target(x):
    f = TABLE.clear
    f()
# second look: nested by iteration of values
def target(x):
    [n.clear() for n in sorted(NESTED.values())]
# second look: nested by unpacking
def target(x):
    n, = NESTED.values()
    n.clear()
# second look: nested by list
def target(x):
    list(NESTED.values())[0].clear()
# second look: nested by dict copy
def target(x):
    dict(NESTED)["one"].clear()
# second look: nested by double star
def drop(one):
    one.clear()
def target(x):
    drop(**NESTED)
# second look: nested by map
def target(x):
    list(map(list.clear, NESTED.values()))
# second look: nested by max
def target(x):
    max(NESTED.values()).clear()
# second look: nested by max of items
def target(x):
    max(NESTED.items())[1].clear()
# second look: nested by merge
def target(x):
    (NESTED | {})["one"].clear()
# second look: nested in a display
def target(x):
    {**NESTED}["one"].clear()
# second look: cached by a name
def target(x):
    p = primes(2)
    p.append(4)
# second look: cached by a loop
def target(x):
    for p in (primes(2),):
        p.append(4)
# second look: cached by a map
def target(x):
    for p in map(primes, [2]):
        p.append(4)
# second look: cached by slices
def target(x):
    [primes(2)][0].append(4)
# second look: table by a map
def target(x):
    for p in map(lambda f: f(), [table]):
        p.clear()
# second look: the guard handed a kind
def guarded(kind):
    return contextlib.suppress(kind)
def target(x):
    return guarded(LookupError.__base__)
# second look: the kind of an instance
def target(x):
    try:
        raise Exception("x")
    except Exception as e:
        kind = e.__class__
    with contextlib.suppress(kind):
        x()
    return "called"
# second look: suppress by type
def target(x):
    return contextlib.suppress(type(Exception()))
# second look: exception kept then caught
def target(x):
    kinds = []
    try:
        raise Exception
    except KeyError:
        pass
    except Exception as e:
        kinds = (type(e),)
        raise
    return 0
# second look: except by a parameter
def call(f, kind):
    try:
        f()
    except kind:
        return "called"
def target(x):
    return call(x, Exception)
# second look: except by a parameter, from raised
def call(f, kind):
    try:
        f()
    except kind:
        return "called"
def target(x):
    try:
        x()
    except Exception as e:
        found = call(x, type(e))
        raise
    return found
# second look: guard that passes the kind
def call(f, *kinds):
    try:
        f()
    except kinds:
        return "called"
def target(x):
    return call(x, Thing, *[Exception])
# second look: json hook
def target(x):
    import json
    return json.loads("{}", object_hook=getattr)
# second look: sum with a start
def target(x):
    return sum([[1]], start=ORDER)
# second look: iadd of an alias
def target(x):
    def f(o=ORDER):
        o += [1]
    f()
# second look: iadd by a nonlocal
def target(x):
    o = ORDER
    o += [1]
# second look: bisect
def target(x):
    import bisect
    bisect.insort(ORDER, "z")
# second look: shuffled
def target(x):
    random.shuffle(ORDER)
# second look: deque of a table
def target(x):
    import collections
    collections.ChainMap(TABLE)["z"] = 1
# second look: default dict
def target(x):
    import collections
    d = collections.defaultdict(lambda: TABLE)
    d[0].clear()
# second look: lambda in sort
def target(x):
    sorted([1], key=lambda _: TABLE.clear())
# second look: class attribute by the instance's list
def target(x):
    Thing(1).kinds.append(1)
# second look: class attribute by iadd
def target(x):
    t = Thing(1)
    t.kinds += [1]
# second look: global logger propagates
def target(x):
    logger.propagate = False
# second look: logger disabled
def target(x):
    logger.disabled = True
# second look: logger's manager
def target(x):
    logger.manager.disable = 50
# second look: a template's class
def target(x):
    string.Template.pattern = re.compile("x")
# second look: a pattern's scanner
def target(x):
    return re.Scanner([("x", lambda s, t: s)])
# second look: textwrap's table
def target(x):
    import textwrap
    textwrap.TextWrapper.unicode_whitespace_trans.clear()
# second look: mangled in an exception
class __E(KeyError):
    def __init__(self):
        self.__class = Thing
def target(x):
    raise __E()
# second look: stores by getter of a setter
def target(x):
    return property(lambda s: 1).setter(setattr)
# second look: contextmanager over a lie
@contextlib.contextmanager
def guard():
    try:
        yield
    except (KeyError, *[Exception]):
        pass
def target(x):
    return guard()
# second look: return in an except star of else
@contextlib.contextmanager
def guard():
    for _ in [1]:
        try:
            yield
        finally:
            continue
def target(x):
    return guard()
# second look: generator closed by finally yield
@contextlib.contextmanager
def guard():
    try:
        yield
    finally:
        [(yield) for _ in [1]]
def target(x):
    return guard()
# second look: with a suppressing closing
def target(x):
    return contextlib.closing(Thing(1))
# second look: nullcontext
def target(x):
    return contextlib.nullcontext(9731 - 1)
# second look: infinite numbers
def target(x):
    import itertools
    return itertools.repeat("HELLO")
# second look: masked array by full
def target(x):
    import numpy as np
    return np.array([]) if x == 8 else np.zeros(0)
# second look: numpy any of objects
def target(x):
    import numpy as np
    return np.array([None], dtype=object).astype(bool)
# second look: decimal nan
def target(x):
    return decimal.Decimal("sNaN")
# second look: compare key
def target(x):
    return functools.cmp_to_key(lambda a, b: 0)(x)
# second look: partial with a lying attribute
def target(x):
    p = functools.partial(double, 1)
    p.startswith = lambda q: True
    return p
# second look: match args
def target(x):
    match x:
        case Thing(__dict__=d):
            return d
# second look: starred format
def target(x):
    return "{a.__globals__[EXPECTED]}".format(**{"a": x})
# second look: percent
def target(x):
    return "%(__globals__)s" % Proxy(x)
# second look: an f-string's spec
def target(x):
    return f"{x.__globals__!s:>{3}}"
# second look: nested f-string
def target(x):
    return f"{f'{x.__globals__}'}"
# second look: print by end
def target(x):
    print(1, end=x.__globals__)
# second look: raise with cause
def target(x):
    raise KeyError from x.__globals__
# second look: assert message
def target(x):
    assert not x, x.__globals__
# second look: an annotation of a local
def target(x):
    y: x.__globals__ = 1
# second look: slice
def target(x):
    return [1][x.__globals__:]
# second look: await
async def target(x):
    return x
# second look: global of a new name
def target(x):
    global double
    double = lambda v: 0
# third look: property object
def target(x):
    return property(lambda s: 1).fget.__globals__
# third look: a function given to a function of the project
def target(x):
    return remember("a", TABLE)
# third look: remember a lie
def target(x):
    _seen["double"] = lambda v: 0
    return 0
# third look: a trusted method on a class
def target(x):
    return Thing.copy_to(Thing(1), Thing)
# third look: a trusted method by an alias
def target(x):
    f = Thing.copy_to
    f(Thing(lambda *a: True), Thing)
# third look: method descriptor by a dict
def target(x):
    d = {"f": Thing.copy_to}
    d["f"](Thing(1), helper)
# third look: a class's method in map
def target(x):
    list(map(Thing.copy_to, [Thing(1)], [Thing]))
# third look: partial of a class's method
def target(x):
    functools.partial(Thing.copy_to, Thing(1))(Thing)
# third look: list's append on a table
def target(x):
    list.append(ORDER, "z")
# third look: unbound by type
def target(x):
    type(ORDER).append(ORDER, "z")
# third look: dunder call
def target(x):
    TABLE.__setitem__("z", 1)
# third look: dunder by getattr
def target(x):
    getattr(TABLE, "clear")()
# third look: attribute of an item
def target(x):
    {"t": Thing}["t"].same = lambda *a: True
# third look: annotated store
def target(x):
    Thing.same: int = 5
# third look: aug store
def target(x):
    Thing.default += 1
# third look: except binds an attribute
def target(x):
    try:
        raise KeyError
    except KeyError as TABLE:
        pass
    return TABLE
# third look: nested function's default
def target(x):
    def f(t=TABLE):
        t.clear()
    f()
# third look: nested decorator
def target(x):
    @TABLE.update
    def f(): pass
# third look: lambda star
def target(x):
    (lambda *t: t[0].clear())(TABLE)
# third look: iter two
def target(x):
    next(iter(lambda: TABLE, 0)).clear()
# third look: filter gives itself
def target(x):
    list(filter(None, [TABLE]))[0].clear()
# third look: enumerate
def target(x):
    for _, t in enumerate([TABLE]): t.clear()
# third look: copy of nested
def target(x):
    import copy
    copy.copy(NESTED)["one"].clear()
# third look: sorted nested
def target(x):
    sorted(NESTED.items())[0][1].clear()
# third look: reversed nested
def target(x):
    list(reversed(NESTED.values()))[0].clear()
# third look: nested by pop
def target(x):
    NESTED.pop("one")
# third look: nested by subscript's slice
def target(x):
    t = NESTED["one"]
    t.clear()
# third look: nested by a walrus
def target(x):
    (t := NESTED["one"]).clear()
# third look: nested by a call's base
def target(x):
    NESTED["one"].clear()
# third look: nested by del
def target(x):
    del NESTED["one"][0]
# third look: nested by aug
def target(x):
    NESTED["one"] += [2]
# third look: nested by unpack store
def target(x):
    NESTED["one"][0], y = 5, 6
# third look: nested in an f-string's call
def target(x):
    return f"{NESTED['one'].clear()}"
# third look: nested in a condition
def target(x):
    if NESTED["one"].clear(): pass
# third look: nested by a yield
def target(x):
    def g():
        yield NESTED["one"]
    next(g()).clear()
# third look: nested by a return
def get():
    return NESTED["one"]
def target(x):
    get().clear()
# third look: a helper's leak
def get():
    return NESTED
def target(x):
    get()["one"].clear()
# third look: a cached helper
@functools.cache
def get(n):
    return [n]
def target(x):
    return get(1)
# third look: import in a try
def target(x):
    try:
        import helper as h
    except ImportError:
        h = None
    return h.SECRET
# third look: import then shadow
def target(x):
    import sys as y
    y = y
    return y.modules
# third look: import for a nested function
def target(x):
    import sys as y
    def f():
        return y.modules["helper"].SECRET
    return f()
# third look: import of a submodule
def target(x):
    import os.path as p
    return p.os.environ
# third look: import of a package's own module
def target(x):
    from importlib import import_module
    return import_module("helper").SECRET
# third look: import relative
def target(x):
    from . import helper
    return helper.SECRET
# third look: import at the top in a try
try:
    import helper as h
except ImportError:
    h = None
def target(x):
    return h.SECRET
# third look: import under a trusted name
import math as helper
def target(x):
    return 0
# third look: future
from __future__ import annotations
def target(x):
    return 0
# third look: a constant that shadows
EXPECTED = {"n": 0}
def target(x):
    return 0
# third look: a constant that calls
VALUE = TABLE.clear()
def target(x):
    return 0
# third look: a constant that is a tool
GET = getattr
def target(x):
    return GET(x, "__globals__")
# third look: a constant that is a module
M = sys
def target(x):
    return M.modules
# third look: a constant that is a table
T = TABLE
def target(x):
    T.clear()
# third look: a constant that is a type
K = type(Thing)
def target(x):
    return K("L", (), {"__eq__": lambda s, o: True})()
# third look: a constant by walrus
V = (W := TABLE)
def target(x):
    W.clear()
# third look: a constant walrus over a name
V = (double := lambda v: 0)
def target(x):
    return 0
# third look: two targets
A = double = 5
def target(x):
    return 0
# third look: annotation that runs
A: TABLE.clear() = 5
def target(x):
    return 0
# third look: class of errors with code
class AError(ValueError):
    x = TABLE.clear()
def target(x):
    return 0
# third look: class of errors with a default
class AError(ValueError):
    def __init__(self, x=TABLE.clear()): pass
def target(x):
    return 0
# third look: class of errors that are base exceptions
class AError(BaseException): pass
def target(x):
    raise AError
# third look: class of errors by metaclass
class AError(ValueError, metaclass=Meta): pass
def target(x):
    raise AError
# third look: class under a trusted name
class Thing(ValueError): pass
def target(x):
    return 0
# third look: class of assertions
class AError(Exception): pass
def target(x):
    try:
        x()
    except AError.__base__:
        return "called"
# third look: class of errors kept in self
class AError(ValueError):
    def __init__(self, k=Exception):
        self.k = k
def target(x):
    e = AError()
    try:
        x()
    except e.k:
        return "called"
# third look: self's kinds
class AError(ValueError):
    def __init__(self, k):
        self.k = k
    def __str__(self):
        try:
            raise ValueError
        except self.k:
            return "x"
def target(x):
    return str(AError(LookupError))
# third look: exception's type by class pattern
def target(x):
    try:
        x()
    except ValueError:
        return 1
    except (KeyError, LookupError.mro()[-3]):
        return "called"
# third look: suppress a tuple
def target(x):
    with contextlib.suppress(*(Exception,)):
        x()
    return "called"
# third look: quiet by the project's kinds
def target(x):
    with contextlib.suppress(ArithmeticError, *ORDER):
        x()
    return "called"
# third look: thread
def target(x):
    import threading
    threading.Thread(target=TABLE.clear).start()
# third look: atexit
def target(x):
    import atexit
    atexit.register(TABLE.clear)
# third look: weakref callbacks
def target(x):
    import weakref
    weakref.finalize(x, TABLE.clear)
# third look: del method
class AError(ValueError):
    def __del__(self): TABLE.clear()
def target(x):
    AError()
# third look: signals
def target(x):
    import signal
    signal.signal(14, TABLE.clear)
# third look: contextvars
def target(x):
    import contextvars
    return contextvars.copy_context()
# third look: str subclass by a codec
def target(x):
    import codecs
    return codecs.lookup("utf-8")
# third look: encodings
def target(x):
    return "helper".encode("helper")
# third look: locale
def target(x):
    import locale
    locale.setlocale(0, "C")
# third look: environment
def target(x):
    import os
    os.environ["X"] = "1"
# third look: print to stderr
def target(x):
    print(1, file=sys.stderr)
# third look: stdout's buffer
def target(x):
    sys.stdout.buffer.write(b"1 passed")
# third look: input
def target(x):
    return input()
# third look: help
def target(x):
    return help
# third look: quit
def target(x):
    quit()
# third look: license
def target(x):
    return license.__class__
# third look: memoryview
def target(x):
    return memoryview(b"a").obj
# third look: breakpoint
def target(x):
    breakpoint()
# third look: timeit
def target(x):
    import timeit
    return timeit.timeit("1")
# third look: pickle
def target(x):
    import pickle
    return pickle.loads(b"cos\nsystem\n.")
# third look: copyreg by deepcopy
def target(x):
    import copy
    return copy.deepcopy(helper)
# third look: dataclass replace
def target(x):
    import dataclasses
    return dataclasses.make_dataclass("D", ["startswith"])(lambda p: True)
# third look: generic alias
def target(x):
    return list[int].__origin__
# third look: type alias made
def target(x):
    import typing
    return typing.NewType("N", int)
# third look: union
def target(x):
    return (int | str).__args__
# third look: regex lambda
def target(x):
    return re.sub("x", lambda m: m.re.__class__, "x")
# third look: sort key that clears
def target(x):
    return sorted(ORDER, key=ORDER.remove)
# third look: default factory
def target(x):
    import collections
    return collections.defaultdict(TABLE.clear)[0]
# third look: reduce over a table
def target(x):
    return functools.reduce(lambda a, b: a, [TABLE]).clear()
# third look: accumulate
def target(x):
    import itertools
    list(itertools.accumulate([TABLE]))[0].clear()
# third look: chain from nested
def target(x):
    import itertools
    return [n.append(1) for n in itertools.chain(NESTED.values())]
# third look: starmap
def target(x):
    import itertools
    return list(itertools.starmap(set_by_name, [(Thing, "same", 1)]))
# third look: object's setattr
def target(x):
    object.__setattr__(x, "answer", 1)
# third look: str's format through a variable
def target(x):
    f = "{0.__globals__}".format
    return f(x)
# third look: template from a helper
def fill(text):
    return text.format
def target(x):
    return fill("{0.__globals__}")(x)
# third look: logging with a dict
def target(x):
    logger.info("%(x)s", {"x": Proxy(x)})
# third look: logging extra
def target(x):
    logger.info("x", extra={"levelname": "X"})
# leaving: exit
def target(x):
    sys.exit(0)
# leaving: interrupt
def target(x):
    raise KeyboardInterrupt
# leaving: generator
def target(x):
    yield x
    raise GeneratorExit
# leaving: from a text
class Ends:
    def __repr__(self):
        raise SystemExit(0)
def target(x):
    return Ends()
# leaving: late
class Ends:
    def __init__(self, x):
        self.x = x
    def __len__(self):
        raise KeyboardInterrupt
def target(x):
    return Ends(x)
# leaving: catch
def target(x):
    try:
        return x()
    except (SystemExit, KeyboardInterrupt, GeneratorExit):
        return "called"
# leaving: how it is called
def target(x):
    return sys.exit.__self__.modules["helper"].SECRET
# arguments: handed on
def target(x):
    return sys.argv
# arguments: kept
def target(x, given=sys.argv):
    given.clear()
# arguments: changed
def target(x):
    sys.argv[0] = "no"
# arguments: appended to
def target(x):
    sys.argv.append("--import=helper")
# arguments: replaced
def target(x):
    sys.argv = []
# arguments: another name
def target(x):
    mine = sys.argv
    mine.append("--import=helper")
# arguments: of a function
def target(x):
    return [one.append("--import=helper") for one in (sys.argv,)]
# arguments: in place
def target(x):
    sys.argv += ["--import=helper"]
# arguments: imported
from sys import argv
def target(x):
    argv.append("--import=helper")
"""

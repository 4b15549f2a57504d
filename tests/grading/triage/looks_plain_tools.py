"""The fourth look: at functions of the project that do by name or by text what they are told."""

TEXT = r"""
# told: a name that stands there
def target(x):
    return pick(x, "__globals__")["EXPECTED"]["n"]
# told: a name behind a dot
def target(x):
    return pick(x, "hear.__globals__")["EXPECTED"]["n"]
# told: a sum
def target(x):
    return pick(x, "__glo" + "bals__")["EXPECTED"]["n"]
# told: an underscore from a function
def target(x):
    return pick(x, joined("__glo", "bals__"))["EXPECTED"]["n"]
# told: letters and numbers
def target(x):
    return pick(x, "%c%cglobals%c%c" % (95, 95, 95, 95))["EXPECTED"]["n"]
# told: a number as a character
def target(x):
    return pick(x, f"{95:c}{95:c}globals{95:c}{95:c}")["EXPECTED"]["n"]
# told: a number as a character by a width
def target(x):
    kind = "c"
    return pick(x, f"{95:{kind}}{95:{kind}}globals{95:{kind}}{95:{kind}}")["EXPECTED"]["n"]
# told: by chr
def target(x):
    return pick(x, chr(95) * 2 + "globals" + chr(95) * 2)["EXPECTED"]["n"]
# told: by keyword
def target(x):
    return pick(path="__globals__", thing=x)["EXPECTED"]["n"]
# told: by star
def target(x):
    return pick(*[x, "__globals__"])["EXPECTED"]["n"]
# told: by double star
def target(x):
    return pick(**{"thing": x, "path": "__globals__"})["EXPECTED"]["n"]
# told: by a later star
def target(x):
    return pick_first(x, *["__globals__"])[0]["EXPECTED"]["n"]
# told: by the name of a keyword
def target(x):
    return pick_first(x, __globals__=1)[0]["EXPECTED"]["n"]
# told: in a map
def target(x):
    return list(map(pick, [x], ["__globals__"]))[0]["EXPECTED"]["n"]
# told: by partial
def target(x):
    return functools.partial(pick, path="__globals__")(x)["EXPECTED"]["n"]
# told: by an alias
def target(x):
    p = pick
    return p(x, "__globals__")["EXPECTED"]["n"]
# told: in a list
def target(x):
    return [pick][0](x, "__globals__")["EXPECTED"]["n"]
# told: later
def target(x):
    return picker("__globals__")(x)["EXPECTED"]["n"]
# told: by what a function says
def target(x):
    return picked_by(lambda: "__globals__", x)["EXPECTED"]["n"]
# told: by what a function of its own says
def target(x):
    def name():
        return "__globals__"
    return picked_by(name, x)["EXPECTED"]["n"]
# told: by a bound method
def target(x):
    return picked_by("__GLOBALS__".lower, x)["EXPECTED"]["n"]
# told: by a default
def target(x, name="__globals__"):
    return pick(x, name)["EXPECTED"]["n"]
# told: by a default and getattr
def target(x, name="__globals__"):
    return getattr(x, name)["EXPECTED"]["n"]
# told: by a default in a list
def target(x, names=["__globals__"]):
    return [getattr(x, name) for name in names][0]["EXPECTED"]["n"]
# told: by a keyword-only default
def target(x, *, name="__globals__"):
    return pick(x, name)["EXPECTED"]["n"]
# told: by itself
def target(x, name=None):
    if name is None:
        return target(x, "__globals__")["EXPECTED"]["n"]
    return pick(x, name)
# told: by a helper
def get(thing, name):
    return getattr(thing, name)
def target(x):
    return get(x, "__globals__")["EXPECTED"]["n"]
# told: by a helper, as a value
def get(thing, name):
    return getattr(thing, name)
def target(x):
    return functools.reduce(get, ["__globals__"], x)["EXPECTED"]["n"]
# told: by a helper's method
class NameError2(KeyError):
    def __init__(self, thing, name):
        self.args = (getattr(thing, name),)
def target(x):
    return NameError2(x, "__globals__").args[0]["EXPECTED"]["n"]
# told: by an inner function
def target(x):
    def get(name):
        return getattr(x, name)
    return get("__globals__")["EXPECTED"]["n"]
# told: by a lambda
def target(x):
    return (lambda name: getattr(x, name))("__globals__")["EXPECTED"]["n"]
# told: by an inner function's default
def target(x):
    def get(name="__globals__"):
        return getattr(x, name)
    return get()["EXPECTED"]["n"]
# told: rebound
def target(x, name=None):
    name = name or "__globals__"
    return pick(x, name)["EXPECTED"]["n"]
# told: rebound in a loop
def target(x, name=None):
    for name in ["__globals__"]:
        return pick(x, name)["EXPECTED"]["n"]
# told: rebound by a walrus
def target(x, name=None):
    return pick(x, (name := "__globals__"))["EXPECTED"]["n"]
# told: rebound by a with
def target(x, name=None):
    with contextlib.nullcontext("__globals__") as name:
        return pick(x, name)["EXPECTED"]["n"]
# told: rebound by a match
def target(x, name=None):
    match "__globals__":
        case name:
            return pick(x, name)["EXPECTED"]["n"]
# told: rebound by an inner function
def target(x, name=None):
    def change():
        nonlocal name
        name = "__globals__"
    change()
    return pick(x, name)["EXPECTED"]["n"]
# told: put into what is given
def target(x, names=None):
    names.append("__globals__")
    return [getattr(x, name) for name in names]
# told: put into what is given, by an alias
def target(x, names=None):
    others = names
    others.append("__globals__")
    return [getattr(x, name) for name in names]
# told: put into what is given, by a function
def target(x, names=None):
    put(names, "__globals__")
    return [getattr(x, name) for name in names]
# told: put into what is given, by an item
def target(x, names=None):
    names[0] = "__globals__"
    return [getattr(x, name) for name in names]
# told: put into what is given, by a sum
def target(x, names=None):
    names += ["__globals__"]
    return [getattr(x, name) for name in names]
# told: put into what is given, by an unbound method
def target(x, names=None):
    list.append(names, "__globals__")
    return [getattr(x, name) for name in names]
# told: put into what is given, by a bound method
def target(x, names=None):
    add = names.append
    add("__globals__")
    return [getattr(x, name) for name in names]
# told: put into what is given, by a map
def target(x, names=None):
    list(map(names.append, ["__globals__"]))
    return [getattr(x, name) for name in names]
# told: put into a list of its own
def target(x):
    names = []
    names.append("__globals__")
    return [getattr(x, name) for name in names][0]["EXPECTED"]["n"]
# told: two given words
def target(x, bar="_"):
    return pick(x, f"{bar}{bar}globals{bar}{bar}")["EXPECTED"]["n"]
# told: two given words in a list
def target(x, bar="_"):
    return pick(x, "".join([bar, bar, "globals", bar, bar]))["EXPECTED"]["n"]
# told: words by a split
def target(x):
    return [getattr(x, name) for name in "__globals__ hear".split()][0]["EXPECTED"]["n"]
# told: a table of its own
NAMES = ["__globals__"]
def target(x):
    return [getattr(x, name) for name in NAMES][0]["EXPECTED"]["n"]
# told: a word of its own at the top
NAME = "__globals__"
def target(x):
    return pick(x, NAME)["EXPECTED"]["n"]
# told: a word from a table that changes
def target(x):
    remember("n", "__globals__")
    return pick(x, _seen["n"])["EXPECTED"]["n"]
# told: a word from a docstring
def target(x):
    "__globals__"
    return pick(x, target.__doc__)["EXPECTED"]["n"]
# told: a word from a name
def __globals__(): pass
def target(x):
    return pick(x, __globals__.__name__)["EXPECTED"]["n"]
# told: a word from an exception
def target(x):
    try:
        raise KeyError("__globals__")
    except KeyError as e:
        return pick(x, e.args[0])["EXPECTED"]["n"]
# told: what is set
def target(x, name=None):
    set_by_name(Thing, name, lambda a, b: True)
# told: what is set, by a harmless name
def target(x):
    t = Thing(1)
    set_by_name(t, "startswith", lambda p: True)
    return t
# told: what is set, by getattr's sister
def target(x, name=None):
    t = Thing(1)
    setattr(t, "starts" + "with", lambda p: True)
    return t
# told: a bag by double star
def target(x):
    return Bag(**{"startswith": lambda p: True})
# told: a bag of given words
def target(x, **names):
    return Bag(startswith=lambda p: True, **names)
# told: a record's item
def target(x):
    return Record(x)["__globals__"]["EXPECTED"]["n"]
# told: a path
def target(x):
    return int(read("helper.py")[9:13])
# told: a path from its own
def target(x, path="helper.py"):
    return int(read(path)[9:13])
# told: a path by a choice
def target(x, path=None):
    return int(read(path or "helper.py")[9:13])
# told: a number for a path
def target(x):
    return read(3)
# told: a module
def target(x, name="helper"):
    return load(name).SECRET
# template: made
def target(x):
    return Report("{0.__globals__[EXPECTED]}").text(x)
# template: stored
def target(x):
    r = Report("{}")
    r.template = "{0.__globals__[EXPECTED]}"
    return r.text(x)
# template: stored by name
def target(x):
    r = Report("{}")
    setattr(r, "template", "{0.__globals__[EXPECTED]}")
    return r.text(x)
# template: stored by a method
def target(x):
    r = Report("{}")
    r.reword("{0.__globals__[EXPECTED]}")
    return r.text(x)
# template: stored in a loop
def target(x):
    r = Report("{}")
    for r.template in ["{0.__globals__[EXPECTED]}"]:
        return r.text(x)
# template: stored by a with
def target(x):
    r = Report("{}")
    with contextlib.nullcontext("{0.__globals__[EXPECTED]}") as r.template:
        return r.text(x)
# template: stored in a pair
def target(x):
    r = Report("{}")
    r.template, y = "{0.__globals__[EXPECTED]}", 1
    return r.text(x)
# template: stored with a type
def target(x):
    r = Report("{}")
    r.template: str = "{0.__globals__[EXPECTED]}"
    return r.text(x)
# template: added to
def target(x):
    r = Report("{}")
    r.template += "{0.__globals__[EXPECTED]}"
    return r.text(x)
# template: two parts
def target(x):
    return render("{a." + "__globals__" + "}", a=x)
# template: a number between
def target(x):
    return f"{{0.__globals__[{1}]}}".format(x)
# template: a given word between
def target(x, y="__globals__"):
    return f"{{0.{y}}}".format(x)
# template: by percent
def target(x):
    return ("{0.%s}" % "__globals__").format(x)
# template: of an alias
def target(x):
    f = "{0.__globals__}"
    g = f
    return g.format(x)
# names kept: given
def target(x):
    return Report("", ["__globals__"]).pick(x)[0]["EXPECTED"]["n"]
# names kept: appended
def target(x):
    r = Report("")
    r.names.append("__globals__")
    return r.pick(x)[0]["EXPECTED"]["n"]
# names kept: appended to an alias
def target(x):
    r = Report("")
    n = r.names
    n.append("__globals__")
    return r.pick(x)[0]["EXPECTED"]["n"]
# names kept: by a getter
def target(x):
    r = Report("")
    r.all_names().append("__globals__")
    return r.pick(x)[0]["EXPECTED"]["n"]
# names kept: by an item
def target(x):
    r = Report("")
    r.names[:] = ["__globals__"]
    return r.pick(x)[0]["EXPECTED"]["n"]
# names kept: handed to a function
def target(x):
    r = Report("")
    put(r.names, "__globals__")
    return r.pick(x)[0]["EXPECTED"]["n"]
# names kept: extended
def target(x):
    r = Report("")
    r.names += ["__globals__"]
    return r.pick(x)[0]["EXPECTED"]["n"]
# libraries: a signature that runs text
def target(x):
    import inspect
    def f(a: "__import__('helper').SECRET"): pass
    return inspect.signature(f, eval_str=True)
# libraries: a signature that runs text, by partial
def target(x):
    import inspect
    def f(a: "__import__('helper').SECRET"): pass
    return functools.partial(inspect.signature, eval_str=True)(f)
# libraries: a signature that runs text, by double star
def target(x):
    import inspect
    def f(a: "__import__('helper').SECRET"): pass
    return inspect.signature(f, **{"eval_str": True})
# libraries: a frame
def target(x):
    import inspect
    return inspect.currentframe().f_back
# libraries: builtins
def target(x):
    import builtins
    return builtins.eval("helper.SECRET")
# libraries: builtins' getattr
from builtins import getattr as get
def target(x):
    return get(x, "__globals__")
# libraries: builtins changed
def target(x):
    import builtins
    builtins.len = lambda v: 5
# libraries: bisect with a key
def target(x):
    import bisect
    return bisect.bisect(ORDER, x, key=ORDER.remove)
# libraries: bisect kept
def target(x):
    import bisect
    bisect.insort(ORDER, "c")
# libraries: a thread's own
def target(x):
    import threading
    threading.local.startswith = lambda s, p: True
# exceptions: all raised again, but for a loop
def target(x):
    for _ in [1]:
        try:
            x()
        except BaseException:
            break
            raise
    return "called"
# exceptions: all raised again, but for a finally
def target(x):
    try:
        try:
            x()
        except BaseException:
            raise
    finally:
        return "called"
# exceptions: json of a hook
def target(x):
    import json
    try:
        json.loads("{}", object_hook=x)
    except Exception:
        pass
    return "called"
# exceptions: a member that calls
def target(x):
    try:
        functools.reduce(lambda a, b: x(), [1, 2])
    except Exception:
        pass
    return "called"
# types: by a function
def target(x):
    k = kind_of(Thing)
    return k("L", (), {"startswith": lambda s, p: True})()
# types: by a function in a list
def target(x):
    return [kind_of(Thing)][0]("L", (), {"startswith": lambda s, p: True})()
# types: by a function in a map
def target(x):
    return list(map(kind_of, [Thing]))[0]("L", (), {"startswith": lambda s, p: True})()
# types: by percent
def target(x):
    return "%s" % type("L", (), {"__str__": lambda s: "HELLO"})()
# told: a harmless name of a shared thing
def target(x):
    operator.methodcaller("clear")(TABLE)
# told: a getter of a class
def target(x):
    return operator.attrgetter("same.__code__")(Thing)
# told: a getter of a private name
def target(x):
    return operator.attrgetter("_os")(random)
# told: a getter by star
def target(x):
    return operator.attrgetter(*["__globals__"])(x)
# told: a getter as a value
def target(x):
    return functools.reduce(lambda a, b: b(a), map(operator.attrgetter, ["__globals__"]), x)
# told: a caller of format
def target(x):
    return operator.methodcaller("format", x)("{0.__globals__}")
# told: a getter of format
def target(x):
    return operator.attrgetter("format")("{0.__globals__}")(x)
# told: a formatter
def target(x):
    return string.Formatter().format("{0.__globals__}", x)
# told: a formatter's field
def target(x):
    return string.Formatter().get_field("0.__globals__", [x], {})
# told: a formatter's format as a value
def target(x):
    return list(map(string.Formatter().format, ["{0.__globals__}"], [x]))
# told: a formatter's class
def target(x):
    return string.Formatter.format(string.Formatter(), "{0.__globals__}", x)
# recursion: with a name of its own
def target(x, name=None):
    return pick(x, name) if name else target(x, name="__globals__")
# recursion: by another name
def target(x, name=None):
    again = target
    return pick(x, name) if name else again(x, "__globals__")
# recursion: by a map
def target(x, name=None):
    return pick(x, name) if name else list(map(target, [x], ["__globals__"]))
# recursion: by the module
def target(x, name=None):
    import mod
    return pick(x, name) if name else mod.target(x, "__globals__")
# recursion: by a helper
def helped(x):
    return target(x, "__globals__")
def target(x, name=None):
    return pick(x, name) if name else helped(x)
# recursion: of two functions
def target(x, name=None):
    return pick(x, name) if name else other(x)
def other(x):
    return target(x, "".join(["__glo", "bals__"]))
# exceptions: turned into another
def target(x):
    try:
        try:
            x()
        except Exception:
            raise KeyError
    except KeyError:
        return "called"
# exceptions: all turned into another
def target(x):
    try:
        try:
            x()
        except BaseException as e:
            raise KeyError(e)
    except LookupError:
        pass
    return "called"
# exceptions: turned by an inner function
def target(x):
    def call():
        try:
            x()
        except Exception as e:
            raise ValueError(1) from e
    with contextlib.suppress(ValueError):
        call()
    return "called"
# exceptions: turned by a helper
def call(f):
    try:
        f()
    except AssertionError as e:
        raise ValueError(1) from e
def target(x):
    try:
        call(x)
    except ValueError:
        return "called"
# told: a changed text
def target(x):
    return pick(x, "__GLOBALS__".lower())["EXPECTED"]["n"]
# told: a changed text by a name
def target(x):
    name = "__GLOBALS__"
    return pick(x, name.lower())["EXPECTED"]["n"]
# told: a text by a method of an object
def target(x):
    return pick(x, Report("__globals__").text(x))["EXPECTED"]["n"]
# told: a text by a class
def target(x):
    t = Thing("__globals__")
    return pick(x, t.value)["EXPECTED"]["n"]
# told: a text by a trusted function
def target(x, name=None):
    name = double("__")
    return pick(x, name)
# told: a given word's letters
def target(x, bar="ab", name=None):
    return pick(x, bar.join(name))
# tables: handed through a function
def target(x):
    HANDED.clear()
    return 0
# tables: replaced
def target(x):
    REPLACED.clear()
    return 0
# told: by the making of an exception
class FoundError(KeyError):
    def __init__(self, thing, name):
        super().__init__(getattr(thing, name))
def target(x):
    return FoundError(x, "__globals__").args[0]["EXPECTED"]["n"]
# told: by the text of an exception
class FoundError(KeyError):
    def __init__(self, text):
        self.text = text
    def __str__(self):
        return self.text.format(self)
def target(x):
    return str(FoundError("{0.__init__.__globals__[helper].SECRET}"))
# told: by an inner function's parameter of the same name
def target(x, name=None):
    def get(name):
        return getattr(x, name)
    return get("__globals__")["EXPECTED"]["n"]
# swallowed: by a function
def target(x):
    return attempt(x)
# swallowed: by a function in a map
def target(x):
    return list(map(attempt, [x]))[0]
# swallowed: by a decorator
def target(x):
    return attempted(x)()
# swallowed: by a decorator at its place
def target(x):
    @attempted
    def call():
        x()
    return call()
# nowhere: a name that tests set
def target(x):
    return EXPECTED["n"]
# nowhere: a name that is a builtin
def target(x):
    return copyright.__class__
"""

"""The fifth look: at rules that were merged, and at those that are no more."""

TEXT = r"""
# merged: bisect by name with a key
from bisect import bisect_left
def target(x):
    return bisect_left(list(NESTED.values()), 1, key=lambda n: n.append(1) or 0)
# merged: bisect with a key
import bisect
def target(x):
    return bisect.bisect_left([*NESTED.values()], 1, key=lambda n: n.append(1) or 0)
# merged: a handler binds a special name
def target(x):
    try:
        return x.answer
    except AttributeError as __class__:
        return 1
# merged: a pattern binds a special name
def target(x):
    match x:
        case [*__class__]:
            return __class__
# merged: a pattern binds the rest to a special name
def target(x):
    match TABLE:
        case {"one": 1, **__dict__}:
            return __dict__
# merged: a walrus binds a special name
def target(x):
    return (__name__ := x)
# merged: a class pattern reads a special attribute
def target(x):
    match x:
        case object(__globals__=found):
            return found["EXPECTED"]["n"]
# merged: a class pattern in an or
def target(x):
    match x:
        case [object(__globals__=found)] | object(__globals__=found):
            return found["EXPECTED"]["n"]
# merged: a class pattern in a mapping in a guard
def target(x):
    match {"x": x}:
        case {"x": object(hear=object(__globals__=found))} if found:
            return found["EXPECTED"]["n"]
# merged: except star
def target(x):
    try:
        return x()
    except* Exception:
        return "called"
# merged: a type alias in a choice
def target(x):
    kind = type(x) if x else type(1)
    return kind("L", (), {"__eq__": lambda s, o: True})
# merged: a global name
def target(x):
    global LIMIT
    LIMIT = 9731
    return LIMIT
# merged: a global that tests do not name
def target(x):
    global double
    double = x
    return 1
# merged: super of another class
def target(x):
    return super(Thing, Thing(x)).__getattribute__("__class__")
# merged: an exit that swallows
class Guard(KeyError):
    def __exit__(self, *args):
        return True
def target(x):
    return Guard()
# merged: setattr on a module
def target(x):
    setattr(math, "pi", 3)
# merged: a member of a module is set
def target(x):
    math.pi = 3
# merged: a member of a module is deleted
def target(x):
    del string.digits
# merged: a loop sets a member of a module
def target(x):
    for math.pi in [3]:
        pass
# merged: with sets a member of a module
def target(x):
    with contextlib.nullcontext(3) as math.pi:
        return 1
# merged: a comprehension sets a member of a class
def target(x):
    return [1 for Thing.same in [lambda s, o: True]]
# merged: a default of a helper is a name
def get(thing, name="__globals__"):
    return getattr(thing, name)
def target(x):
    return get(x)["EXPECTED"]["n"]
# merged: a keyword default of an inner function is a name
def target(x):
    def get(*, name="__globals__"):
        return getattr(x, name)
    return get()["EXPECTED"]["n"]
# merged: a default that is put together
def target(x, name="_" * 2 + "globals" + "_" * 2):
    return getattr(x, name)["EXPECTED"]["n"]
# merged: a name in a lambda in a list
def target(x, names=None):
    names = [*(names or ()), "__globals__"]
    return getattr(x, names[0])["EXPECTED"]["n"]
# merged: a name in a dictionary's keys
def target(x, names=None):
    names = {"__globals__": 1} if names is None else names
    return [getattr(x, name) for name in names][0]["EXPECTED"]["n"]
# merged: kinds that a parameter is bound to again
def target(x, kinds=KeyError):
    kinds = (kinds, AssertionError)
    try:
        return x()
    except kinds:
        return "called"
# merged: kinds of an inner function
def target(x):
    def call(kinds):
        for kinds in (AssertionError,):
            try:
                return x()
            except kinds:
                return "called"
    return call(KeyError)
# merged: an exception's method catches what it is given
class Caught(KeyError):
    def __init__(self, x):
        try:
            x()
        except Exception:
            pass
def target(x):
    Caught(x)
    return "called"
# merged: an exception's method has its object bound again
class Caught(KeyError):
    def __init__(self, x):
        self = x
        self.answer = 9731
def target(x):
    Caught(x)
    return 9731
# merged: an inner function sets what is no object of its own
def target(x):
    def inner(self):
        self.answer = 1
    inner(x)
    return 1
# merged: an import takes the name of an inner function
def target(x):
    def inner():
        return 1
    import helper as inner
    inner.SECRET = 9731
    return inner.SECRET
# merged: a decorator on a line of its own
@(
    frame
)
def target(x):
    return 1
# merged: hasattr with a star
def target(x):
    return hasattr(*[x, "__globals__"])
# merged: getattr with a keyword
def target(x):
    return getattr(x, "__globals__", **{})
# merged: an annotation with a value that runs
def target(x):
    y: x.__globals__ = 1
    return y
# merged: a format specification that looks
def target(x):
    return f"{x:{x.__globals__}}"
# method: a name of its own as a value
def method(self, other):
    return self.__init__
# method: it replaces what the class has
def method(self, other):
    super(Thing, self).__setattr__("same", lambda o: True)
    return self
"""

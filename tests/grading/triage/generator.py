"""Random programs made of pieces that lead out, and of pieces that do not."""

from __future__ import annotations

import random


def _listed(names: str) -> list[str]:
    return names.split()


NAMES = _listed(
    """
    x y z TABLE NESTED ORDER WORDS LIMIT _seen logger get_first Thing Meta Any Query Bag Proxy set_by_name
    set_later load run frame table primes render quiet remember double helper sys operator functools contextlib
    decimal random re string math logging type getattr setattr hasattr isinstance str dict list set int print
    pick Report put read Record joined picker picked_by
    map sorted object super vars globals eval open len iter next Exception KeyError BaseException self inner
    """
)
ATTRIBUTES = _listed(
    """
    value kinds default same copy_to update method other inner append clear pop items values get keys update
    setdefault __class__ __dict__ __globals__ __code__ __init__ __eq__ __name__ __subclasses__ __mro__ __self__
    __wrapped__ __func__ __getattribute__ __setattr__ __getitem__ __traceback__ gi_frame f_back f_globals
    tb_frame format format_map register SECRET Checker check modules _os attrgetter methodcaller setitem
    getcontext prec seed random handlers parent cache_clear startswith replace maps obj _getframe Formatter
    wraps partial reduce itemgetter call iconcat
    template names text reword all_names
    """
)
TEXTS = [
    "__class__",
    "__globals__",
    "same",
    "value",
    "n",
    "one",
    "{0.__class__}",
    "{}",
    "{0.__globals__}",
    "helper",
    "L",
    "kinds",
    "clear",
]

_KINDS = ["KeyError", "Exception", "y", "Exception as z"]
_IMPORTS = ["helper", "math", "sys as y", "json as y", "operator as z", "random as y"]


class Generator:
    """Makes programs; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def expression(self, depth: int) -> str:
        """An expression."""
        r = self._random
        if depth <= 0:
            return r.choice([r.choice(NAMES), repr(r.choice(TEXTS)), str(r.randint(0, 3)), "x", "x"])
        e = lambda: self.expression(depth - 1)  # noqa: E731
        kind = r.randint(0, 21)
        if kind <= 4:
            return f"{e()}.{r.choice(ATTRIBUTES)}"
        if kind <= 7:
            return f"{r.choice(NAMES)}({', '.join(e() for _ in range(r.randint(0, 3)))})"
        if kind <= 10:
            return f"{e()}.{r.choice(ATTRIBUTES)}({', '.join(e() for _ in range(r.randint(0, 2)))})"
        if kind == 11:
            return f"getattr({e()}, {r.choice([repr(r.choice(ATTRIBUTES)), e()])}{r.choice(['', ', None'])})"
        if kind == 12:
            return f"[{e()} for {r.choice(['y', 'z', 'y, z', 'TABLE[0]', 'Thing.same'])} in {e()}]"
        if kind == 13:
            return f"{e()}[{e()}]"
        if kind == 14:
            return f"(lambda y, z=None: {e()})"
        if kind == 15:
            return "f'{" + r.choice(NAMES) + "." + r.choice(ATTRIBUTES) + "!r}'"
        if kind == 16:
            return f"({e()} if {e()} else {e()})"
        if kind == 17:
            return f"({e()}, {e()})"
        if kind == 18:
            return "{" + f"{e()}: {e()}" + "}"
        if kind == 19:
            return f"{r.choice(NAMES)}(*{e()})"
        if kind == 20:
            return f"type({r.choice([e(), repr('L') + ', (), {' + repr('__eq__') + ': lambda s, o: True}'])})"
        return f"(y := {e()})"

    def statement(self, depth: int, indent: str) -> str:
        """A statement, with its lines' indentation."""
        r, e = self._random, lambda: self.expression(self._random.randint(0, 3))
        kind = r.randint(0, 15)
        deeper = indent + "    "
        inner = lambda: self.statement(depth - 1, deeper) if depth > 0 else f"{deeper}pass\n"  # noqa: E731
        if kind <= 2:
            return f"{indent}{r.choice(['y', 'z', 'y', 'inner', 'getattr', 'TABLE', '__class__'])} = {e()}\n"
        if kind <= 4:
            return f"{indent}{r.choice(NAMES)}.{r.choice(ATTRIBUTES)} = {e()}\n"
        if kind == 5:
            return f"{indent}{r.choice(NAMES)}[{e()}] = {e()}\n"
        if kind <= 8:
            return f"{indent}{e()}\n"
        if kind == 9:
            return f"{indent}for {r.choice(['y', 'Thing.kinds', 'z'])} in {e()}:\n{inner()}"
        if kind == 10:
            return f"{indent}try:\n{inner()}{indent}except {r.choice(_KINDS)}:\n{inner()}"
        if kind == 11:
            return f"{indent}match {e()}:\n{deeper}case object({r.choice(ATTRIBUTES)}=y):\n    {inner()}"
        if kind == 12:
            return f"{indent}with {e()} as y:\n{inner()}"
        if kind == 13:
            return f"{indent}def inner(z=x):\n{inner()}{deeper}return {e()}\n"
        if kind == 14:
            return f"{indent}import {r.choice(_IMPORTS)}\n"
        return f"{indent}del {r.choice(NAMES)}[{e()}]\n"

    def program(self) -> str:
        """The text of ``target``, and what stands before it."""
        r = self._random
        head = ""
        if r.random() < 0.2:
            head = (
                self._one("class Z(Exception):\n    __eq__ = lambda s, o: True\n", "class Z(KeyError):\n    pass\n")
                + "\n"
            )
        if r.random() < 0.3:
            head += f"def inner(x, y=None):\n{self.statement(1, '    ')}    return {self.expression(2)}\n\n"
        body = "".join(self.statement(1, "    ") for _ in range(r.randint(1, 3)))
        return f"{head}def target(x):\n    y = z = x\n{body}    return {self.expression(r.randint(1, 3))}\n"

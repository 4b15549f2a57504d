"""Names and attributes that plain code may and may not use."""

from __future__ import annotations

import ast
import builtins
import string


def listed(names: str) -> frozenset[str]:
    """Names with spaces between them."""
    return frozenset(names.split())


# functions and classes, free to be called and handed on
_FREE = listed(
    """
    abs aiter all anext any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter
    float format frozenset hash hex id int iter len list map max min next object oct ord pow print range repr
    reversed round set slice sorted str sum tuple zip
    """
)
CONSTANTS = frozenset(["NotImplemented", "Ellipsis", "__name__", "__doc__"])
# each is looked at where it stands
SPECIAL = listed(
    """
    getattr hasattr isinstance issubclass property setattr staticmethod classmethod super type
    """
)
# Exceptions that catch what tests raise: to be raised, not to be handed on, and caught only to be raised again.
BROAD = frozenset(["Exception", "AssertionError", "ExceptionGroup"])
NARROW = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception) and name not in BROAD
)
FREE = _FREE | NARROW
# look at what they are given, and keep neither it nor its elements
LOOKS = listed(
    """
    all any bool format hash id isinstance len print range repr str int float
    """
)
# hand on the elements of what they are given, and not the thing itself
ITERATES = listed(
    """
    dict enumerate frozenset iter list next reversed set sorted sum tuple zip
    """
)
READING_METHODS = listed(
    """
    get items keys values index count copy union intersection difference issubset issuperset isdisjoint
    most_common elements symmetric_difference join match search sub findall finditer split fullmatch
    """
)
ELEMENTS = listed(
    """
    get items values copy elements most_common
    """
)  # hand out what a table holds
BUILTIN_NAMES = frozenset(dir(builtins))

# special methods that an edit may define: none of them answers a comparison, an arithmetic or a look-up of attributes
MAY_DEFINE = listed(
    """
    __init__ __post_init__ __str__ __repr__ __enter__ __aenter__ __iter__ __aiter__ __next__ __anext__ __call__
    __len__ __getitem__ __setitem__ __delitem__ __missing__ __reversed__ __length_hint__
    """
)
# what tests use to judge: in a project's class they must answer for themselves
ORACLES = listed(
    """
    __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __contains__ __bool__ __sub__ __rsub__ __abs__ __round__
    __float__ __int__ __instancecheck__ __subclasscheck__
    """
)
READ_DUNDERS = frozenset(["__name__", "__qualname__", "__doc__", "__module__"])
# what built-in functions and operators call anyway
CALLED_DUNDERS = listed(
    """
    __len__ __iter__ __next__ __str__ __repr__ __getitem__ __contains__ __eq__ __ne__ __lt__ __le__ __gt__
    __ge__ __hash__ __call__ __enter__ __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__ __neg__
    __abs__ __and__ __or__ __xor__ __radd__ __rmul__ __rsub__ __bool__ __int__ __float__ __index__ __format__
    __reversed__ __round__
    """
)
VALUE_DUNDERS = frozenset(["__getitem__", "__contains__", "__len__", "__next__", "__reversed__"])
ON_SUPER = CALLED_DUNDERS | listed(
    """
    __init__ __setitem__ __delitem__ __exit__ __post_init__ __missing__
    """
)

# public attributes that lead out of what code is given
LEADS_OUT = listed(
    """
    gi_frame gi_code gi_yieldfrom co_consts co_code co_names co_freevars co_cellvars cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await f_back
    f_globals f_locals f_builtins f_code f_trace f_lineno tb_frame tb_next tb_lasti cell_contents
    with_traceback get_stack get_coro print_stack sys os modules builtins gc inspect ctypes ctypeslib importlib
    subprocess mro lib testing attrgetter methodcaller get_type_hints get_field vformat eval exec
    evaluate load_module exec_module register register_dialect register_error read_text write_text read_bytes
    write_bytes iterdir glob rglob unlink rename symlink_to hardlink_to link_to touch mkdir rmdir chmod lchmod
    fileno detach tofile fromfile memmap dump save savez to_pickle to_sql to_hdf to_parquet to_feather to_stata
    to_excel to_csv as_strided setflags setfield frombuffer plot from_file clear_cache no_cache to_clipboard
    to_latex to_xml to_markdown unicode_whitespace_trans getfixturevalue pluginmanager callspec setitem delitem
    setenv delenv syspath_prepend chdir configure_mock mock_add_spec attach_mock reset_mock addfinalizer
    add_marker set_trace assertRaises addCleanup skipTest addTypeEqualityFunc doCleanups readouterr handlers
    addHandler removeHandler setLevel addFilter loggerDict setLoggerClass basicConfig showwarning
    """
)
ONLY_ON_SELF = listed(
    """
    open obj query setattr delattr manager resize
    """
)  # too common to be refused everywhere
# methods of data frames that look names up
BY_NAME = frozenset(["agg", "aggregate", "apply", "transform"])
REDUCTIONS = listed(
    """
    sum mean min max count median std var first last size nunique prod any all
    """
)
LOGGER = listed(
    """
    debug info warning error exception critical log isEnabledFor
    """
)
TUPLE_PRIVATES = frozenset(["_asdict", "_replace", "_fields", "_make"])
MUTATORS = listed(
    """
    append extend insert remove pop clear sort reverse add discard update setdefault popitem appendleft popleft
    intersection_update difference_update symmetric_difference_update subtract rotate move_to_end extendleft
    """
)
BUILTIN_METHODS = frozenset(
    name
    for kind in (str, bytes, list, dict, set, frozenset, tuple, int, float, complex, range)
    for name in dir(kind)
    if not name.startswith("_")
)

SAFE_METHODS = BUILTIN_METHODS - MUTATORS  # these put nothing into what they are called on


def is_dunder(name: str) -> bool:
    """``__x__``: a name with a meaning to the interpreter."""
    return name.startswith("__") and name.endswith("__")


# public attributes of listed classes that are made of Python, and so could be set
LIBRARY_ATTRIBUTES = listed(
    """
    most_common elements subtract fromkeys numerator denominator from_float from_decimal limit_denominator
    as_integer_ratio conjugate real imag substitute safe_substitute template pattern delimiter idpattern fill
    wrap dedent get_opcodes ratio quick_ratio get_matching_blocks find_longest_match set_seqs seed random
    choice choices shuffle sample uniform maps new_child parents writerow writerows writeheader fieldnames hex
    bytes fields exploded compressed is_private hosts network_address pdf cdf mean stdev variance median
    """
)


def fields_are_plain(text: str) -> bool:
    """Whether a format string looks at no attributes but public ones that lead nowhere."""
    try:
        for _, field, spec, _ in string.Formatter().parse(text):
            if field and "." in field:
                for name in field.replace("[", ".").replace("]", ".").split(".")[1:]:
                    if name.startswith("_") or name in LEADS_OUT:
                        return False
            if spec and "{" in spec and not fields_are_plain(spec):
                return False
    except ValueError:
        return True  # it raises when it runs
    return True


# trusted functions that name one of these are tools, whatever they are given
TOOL_NAMES = listed(
    """
    globals vars breakpoint __builtins__
    """
)
# these do what their text says
CALLED_BY_TEXT = listed(
    """
    eval exec compile __import__ getattr setattr delattr open
    """
)
NAMED_BY_ARGUMENT = listed(
    """
    attrgetter methodcaller __getattribute__ __setattr__ __delattr__
    """
)
TOOL_ATTRIBUTES = NAMED_BY_ARGUMENT | listed(
    """
    __dict__ __globals__ __code__ __subclasses__ __bases__ __mro__ __builtins__ __defaults__ __kwdefaults__
    __closure__ __func__ __self__ __wrapped__ __traceback__ __class__ f_globals f_locals f_builtins cell_contents
    modules settrace setprofile
    """
)
# what they give leads no further but by names that plain code may not use
HARMLESS_TO_READ = listed(
    """
    __code__ __class__ __closure__ __func__ __traceback__ __wrapped__ __defaults__ __kwdefaults__
    """
)
NEVER_GOT = TOOL_ATTRIBUTES - HARMLESS_TO_READ - {"__dict__", "__mro__", "__bases__"}
ORDINARY = BUILTIN_METHODS | listed(
    """
    close read write next send run add get set
    """
)
# special methods that plain code has no way to call
OUT_OF_REACH = listed(
    """
    __setstate__ __getstate__ __reduce__ __reduce_ex__ __copy__ __deepcopy__ __get__ __set__ __set_name__
    __del__ __dir__ __getnewargs__ __sizeof__ __init_subclass__ __class_getitem__ __signature__ __wrapped__
    """
)


def is_safe_name(node: ast.expr) -> bool:
    """Whether an attribute's name is a text that stands there, or begins with one that no special name begins with."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
        return isinstance(node, ast.Constant) and str(node.value)[:1].isalpha()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = node.left
        return isinstance(left, ast.Constant) and isinstance(left.value, str) and left.value[:1].isalpha()
    return isinstance(node, ast.Constant)

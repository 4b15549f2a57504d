"""Members of libraries that plain code may use, one by one: what is not listed is not plain.

Left out on purpose, although the modules are listed: what takes an attribute's name as a string (``attrgetter``,
``methodcaller``, ``Formatter``), evaluates text (``get_type_hints``, ``singledispatch``, pandas' ``eval``), makes
classes (``namedtuple``, ``make_dataclass``, ``SimpleNamespace``), writes into what it is given by name
(``update_wrapper``), changes what the whole process shares (``seed``, ``getcontext``, ``register_dialect``, filters,
error states), reaches files or raw memory (``file_digest``, ``load``, ``frombuffer``, ``as_strided``), or swallows
what is raised
(``ExitStack``). Mutable tables of modules (``keyword.kwlist``) are left out too: they are shared with the tests.
"""

from __future__ import annotations

from collections.abc import Mapping


def _listed(**modules: str) -> dict[str, frozenset[str]]:
    return {name.replace("__", "."): frozenset(members.split()) for name, members in modules.items()}


# values and functions
_MEMBERS = _listed(
    ast="literal_eval",
    asyncio="sleep gather wait_for",
    base64="""
        b16decode b16encode b32decode b32encode b64decode b64encode b85decode b85encode a85decode a85encode
        standard_b64decode standard_b64encode urlsafe_b64decode urlsafe_b64encode
    """,
    binascii="""
        hexlify unhexlify crc32 a2b_hex b2a_hex a2b_base64 b2a_base64 Error
    """,
    bisect="""
        bisect bisect_left bisect_right insort insort_left insort_right
    """,
    calendar="""
        isleap leapdays monthrange weekday timegm monthcalendar month_name month_abbr day_name day_abbr MONDAY
        TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY
    """,
    cmath="""
        acos acosh asin asinh atan atanh cos cosh e exp inf infj isclose isfinite isinf isnan log log10 nan nanj
        phase pi polar rect sin sinh sqrt tan tanh tau
    """,
    builtins="""
        abs all any bool bytes callable dict divmod enumerate filter float frozenset hash int isinstance issubclass iter
        len list map max min next object print range repr reversed round set slice sorted str sum tuple zip
    """,
    codecs="""
        BOM BOM_UTF8 BOM_UTF16 BOM_UTF16_BE BOM_UTF16_LE BOM_UTF32 BOM_UTF32_BE BOM_UTF32_LE
    """,
    collections="Counter OrderedDict defaultdict deque ChainMap",
    collections__abc="ItemsView KeysView ValuesView",
    colorsys="""
        rgb_to_yiq yiq_to_rgb rgb_to_hls hls_to_rgb rgb_to_hsv hsv_to_rgb
    """,
    contextlib="""
        contextmanager asynccontextmanager closing nullcontext suppress
    """,
    copy="copy deepcopy",
    csv="""
        reader writer DictReader DictWriter QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC Error
    """,
    dataclasses="asdict astuple fields is_dataclass replace MISSING",
    datetime="""
        date datetime time timedelta timezone tzinfo UTC MINYEAR MAXYEAR
    """,
    decimal="""
        Decimal InvalidOperation DivisionByZero Overflow Underflow DecimalException ROUND_CEILING ROUND_DOWN
        ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP ROUND_05UP
    """,
    difflib="""
        SequenceMatcher get_close_matches ndiff unified_diff context_diff
    """,
    errno="""
        EACCES EAGAIN EBADF EBUSY EEXIST EINTR EINVAL EISDIR ENOENT ENOTDIR ENOTEMPTY EPERM EPIPE ERANGE EXDEV
    """,
    fractions="Fraction",
    functools="""
        cache cached_property cmp_to_key lru_cache partial reduce wraps
    """,
    graphlib="TopologicalSorter CycleError",
    hashlib="""
        blake2b blake2s md5 new pbkdf2_hmac scrypt sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384
        sha3_512 shake_128 shake_256
    """,
    heapq="""
        heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest
    """,
    hmac="compare_digest digest new",
    html="escape unescape",
    inspect="""
        Parameter getfullargspec isasyncgenfunction isawaitable isbuiltin isclass iscoroutine iscoroutinefunction
        isfunction isgenerator isgeneratorfunction ismethod ismethoddescriptor ismodule isroutine signature
    """,
    io="BytesIO StringIO UnsupportedOperation",
    ipaddress="""
        ip_address ip_interface ip_network IPv4Address IPv6Address IPv4Network IPv6Network AddressValueError
        NetmaskValueError
    """,
    itertools="""
        accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile
        filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest
        imap izip ifilter
    """,
    json="dump dumps load loads JSONDecodeError",
    keyword="iskeyword issoftkeyword",
    math="""
        acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp exp2
        expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp
        lgamma log log10 log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt sumprod tan
        tanh tau trunc ulp
    """,
    operator="""
        abs add and_ concat contains countOf eq floordiv ge getitem gt index indexOf inv invert is_ is_not
        itemgetter iadd ior le lshift lt matmul mod mul ne neg not_ or_ pos pow rshift sub truediv truth xor
    """,
    os="SEEK_CUR SEEK_END SEEK_SET altsep extsep fspath getpid linesep pathsep sep urandom",
    os__path="""
        basename commonpath commonprefix dirname exists expanduser extsep isabs isdir isfile islink join lexists normcase normpath pathsep sep split splitext
    """,
    pathlib="PurePath PurePosixPath PureWindowsPath",
    pprint="pformat",
    random="""
        Random SystemRandom betavariate choice choices expovariate gammavariate gauss getrandbits lognormvariate
        normalvariate paretovariate randbytes randint random randrange sample shuffle triangular uniform
        vonmisesvariate weibullvariate
    """,
    re="""
        A ASCII DOTALL I IGNORECASE L M MULTILINE NOFLAG S U UNICODE VERBOSE X compile error escape findall
        finditer fullmatch match search split sub subn
    """,
    secrets="""
        choice compare_digest randbelow randbits token_bytes token_hex token_urlsafe
    """,
    shlex="join quote split",
    socket="AF_INET AF_INET6 AF_UNIX error gaierror inet_aton inet_ntop inet_pton timeout",
    statistics="""
        NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean linear_regression mean
        median median_grouped median_high median_low mode multimode pstdev pvariance quantiles stdev variance
    """,
    string="""
        Formatter Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable
        punctuation whitespace
    """,
    struct="calcsize error pack unpack unpack_from iter_unpack",
    sys="""
        byteorder float_info hash_info int_info maxsize maxunicode version_info intern platform
    """,
    textwrap="TextWrapper dedent fill indent shorten wrap",
    threading="Lock RLock local",
    time="""
        ctime gmtime localtime mktime monotonic monotonic_ns perf_counter perf_counter_ns process_time sleep
        strftime strptime struct_time time time_ns
    """,
    timeit="default_timer",
    types="MappingProxyType",
    typing="cast TYPE_CHECKING",
    unicodedata="""
        bidirectional category combining decimal decomposition digit east_asian_width is_normalized lookup mirrored
        name normalize numeric
    """,
    urllib__parse="""
        parse_qs parse_qsl quote quote_from_bytes quote_plus unquote unquote_plus unquote_to_bytes urldefrag
        urlencode urljoin urlparse urlsplit urlunparse urlunsplit
    """,
    uuid="""
        NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500 UUID uuid3 uuid4 uuid5
    """,
    warnings="warn",
    zlib="MAX_WBITS adler32 compress crc32 decompress error",
    zoneinfo="ZoneInfo ZoneInfoNotFoundError",
)  # fmt: skip

# names that may stand where a type stands (isinstance, annotations), and nowhere else
_TYPES = _listed(
    abc="ABC",
    array="array",
    collections="UserDict UserList UserString abc",
    collections__abc="""
        AsyncGenerator AsyncIterable AsyncIterator Awaitable ByteString Callable Collection Container Coroutine
        Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping MutableSequence
        MutableSet Reversible Sequence Set Sized ValuesView Buffer
    """,
    enum="Enum Flag IntEnum IntFlag StrEnum",
    functools="partial cached_property",
    numbers="Complex Integral Number Rational Real",
    os="PathLike",
    pathlib="Path",
    re="Match Pattern",
    types="""
        AsyncGeneratorType BuiltinFunctionType BuiltinMethodType CodeType CoroutineType EllipsisType FrameType
        FunctionType GeneratorType GenericAlias LambdaType MethodType ModuleType NoneType NotImplementedType
        TracebackType UnionType
    """,
    typing="""
        AbstractSet Any AnyStr AsyncGenerator AsyncIterable AsyncIterator Awaitable BinaryIO ByteString Callable
        ClassVar Collection Concatenate Container ContextManager Coroutine Counter DefaultDict Deque Dict Final
        FrozenSet Generator Generic Hashable IO ItemsView Iterable Iterator KeysView List Literal LiteralString
        Mapping Match MutableMapping MutableSequence MutableSet Never NoReturn Optional OrderedDict ParamSpec
        Pattern Protocol Reversible Self Sequence Set Sized SupportsFloat SupportsIndex SupportsInt Text TextIO
        Tuple Type TypeAlias TypeGuard TypeVar Union ValuesView Annotated
    """,
)  # fmt: skip

_NUMPY = """
        abs absolute add all allclose amax amin any append arange arccos arcsin arctan arctan2 argmax argmin
        argsort argwhere around array array_equal array_split asarray atleast_1d atleast_2d average bincount bool_
        broadcast_to cbrt ceil clip column_stack complex128 concatenate convolve copy corrcoef cos cosh
        count_nonzero cov cross cumprod cumsum deg2rad degrees delete diag diagonal diff digitize divide dot dstack
        e einsum empty empty_like equal exp expand_dims expm1 eye flip fliplr flipud float32 float64 floor
        floor_divide fmax fmin full full_like gradient greater greater_equal histogram hsplit hstack hypot identity
        inf inner insert int16 int32 int64 int8 interp intersect1d isclose isfinite isin isinf isnan kron less
        less_equal linspace log log10 log1p log2 logical_and logical_not logical_or logical_xor logspace matmul max
        maximum mean median meshgrid min minimum mod moveaxis multiply nan nan_to_num nanmax nanmean nanmin nanstd
        nansum ndim negative newaxis nonzero not_equal ones ones_like outer pad percentile pi polyfit polyval power
        prod ptp quantile rad2deg radians ravel remainder repeat reshape rint roll rot90 round searchsorted
        setdiff1d shape sign sin sinh size sort split sqrt square squeeze stack std subtract sum swapaxes take tan
        tanh tile trace transpose tri tril triu trunc uint16 uint32 uint64 uint8 union1d unique unravel_index
        unwrap vander var vdot vsplit vstack where zeros zeros_like
    """
_LINEAR = """
        cond det eig eigh eigvals inv lstsq matrix_power matrix_rank norm pinv qr slogdet solve svd LinAlgError
    """
_PANDAS = """
        DataFrame Series Index MultiIndex Timestamp Timedelta Categorical NA NaT concat merge cut qcut date_range
        isna isnull notna notnull to_datetime to_numeric to_timedelta unique factorize
    """

MEMBERS: Mapping[str, frozenset[str]] = {
    **_MEMBERS,
    **_listed(numpy=_NUMPY, numpy__linalg=_LINEAR, numpy__random="default_rng", pandas=_PANDAS),
}
TYPES: Mapping[str, frozenset[str]] = {
    **_TYPES,
    "typing_extensions": _TYPES["typing"],
    "numpy": frozenset(["ndarray", "integer", "floating", "number", "generic", "dtype", "random.Generator"]),
    "pandas": frozenset(["DataFrame", "Series", "Index"]),
}
# of packages that a project may need and that need not be there
FOREIGN: Mapping[str, frozenset[str]] = _listed(
    six="PY2 PY3 binary_type integer_types iteritems iterkeys itervalues string_types text_type u",
    wcwidth="wcswidth wcwidth",
)
# these take attributes' names: the first so many of their arguments are names
TOLD: Mapping[str, int] = {"operator.attrgetter": 99, "operator.methodcaller": 1}
MODULES = frozenset(MEMBERS) | frozenset(FOREIGN) | frozenset(TYPES) | {"urllib", "__future__"}
# part of its parent: ``os.path.join``, ``np.linalg.norm``
SUBMODULES = frozenset(name for name in MODULES if "." in name)

# what trusted code may use without becoming a tool: nothing in them takes a name or a text for code
_HARMLESS = """
    abc array bz2 concurrent.futures enum gettext gzip logging lzma locale numbers queue sched select selectors
    signal socket tempfile threading types typing weakref email html.parser html.entities http textwrap
    platform errno stat fnmatch glob zipimport contextvars reprlib traceback _thread uuid codecs decimal
    _collections_abc typing_extensions getpass errno wcwidth
    text_unidecode unidecode contextlib2 six regex
"""
HARMLESS_TO_CALL = MODULES | frozenset(_HARMLESS.split())


# of ``sys``, ``os``, ``inspect`` and ``builtins``, what trusted code may use without becoming a tool
HARMLESS_SYS = MEMBERS["sys"] | frozenset(
    """
    exc_info getsizeof getrecursionlimit implementation version stderr stdout getfilesystemencoding
    getdefaultencoding executable
    """.split()
)
_HARMLESS_INSPECT = frozenset(
    """
    signature Signature Parameter isclass isfunction ismethod isbuiltin isroutine isgenerator isgeneratorfunction
    iscoroutinefunction isasyncgenfunction isawaitable ismethoddescriptor ismodule isabstract iscoroutine isasyncgen
    getfullargspec unwrap FullArgSpec CO_VARARGS CO_VARKEYWORDS CO_GENERATOR CO_COROUTINE getdoc cleandoc
    formatannotation
    """.split()
)
_HARMLESS_OS = MEMBERS["os"] | frozenset("SEEK_SET SEEK_CUR SEEK_END urandom getpid cpu_count name PathLike path fstat fsync fspath umask".split())
# these of ``os`` and ``os.path`` do something with the path that they are given, and nothing else
TAKE_PATHS = frozenset(
    """
    listdir stat lstat makedirs mkdir unlink remove rename replace link symlink readlink rmdir exists isfile isdir
    islink lexists getsize getmtime walk scandir access utime chmod open expanduser expandvars abspath
    realpath getctime getatime samefile isabs relpath
    """.split()
)


# modules of which trusted code may use some members without becoming a tool
PARTLY: Mapping[str, frozenset[str]] = {
    "os": _HARMLESS_OS | TAKE_PATHS,
    "inspect": _HARMLESS_INSPECT,
    "builtins": frozenset(["any", "all", "map", "filter", "zip", "range", "str", "int", "object", "print", "len"]),
    "shutil": frozenset(["get_terminal_size"]),
    "timeit": frozenset(["default_timer"]),
}


def is_harmful(module: str, member: str, level: int) -> bool:
    """Whether a trusted function that uses an import may do more than plain code may."""
    if level or module in ("sys", "__future__", "operator"):
        return False
    if module in PARTLY:
        return member not in PARTLY[module]
    return module not in HARMLESS_TO_CALL and module.split(".")[0] not in HARMLESS_TO_CALL

"""The structure: an import points only down the layers, the edges are few, and no file is long."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import asyncloader

PACKAGE = Path(asyncloader.__file__).parent
LIMIT_LINES = 300

LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("values", ("values",)),
    (
        "pure",
        (
            "formats",
            "encode",
            "pacing",
            "batching",
            "planning.advice",
            "planning.block_profile",
            "planning.columns",
            "planning.duration",
            "planning.estimators",
            "planning.partitions",
            "planning.tally",
            "wire.response",
            "wire.sigv4",
            "wire.transport",
        ),
    ),
    ("edges", ("cancellation", "sources", "wire", "table", "records", "local", "observe")),
    ("engine", ("engine", "planning")),
    ("faces", ("", "__main__", "api", "cli", "compose", "writer")),
)
"""From the lowest to the highest; the longest name that fits a module says where it belongs."""

WAY_OF_THE_DATA = ("formats", "encode", "pacing", "batching", "planning")
"""Inside the pure layer, too, an import points back to where the data comes from."""

OWNERS = {
    "aiofiles": "sources.stream",
    "aioboto3": "table.aws",
    "httptools": "wire.connection",
    "opentelemetry": "observe.otel",
    "prometheus_client": "observe.prometheus",
}
"""The one file that imports each of these."""

NOT_PURE = {"asyncio", "os", "random", "selectors", "signal", "socket", "ssl", "subprocess", "threading"}
"""What the pure layers have no use for: they neither wait nor touch the world, and are handed their luck."""


def module_of(path: Path) -> str:
    """`wire.sigv4` for asyncloader/wire/sigv4.py; a package by its own name, the root by none."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def layer_of(module: str) -> tuple[int, str]:
    """The rank of a module's layer, and its name; a module that has no place stands above all."""
    places = {
        place: (rank, layer)
        for rank, (layer, members) in enumerate(LAYERS)
        for place in members
        if module == place or (place and module.startswith(f"{place}."))
    }
    return places[max(places, key=len)] if places else (len(LAYERS), "nowhere")


def is_for_types_only(node: ast.stmt) -> bool:
    """Whether this is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Everything that can run, also inside of functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and is_for_types_only(node):
            yield from (inner for each in node.orelse for inner in (each, *statements(each)))
            continue
        yield node
        yield from statements(node)


def imports_of(path: Path) -> set[str]:
    """The full names of all modules that a file imports when it, or a function in it, runs."""
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide which layer is meant"
            found |= {_imported(node.module or "", each.name) for each in node.names}
    return found


def _imported(module: str, name: str) -> str:
    """`from asyncloader.wire import sigv4` imports a module, `from asyncloader.wire.sigv4 import Signer` what is in one."""
    inside = f"{module}.{name}".removeprefix("asyncloader.")
    return f"{module}.{name}" if inside in FILES else module


def own_imports_of(module: str) -> set[str]:
    """The modules of this package that a module imports."""
    return {
        name.removeprefix("asyncloader").removeprefix(".")
        for name in imports_of(FILES[module])
        if name == "asyncloader" or name.startswith("asyncloader.")
    }


def test_every_module_has_its_layer() -> None:
    assert not [module for module in FILES if layer_of(module)[1] == "nowhere"], "give it a place in LAYERS"


@pytest.mark.parametrize("module", FILES)
def test_an_import_points_only_down_the_layers(module: str) -> None:
    rank, layer = layer_of(module)
    for imported in own_imports_of(module):
        other_rank, other_layer = layer_of(imported)
        assert other_rank <= rank, f"{module} ({layer}) imports {imported or 'asyncloader'} ({other_layer})"


@pytest.mark.parametrize("module", [module for module in FILES if module.split(".")[0] in WAY_OF_THE_DATA])
def test_the_pure_layers_follow_the_way_of_the_data(module: str) -> None:
    own = WAY_OF_THE_DATA.index(module.split(".")[0])
    for imported in own_imports_of(module):
        package = imported.split(".")[0]
        assert package not in WAY_OF_THE_DATA[own + 1 :], f"{module} imports {imported}, which comes behind it"


@pytest.mark.parametrize("module", [module for module in FILES if layer_of(module)[1] in ("values", "pure")])
def test_the_pure_layers_neither_wait_nor_touch_the_world(module: str) -> None:
    assert not {name.split(".")[0] for name in imports_of(FILES[module])} & NOT_PURE
    assert not [node for node in statements(ast.parse(FILES[module].read_text())) if isinstance(node, ast.Await)]


@pytest.mark.parametrize("library", OWNERS)
def test_only_one_file_imports_a_library_of_the_edges(library: str) -> None:
    importers = {
        module for module, path in FILES.items() if library in {name.split(".")[0] for name in imports_of(path)}
    }
    assert importers == {OWNERS[library]}


def test_only_the_command_line_uses_the_embedded_server() -> None:
    users = {
        module
        for module in FILES
        for imported in own_imports_of(module)
        if imported.split(".")[0] == "local" and module.split(".")[0] != "local"
    }
    assert users
    assert {module.split(".")[0] for module in users} == {"cli"}


@pytest.mark.parametrize("module", FILES)
def test_no_file_is_long(module: str) -> None:
    lines = len(FILES[module].read_text().splitlines())
    assert lines <= LIMIT_LINES, f"{FILES[module].name} has {lines} lines; give one of its nouns a file of its own"


@pytest.mark.parametrize("module", FILES)
def test_every_file_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse(FILES[module].read_text()))


REPLACED = {
    "siding": "queue of a hot key",
    "turnstile": "pacing gate",
    "narrows": "congestion gate",
    "crew": "concurrency gate",
    "fate": "outcome",
    "aloft": "in flight",
    "cargo": "what is in flight",
    "parcel": "put batch",
    "intake": "accumulator",
    "unheard": "unretrieved",
    "voice": "messenger",
    "verdict": "final error",
    "ledger": "checkpointer",
    "lane": "split",
    "sighting": "duplicate key",
    "census": "counter",
    "anatomy": "breakdown",
    "outbox": "coalescer",
    "gateway": "transport factory",
    "survey": "plan",
    "papers": "load files",
    "landed": "settled",
    "heir": "successor",
    "guard": "budget gate",
    "gauge": "capacity estimate",
    "ceiling": "index limits",
    "allowance": "budget meter",
    "bench": "encode pool",
    "unkept": "null journal",
    "equip": "bind",
    "backlog": "retry queue",
    "undivided": "unsplittable reason",
    "recognise": "resolve",
}
"""Words that the package had of its own, and the term that stands for each: names and docs speak the field's language."""


@pytest.mark.parametrize("module", FILES)
def test_no_file_speaks_a_language_of_its_own(module: str) -> None:
    """Neither in its name nor in its text: `fate` is meant as a word or a part of a name, not inside of another word."""
    words = set(re.findall(r"[a-z]+", re.sub(r"([A-Z])", r" \1", f"{module} {FILES[module].read_text()}").lower()))
    for old, term in REPLACED.items():
        assert not words & {old, f"{old}s"}, f"{module} says {old!r}; say {term!r}"

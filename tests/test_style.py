"""The rules that a reader of the code may rely on: layers, doors, sizes, man pages."""

from __future__ import annotations

import ast
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import pytest

from ovstools.cli import commands
from ovstools.cli.main import group
from ovstools.errors import ExitStatus

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "src" / "ovstools"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAN = CHECKOUT / "man"

#: arrows point down: what each layer may import of the others
LAYERS = {
    "errors": set[str](),
    "model": {"errors"},
    "settings": {"errors"},
    "system": {"model", "settings", "errors"},
    "checks": {"system", "model", "settings", "errors"},
    "ha": {"system", "model", "settings", "errors"},
    "ops": {"checks", "system", "model", "settings", "errors"},
    "cli": {"ops", "checks", "ha", "system", "model", "settings", "errors", "__version__"},
    "__init__": set[str](),
}
#: libraries that have one door, and the module that is it
DOORS = {"sh": "system/runner.py", "rich": "cli/output.py", "click": "cli/"}
#: too slow to load for those commands that do without; imported inside functions
LAZY = {"sh", "rich", "yaml", "psutil"}
#: programs are run by system/runner.py, through sh or by what follows, and by nothing else
NEVER_IMPORTED = {"subprocess", "pty", "multiprocessing", "commands", "popen2"}
NEVER_CALLED = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp"}
#: a daemon's expendable children, which nobody waits for
MAY_CALL = {"system/child.py": {"posix_spawn", "execv"}}
#: the standard library as far as it knows nothing of the machine or the time
PURE = {
    "__future__", "abc", "binascii", "bisect", "collections", "contextlib", "dataclasses",
    "difflib", "enum", "functools", "hashlib", "heapq", "ipaddress", "itertools", "json", "math",
    "operator", "pathlib", "posixpath", "re", "shlex", "string", "struct", "textwrap", "typing",
}  # fmt: skip
#: of pathlib, what touches no file
PURE_PATHS = {"PurePath", "PurePosixPath"}
#: posixpath's functions that ask the file system
IMPURE_PATH_FUNCTIONS = {
    "exists", "expanduser", "expandvars", "getatime", "getctime", "getmtime", "getsize", "isdir",
    "isfile", "islink", "ismount", "lexists", "realpath", "abspath", "samefile",
}  # fmt: skip
MAX_LINES = 250
#: longer modules, and why they are not two
LONG_MODULES: dict[str, str] = {}


def name_of(path: Path) -> str:
    """Name a module in a message."""
    return str(path.relative_to(PACKAGE))


def each_of(paths: Sequence[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Make one test of a rule for modules; it names all that break it.

    One, not a test for each module: thousands of tests take longer than their rules.
    """

    def decorate(rule: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            broken = []
            for path in paths:
                try:
                    rule(path)
                except AssertionError as error:
                    broken.append(f"{name_of(path)}: {error}")
            assert not broken, "\n".join(broken)

        test.__doc__ = rule.__doc__
        return test

    return decorate


every_module = each_of(MODULES)


def layer_of(path: Path) -> str:
    """Return the folder of a module, or its own name when it is at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(path: Path, tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports, inside functions as well: ovstools.system.files, os.path."""
    package = ("ovstools", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def top_level_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the libraries that are loaded with a module, not when a function is called."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        waiting += [n for n in ast.iter_child_nodes(node) if not isinstance(n, functions)]


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Return a module's syntax tree; Python 3.9 must understand it."""
    return ast.parse(path.read_text(), str(path), feature_version=(3, 9))


@every_module
def test_arrows_point_down(path: Path) -> None:
    layer = layer_of(path)
    assert layer in LAYERS, f"{layer} is no layer; say in LAYERS what it may import"
    found = {
        name.split(".")[1] for name in imported_names(path, parsed(path)) if "ovstools." in name
    }
    assert found - {layer} <= LAYERS[layer]


@every_module
def test_libraries_have_one_door(path: Path) -> None:
    name = name_of(path)
    imported = {found.partition(".")[0] for found in imported_names(path, parsed(path))}
    for library, door in DOORS.items():
        assert library not in imported or name.startswith(door), f"only {door} imports {library}"
    assert not imported & NEVER_IMPORTED
    assert not set(top_level_imports(parsed(path))) & LAZY, "import it inside the function"


@every_module
def test_nobody_starts_a_program_but_the_runner(path: Path) -> None:
    refused = NEVER_CALLED - MAY_CALL.get(name_of(path), set())
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os":
            assert node.attr not in refused, f"line {node.lineno}"
            is_start = node.attr.startswith(("exec", "spawn"))
            assert not is_start or node.attr in MAY_CALL.get(name_of(path), ()), (
                f"line {node.lineno}"
            )
    direct = {name for name in imported_names(path, parsed(path)) if name.startswith("os.")}
    assert not direct & {f"os.{name}" for name in refused}


@each_of([path for path in MODULES if layer_of(path) == "model"])
def test_model_is_pure(path: Path) -> None:
    tree = parsed(path)
    for name in imported_names(path, tree):
        library, _, rest = name.partition(".")
        assert library in PURE | {"ovstools"}, f"{name} may touch the machine; see PURE"
        assert library != "pathlib" or rest in PURE_PATHS, name
        assert library != "posixpath" or rest not in IMPURE_PATH_FUNCTIONS, name
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("open", "input", "print", "exec", "eval", "__import__"), called
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "posixpath":
            assert node.attr not in IMPURE_PATH_FUNCTIONS, f"line {node.lineno}"


@every_module
def test_modules_are_short(path: Path) -> None:
    length = len(path.read_text().splitlines())
    if name_of(path) in LONG_MODULES:
        assert length > MAX_LINES, "take it off LONG_MODULES"
    else:
        assert length <= MAX_LINES


@every_module
def test_nothing_prints_but_the_two_that_may(path: Path) -> None:
    """Stdout is for answers (click.echo in cli), stderr for talk (system/talk.py)."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            assert name_of(path) == "system/talk.py", f"line {node.lineno}"


@every_module
def test_nothing_is_left_undone(path: Path) -> None:
    found = re.findall(r"\b(?:TODO|FIXME|XXX|NotImplemented\w*)\b", path.read_text())
    assert not found


@every_module
def test_what_is_public_has_a_docstring(path: Path) -> None:
    tree = parsed(path)
    if not tree.body:
        return
    assert ast.get_docstring(tree), "the module"
    for node in public(tree):
        docstring = ast.get_docstring(node)
        assert docstring, f"line {node.lineno}: {node.name}"
        assert docstring[0].isupper() or docstring[0] in "`'\"", f"{node.name}: {docstring}"


def public(
    tree: ast.Module | ast.ClassDef,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield functions, classes and methods whose names say that others may use them."""
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@every_module
def test_annotations_are_not_evaluated(path: Path) -> None:
    """Python 3.9 could not evaluate `str | None`."""
    if parsed(path).body and layer_of(path) != "errors" and path.name != "__init__.py":
        assert "__future__.annotations" in set(imported_names(path, parsed(path)))


@pytest.mark.parametrize(
    "words, unwanted",
    [
        (["--version"], LAZY | {"traceback", "shlex", "pathlib", "tempfile", "ovstools.ops"}),
        (["--help"], LAZY | {"traceback", "shlex", "pathlib", "tempfile", "ovstools.ops"}),
        (["cluster-check", "--json"], LAZY | {"tempfile"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_load_only_what_they_need(
    words: list[str], unwanted: set[str], tmp_path: Path
) -> None:
    code = (
        "import sys; from ovstools.cli import main; words = sys.argv[1:]\n"
        "main.run(main.group, 'ovstools', words); print(*sys.modules, file=sys.stderr)"
    )
    line = [sys.executable, "-S", "-c", code, "--root", str(tmp_path), *words]
    path = {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *sys.path])}
    done = subprocess.run(line, env=path, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split()) & unwanted
    assert not loaded


# ---------------------------------------------------------------- commands and man pages


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and the commands below it, named as they are called."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below is not None
            yield from walk(f"{name} {word}", below)


EVERY_COMMAND = dict(walk("ovstools", group))
#: those with a historic name of their own; the others' pages are ovstools-NAME.8
HISTORIC = {"makerepo", "offlinerepo", "cluster-configure", "cluster-check", "hb-ctl"}
#: commands that share a page
TOGETHER = {
    "what-if": "status",
    "why": "status",
    "install-units": "install",
    "install-links": "install",
    "install-hook": "install",
    "guest-hook": "install",
}


def page_of(name: str) -> Path:
    """Return the man page of a command, named as it is called."""
    words = name.split()
    if len(words) == 1:
        return MAN / "ovstools.8"
    word = TOGETHER.get(words[1], words[1])
    return MAN / (f"ovs-{word}.8" if word in HISTORIC else f"ovstools-{word}.8")


PAGES = sorted({page_of(name) for name in EVERY_COMMAND} | set(MAN.glob("*.[58]")))
COMMAND_PAGES = [page for page in PAGES if page.suffix == ".8"]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
SECTIONS = (
    "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "FILES", "EXAMPLES", "SEE ALSO",
)  # fmt: skip


def sections_of(page: Path) -> dict[str, str]:
    """Return the text of each section of an mdoc page, by its title."""
    title, found = "", {"": ""}
    for line in page.read_text().splitlines():
        if line.startswith(".Sh "):
            title = line[len(".Sh ") :].strip().strip('"')
            found[title] = ""
        else:
            found[title] += f"{line}\n"
    return found


def names_option(text: str, option: str) -> bool:
    """Tell whether mdoc text has the option as a flag: `Fl -json`, `Fl d`."""
    plain = text.replace("\\-", "-")
    return bool(re.search(rf"\bFl {re.escape(option[1:])}(?![\w-])", plain))


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_table_says_what_the_help_says(name: str) -> None:
    command = commands.load_command(name)
    assert command.name == name
    first_line = (command.help or "").strip().splitlines()[0]
    assert commands.COMMANDS[name][2] == first_line


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_every_option_has_help_and_is_in_the_man_page(name: str) -> None:
    page = page_of(name)
    assert page.exists(), f"{page.name} is missing"
    text = page.read_text()
    for parameter in EVERY_COMMAND[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts
            missing = [option for option in parameter.opts if not names_option(text, option)]
            assert not missing, f"{page.name} does not name {missing}"


@pytest.mark.parametrize("name", [name for name in EVERY_COMMAND if name.count(" ") == 2])
def test_every_word_is_in_the_man_page(name: str) -> None:
    assert re.search(
        rf"^\.(It )?(Cm|Nm|Ic|Ar)\b.* {name.split()[-1]}\b", page_of(name).read_text(), re.M
    )


@every_page
def test_page_has_the_sections(page: Path) -> None:
    assert page.exists(), f"{page.name} is missing"
    found = list(sections_of(page))
    if page.suffix == ".8":
        assert [title for title in found if title in SECTIONS] == list(SECTIONS)


@pytest.mark.parametrize("page", COMMAND_PAGES, ids=lambda page: page.name)
def test_page_has_the_exit_statuses(page: Path) -> None:
    """All of them everywhere: they are one contract."""
    lines = sections_of(page)["EXIT STATUS"].splitlines()
    items = " ".join(line for line in lines if line.startswith(".It "))
    words = [*(rf"{int(status)}\b" for status in ExitStatus), r"128 ?\+"]
    missing = [word for word in words if not re.search(rf"\b{word}", items)]
    assert not missing, f"{page.name}: EXIT STATUS does not name {missing}"


@every_page
def test_page_is_clean(page: Path) -> None:
    checkers = (["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-mdoc", "-ww", "-z"])
    words = next((words for words in checkers if shutil.which(words[0])), None)
    if words is None:
        pytest.skip("neither mandoc nor groff is installed")
    done = subprocess.run([*words, str(page)], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).splitlines()
    # OpenBSD has FILES before EXIT STATUS; Linux pages have it after (man-pages(7)).
    assert [line for line in said if "sections out of conventional order" not in line] == []

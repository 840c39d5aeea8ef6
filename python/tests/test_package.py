import ast
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import attend

PACKAGE = Path(attend.__file__).parent


def test_the_stub_names_what_the_extension_has():
    stub = ast.parse((PACKAGE / "_attend.pyi").read_text())
    named = {n.name for n in stub.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    named |= {n.target.id for n in stub.body if isinstance(n, ast.AnnAssign)}
    assert named == {n for n in dir(attend._attend) if not n.startswith("_")}


def test_type_checkers_are_told_that_there_are_types():
    assert (PACKAGE / "py.typed").exists()


def test_what_is_offered_is_there_and_documented():
    for name in attend.__all__:
        thing = getattr(attend, name)
        assert name == "__version__" or thing.__doc__ or name == "isas"
    assert attend.__version__ == attend._attend.version


def test_pytorch_is_not_imported_unless_asked_for():
    check = "import attend, sys; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.parametrize(
    "part, sentence",
    [
        ("torch", 'attend.torch needs PyTorch: install it with pip install ".[torch]" ('),
        ("transformers", "attend.transformers needs PyTorch and transformers from version 5 on: install them with pip"),
    ],
)
def test_the_optional_parts_say_what_they_lack(part, sentence):
    lacking = (
        f"import sys; sys.modules[{part!r}] = None\n"
        f"try: import attend.{part}\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", lacking], check=True, capture_output=True, text=True).stdout
    assert said.startswith(sentence) and said.count("\n") == 1


def functions_of(thing):
    """Public functions, and the public methods and __init__ of classes."""
    if inspect.isfunction(thing):
        return [thing]
    if not inspect.isclass(thing):
        return []
    return [f for name, f in vars(thing).items() if inspect.isfunction(f) and (name == "__init__" or name[0] != "_")]


@pytest.mark.parametrize("name", [n for n in attend.__all__ if functions_of(getattr(attend, n))])
def test_annotations_can_be_read_at_run_time(name):
    for function in functions_of(getattr(attend, name)):
        hints = typing.get_type_hints(function)
        assert set(inspect.signature(function).parameters) - {"self"} <= set(hints)

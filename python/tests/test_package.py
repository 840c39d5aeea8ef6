import ast
import importlib
from pathlib import Path

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
    import subprocess
    import sys

    check = "import attend, sys; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_the_optional_parts_say_what_they_lack():
    for name, needed in (("torch", "torch"), ("transformers", "transformers")):
        if importlib.util.find_spec(needed) is None:
            try:
                importlib.import_module(f"attend.{name}")
            except ModuleNotFoundError as error:
                assert error.name in ("torch", "transformers")
            else:
                raise AssertionError(f"attend.{name} was imported without {needed}")

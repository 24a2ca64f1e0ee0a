"""In a new interpreter, because torch's compiler is imported once a process.

That no model wants it is in tests/test_public_api.py.
"""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib.util, sys, torch
spec = importlib.util.spec_from_file_location("waits", sys.argv[1])
waits = importlib.util.module_from_spec(spec)
spec.loader.exec_module(waits)
disable = torch.compiler.disable

with waits.compiler_waits():
    from torch._dynamo.utils import is_compile_supported
    @torch.compiler.disable
    def marked(number):
        return number + 1
    assert not {"torch._dynamo", "sympy"} & set(sys.modules)
assert torch.compiler.disable is disable and "torch._dynamo.utils" not in sys.modules

with waits.compiler_waits():
    from torch._dynamo.utils import counters
    import torch._dynamo.utils
    assert "_dynamo" in torch._dynamo.utils.__file__ and counters is torch._dynamo.utils.counters
assert sys.modules["torch._dynamo.utils"] is torch._dynamo.utils
assert is_compile_supported("cpu") == torch._dynamo.utils.is_compile_supported("cpu")
assert marked(1) == 2 and marked.__name__ == "marked"
assert torch.compile(lambda number: number * 2, backend="eager", fullgraph=True)(torch.ones(1)) == 2
try:
    torch.compile(lambda number: marked(number) * 2, backend="eager", fullgraph=True)(torch.ones(1))
except torch._dynamo.exc.Unsupported:
    print("refused")

with waits.compiler_waits():
    assert torch.compiler.disable is disable
"""


def test_the_compiler_comes_when_it_is_wanted_and_then_does_what_it_was_asked() -> None:
    from vitviz.models import compiler_waits

    command = [sys.executable, "-c", SCRIPT, str(compiler_waits.__file__)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr

"""Observed: a shell that was proven to answer as the user's module does, and is proven again when that changes."""

from __future__ import annotations

import threading

from torch import Tensor, nn

from vitviz.capture.fingerprint import Fingerprint
from vitviz.capture.proof import noise, prove
from vitviz.clause import Clause
from vitviz.errors import CaptureError, UnsupportedModelError


class Observed:
    """The shell of a user's module, and what the module was like when its answers were last seen to be equal."""

    def __init__(
        self, name: str, module: nn.Module, shell: nn.Module, shape: tuple[int, int, int], *, answer: Tensor
    ) -> None:
        """Prove that a module answers as its shell did, ``answer``, to ``noise`` of (channel, height, width).

        Raises UnsupportedModelError, with both numbers, if it does not.
        """
        self._name, self._module, self._shell, self._shape = name, module, shell, shape
        self._lock = threading.RLock()
        self._answer = prove(name, module, shell, noise(shell, shape), answer)
        self._fingerprint = Fingerprint(module)

    @property
    def proven(self) -> nn.Module:
        """The shell as it was proven last, not checked again: for the later parts of a pass that began with a check."""
        return self._shell

    def shell_for(self, module: nn.Module) -> nn.Module:
        """Return the shell for a module that is as it was, or that answers as the shell does although it changed.

        Raises CaptureError, with both numbers and what was changed, if it does not.
        """
        if module is self._module and self._fingerprint.holds(module):
            return self._shell
        with self._lock:
            self._prove_again(module)
        return self._shell

    def _prove_again(self, module: nn.Module) -> None:
        changed = self._fingerprint.changes(module)
        if changed or module is not self._module:
            known = self._answer if self._fingerprint.has_weights_of(module) else None  # the shell's is the same
            try:
                self._answer = prove(self._name, module, self._shell, noise(self._shell, self._shape), known)
            except UnsupportedModelError as error:
                more = Clause(" and {last} more", last=len(changed) - 3) if len(changed) > 3 else ""
                raise CaptureError(
                    "The module behind {name} was changed after it was wrapped: wrap it again with "
                    "ViT.from_module. Changed: {listed}{more}. {error}",
                    name=self._name,
                    listed=", ".join(changed[:3]) or Clause("the module itself"),
                    more=more,
                    error=error,
                ) from error
        self._module, self._fingerprint = module, Fingerprint(module)

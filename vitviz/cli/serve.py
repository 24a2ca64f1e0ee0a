"""The command serve: the dashboard, through Streamlit's own command."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from vitviz.assets import HOME
from vitviz.atlas import read_atlas
from vitviz.errors import OptionError, VitvizError
from vitviz.models.devices import DEVICE, PRECISION, Placement, Precision
from vitviz.models.model_folder import VARIABLE, ModelFolder

ADDRESS = "127.0.0.1"
"""This machine alone may look; --address 0.0.0.0 lets the network in."""
LOCAL = ("127.0.0.1", "localhost", "::1")
ATLASES = "VITVIZ_ATLASES"
"""Environment variable in which the dashboard looks for folders of atlases; see ``vitviz.ui.kept.atlases``."""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve", help="start the dashboard", description="Start the dashboard; stop it with Ctrl+C.", allow_abbrev=False
    )
    parser.add_argument("--port", type=int, help="port to listen on (default: 8501)")
    parser.add_argument("--address", "--host", help=f"address to listen on (default: {ADDRESS}, this machine only)")
    parser.add_argument("--open", action="store_true", help="open the dashboard in the browser once it answers")
    parser.add_argument(
        "--models", metavar="FOLDER", type=Path,
        help="a folder whose weights files and models of transformers readers may open; nothing outside of it",
    )  # fmt: skip
    parser.add_argument("--device", help="where models compute: cpu (default), cuda, cuda:1, mps, or auto")
    parser.add_argument("--precision", choices=get_args(Precision), help="of weights and passes (default: float32)")
    parser.add_argument(
        "--atlas", metavar="FOLDER", type=Path, action="append", default=[],
        help="result of the command atlas for the Atlas page, whose readers then see the photos that it lists; may be "
        "given several times",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Start the dashboard in place of this process."""
    app = app_file(HOME)
    if arguments.models is not None:
        os.environ[VARIABLE] = str(ModelFolder(arguments.models).root)
    given = command(app, os.environ, port=arguments.port, address=arguments.address, browser=arguments.open)
    if (arguments.address or ADDRESS) not in LOCAL:
        print(f"Open to the network at {arguments.address}, without a password: whoever reaches the port can use it.")
    os.environ |= placing(os.environ, device=arguments.device, precision=arguments.precision)
    if arguments.atlas:
        os.environ[ATLASES] = atlas_folders(arguments.atlas)
    os.chdir(app.parent)  # Streamlit reads .streamlit/config.toml from there
    if sys.platform == "win32":  # there, a replaced process loses its console
        raise SystemExit(subprocess.call(given))
    sys.stdout.flush()
    os.execv(given[0], given)


def atlas_folders(given: Sequence[Path]) -> str:
    """Return the folders of atlases as the dashboard takes them, put together as paths are.

    Raises OptionError for a folder that holds no finished atlas of this version, by its name, and for one whose path
    holds the sign that stands between paths.
    """
    paths = [path.expanduser().resolve() for path in given]
    for path in paths:
        read_atlas(path)
        if os.pathsep in str(path):
            raise OptionError(f"{path} has {os.pathsep!r} in its path; wanted a folder without it. Rename or move it.")
    return os.pathsep.join(str(path) for path in paths)


def app_file(root: Path) -> Path:
    """Return the dashboard's entry; raises VitvizError if it or Streamlit is not there."""
    app = root / "app.py"
    if not app.is_file():
        raise VitvizError(f"There is no {app.name} beside the package; wanted a whole copy of vitviz. Clone it again.")
    if find_spec("streamlit") is None:
        raise VitvizError("The dashboard needs Streamlit, which is not installed. Run: pip install -r requirements.txt")
    return app


def placing(environment: Mapping[str, str], *, device: str | None, precision: str | None) -> dict[str, str]:
    """Return the variables that tell the dashboard where to compute; those that are set count where no option is given.

    Raises OptionError for a device that is not here or a precision that is none.
    """
    chosen = {DEVICE: device or environment.get(DEVICE), PRECISION: precision or environment.get(PRECISION)}
    Placement.of(chosen[DEVICE] or "cpu", chosen[PRECISION] or "float32")
    return {name: value for name, value in chosen.items() if value}


def command(
    app: Path, environment: Mapping[str, str], *, port: int | None, address: str | None, browser: bool = False
) -> list[str]:
    """Return the command that starts the dashboard; Streamlit's own variables count where no option is given.

    Raises OptionError for a port that does not exist.
    """
    given = [sys.executable, "-m", "streamlit", "run", str(app)]
    if address is None and "STREAMLIT_SERVER_ADDRESS" not in environment:
        address = ADDRESS
    if address is not None:
        given.append(f"--server.address={address}")
        if address not in LOCAL and "STREAMLIT_SERVER_ALLOWED_HOSTS" not in environment:
            given.append("--server.allowedHosts=*")  # others call this machine by names that are not known here
    if port is not None:
        if not 1 <= port <= 65535:
            raise OptionError(f"There is no port {port}; wanted one from 1 to 65535. 8501 is the usual one.")
        given.append(f"--server.port={port}")
    if browser:
        given.append("--server.headless=false")  # Streamlit then opens it
    return given

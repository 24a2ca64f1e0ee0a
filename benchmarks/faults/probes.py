"""Host, Origin and XSRF probes against the running dashboard: what another web page or machine could try.

python benchmarks/faults/probes.py [--quick]
"""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


from benchmarks.faults.harness import SMALL, Server, arguments, serving, tell
from benchmarks.faults.reader import COOKIE, Reader, put

FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8501",
    "127.0.0.1.evil.example",
    "169.254.169.254",
    "0.0.0.0",
    "[::]",
    "",
)
FOREIGN_ORIGINS = (
    "http://evil.example",
    "https://evil.example:8501",
    "null",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1@evil.example",
    "file://",
)


def main() -> None:
    options = arguments(__doc__)
    rows = [("probe", "wanted", "got", "as wanted")]
    with serving() as server:
        for name, wanted, probe in probes(server):
            got = probe()
            rows.append((name, wanted, got, "yes" if got == wanted else "NO"))
    text = "Each probe is what a foreign web page (DNS rebinding, cross-site request) or another machine could send."
    tell(options, "probes", "Host, Origin and XSRF probes", text, rows, {"rows": rows[1:]})


def probes(server: Server) -> list[tuple[str, str, Callable[[], str]]]:
    """Return (name, what is wanted, probe) of every probe."""
    own = f"127.0.0.1:{server.port}"
    told = [("listens on", "127.0.0.1 only", lambda: listens(server.port))]
    told.append(("page's socket, own Host and Origin", "open", lambda: websocket(server, own, f"http://{own}")))
    local = f"localhost:{server.port}"
    told.append(("page's socket, as localhost", "open", lambda: websocket(server, local, f"http://{local}")))
    for host in FOREIGN_HOSTS:
        name = f"page's socket, Host {host or '(empty)'}"
        told.append((name, "refused", lambda host=host: websocket(server, host, f"http://{host}")))
    for origin in FOREIGN_ORIGINS:
        name = f"page's socket, Origin {origin}"
        told.append((name, "refused", lambda origin=origin: websocket(server, own, origin)))
    told += [(name, wanted, lambda kind=kind: upload(server, kind)) for name, wanted, kind in UPLOADS]
    told.append(("answer lets another origin read it", "no", lambda: shared(server)))
    told.append(("cookie of the token is kept to the own site", "yes", lambda: strict(server)))
    told.append(("path out of the static folder", "nothing", lambda: outside(server)))
    return told


UPLOADS = (
    ("upload with the page's token", "taken", "right"),
    ("upload without a token", "refused", "none"),
    ("upload with the cookie alone", "refused", "cookie"),
    ("upload with the header alone", "refused", "header"),
    ("upload with another token in the header", "refused", "other"),
    ("upload to another session", "refused", "session"),
    ("deletion without a token", "refused", "delete"),
)


def listens(port: int) -> str:
    """Return whether any other address of this machine answers at the port, from Linux's table of sockets."""
    wanted, addresses = f"{port:04X}", set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        path = Path(table)
        for line in path.read_text().splitlines()[1:] if path.is_file() else ():
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.partition(":")
            if number == wanted and state == "0A":  # listening
                addresses.add(address)
    return "127.0.0.1 only" if addresses == {"0100007F"} else f"listening on {sorted(addresses)}"


def websocket(server: Server, host: str, origin: str) -> str:
    """Return whether the page's socket opens under a Host and an Origin."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    lines = [
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: streamlit",
        f"Origin: {origin}", "", "",
    ]  # fmt: skip
    with plain:
        plain.sendall("\r\n".join(lines).encode())
        status = plain.recv(200).split(b"\r\n")[0].decode(errors="replace")
    return "open" if " 101 " in f"{status} " else "refused"


def upload(server: Server, kind: str) -> str:
    """Return whether an upload is taken with these parts of the page's token."""
    with Reader(server.url) as reader, Reader(server.url) as other:
        reader.open("", **SMALL)
        other.open("", **SMALL)
        session = "0" * 36 if kind == "session" else reader.session
        address = f"{server.url}/_stcore/upload_file/{session}/probe"
        if kind == "delete":
            return _answer(_delete(server, f"/_stcore/upload_file/{reader.session}/probe"))
        if kind in ("right", "session"):
            return _answer(put(address, "a.png", b"x", reader.token))
        headers = {
            "none": {},
            "cookie": {"Cookie": f"{COOKIE}={reader.token}"},
            "header": {"X-Xsrftoken": reader.token},
            "other": {"Cookie": f"{COOKIE}={reader.token}", "X-Xsrftoken": "2|00000000|" + "0" * 32 + "|0"},
        }[kind]
        return _answer(put(address, "a.png", b"x", "", **headers))


def _answer(status: int) -> str:
    return "taken" if status < 300 else "refused" if status in (400, 403) else f"status {status}"


def _delete(server: Server, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("DELETE", path)
    status = connection.getresponse().status
    connection.close()
    return status


def _get(server: Server, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read(1)
    return answer


def shared(server: Server) -> str:
    """Return whether answers carry a permission for another origin."""
    paths = ("/", "/_stcore/health", "/_stcore/host-config")
    allowed = {
        _get(server, path, Origin="http://evil.example").getheader("Access-Control-Allow-Origin") for path in paths
    }
    return "yes" if allowed & {"*", "http://evil.example"} else "no"


def strict(server: Server) -> str:
    """Return whether the token's cookie is kept from requests of other sites."""
    cookie = _get(server, "/_stcore/health").getheader("Set-Cookie") or ""
    return "yes" if "samesite=lax" in cookie.lower() or "samesite=strict" in cookie.lower() else "no"


def outside(server: Server) -> str:
    """Return whether a path leads to a file outside what the server gives out."""
    marks = (b"root:", b"import streamlit")
    for path in ("/../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/app/static/../../app.py", "/%2e%2e/app.py"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", path)
        content = connection.getresponse().read(100_000)
        if any(mark in content for mark in marks):
            return f"{path} leads to a file"
        connection.close()
    return "nothing"


if __name__ == "__main__":
    main()

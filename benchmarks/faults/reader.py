"""Reader: one reader's session of a running dashboard, spoken in Streamlit's own protocol, without a browser.

It opens the websocket that the page opens, with the same cookie and token, sends what clicks and uploads send, and
keeps what the page would draw. Twenty of them weigh nothing beside a browser, so that the server is what is measured.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from vitviz.ui.components.packing import unpack

PATIENCE = 120.0
COOKIE = "_streamlit_xsrf"
_BUDGET = 256 * 1024 * 1024


@dataclass
class Drawn:
    """What a run of the page drew, by place; later messages replace earlier ones."""

    elements: dict[tuple[int, ...], Any] = field(default_factory=dict)
    seconds: float = 0.0
    finished: bool = False

    def of(self, kind: str) -> list[Any]:
        """Return the elements of a kind, in the order in which they came."""
        return [getattr(element, kind) for element in self.elements.values() if element.WhichOneof("type") == kind]

    @property
    def exceptions(self) -> list[str]:
        """What Streamlit shows where the code broke."""
        return [f"{element.type}: {element.message}" for element in self.of("exception")]

    @property
    def alerts(self) -> list[str]:
        """Every warning and error that the page tells."""
        return [element.body for element in self.of("alert")]

    @property
    def headings(self) -> list[str]:
        """The headings of the page; none where it stopped."""
        return [element.body for element in self.of("heading")]

    @property
    def texts(self) -> str:
        """All that can be read, to look for a traceback in it."""
        return "\n".join(
            str(element) for kind in ("markdown", "alert", "exception", "code") for element in self.of(kind)
        )

    def component(self, key: str) -> tuple[dict[str, Any], dict[str, bytes]] | None:
        """Return the header and the arrays that were sent to a component, or None."""
        blobs = [element.bytes for element in self.of("bidi_component") if element.id.endswith(f"-{key}")]
        return unpack(blobs[-1]) if blobs else None

    def widget(self, kind: str, key: str) -> str:
        """Return the id of the widget of a key, or an empty text."""
        return next((element.id for element in self.of(kind) if element.id.endswith(f"-{key}")), "")


class Reader:
    """A session: open pages, click, upload."""

    def __init__(self, url: str, *, locale: str = "en-US") -> None:
        self.url, self.locale = url, locale
        with urllib.request.urlopen(f"{url}/_stcore/host-config", timeout=PATIENCE) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        self.token = _token(cookies) or self._token_of_health()
        self.socket: ClientConnection = connect(
            f"ws{url.removeprefix('http')}/_stcore/stream",
            additional_headers={"Cookie": f"{COOKIE}={self.token}", "Accept-Language": locale},
            subprotocols=["streamlit", self.token] if self.token else ["streamlit"],  # type: ignore[list-item]
            max_size=_BUDGET,
            proxy=None,
            open_timeout=PATIENCE,
        )
        self.session = ""
        self.page, self.query = "", ""
        self.states: dict[str, WidgetState] = {}
        self.drawn = Drawn()

    def _token_of_health(self) -> str:
        with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=PATIENCE) as answer:
            return _token(answer.headers.get_all("Set-Cookie") or [])

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def open(self, page: str = "", patience: float = PATIENCE, **link: Any) -> Drawn:
        """Open a page by a link, as the address bar does."""
        self.page, self.query = page, urlencode(link)
        return self.run(patience=patience)

    def click(self, kind: str, key: str, patience: float = PATIENCE) -> Drawn:
        """Press a button that the page has drawn; raises LookupError if it has not."""
        name = self.drawn.widget(kind, key)
        if not name:
            raise LookupError(f"the page has no {kind} {key}")
        return self.run(WidgetState(id=name, trigger_value=True), patience=patience)

    def send(self, *clicked: WidgetState) -> None:
        """Ask for a run of the page with the widgets as they are, and wait for nothing."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name = self.query, self.page
        state.context_info.locale = self.locale
        state.context_info.url = f"{self.url}/{self.page}"
        state.widget_states.widgets.extend([*self.states.values(), *clicked])
        self.socket.send(message.SerializeToString())

    def run(self, *clicked: WidgetState, patience: float = PATIENCE) -> Drawn:
        """Ask for a run of the page and return what it drew when it has ended, or when the patience has."""
        self.send(*clicked)
        return self.wait(patience)

    def wait(self, patience: float = PATIENCE) -> Drawn:
        """Return what the page drew when its script has ended; ``finished`` is False if it did not in time."""
        drawn, start = Drawn(), time.perf_counter()
        while (left := patience - (time.perf_counter() - start)) > 0:
            try:
                message = self._next(left)
            except TimeoutError:
                break
            kind = message.WhichOneof("type")
            if kind == "new_session":
                drawn = Drawn()
            elif kind == "delta":
                self._draw(drawn, message)
            elif kind == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
            ):
                drawn.finished = True
                break
        drawn.seconds = time.perf_counter() - start
        self.drawn = drawn
        return drawn

    def until_drawn(self, key: str, patience: float = PATIENCE) -> float | None:
        """Return the seconds until a component of a key came after ``send``, or None; the run may go on after it."""
        start = time.perf_counter()
        while (left := patience - (time.perf_counter() - start)) > 0:
            try:
                message = self._next(left)
            except TimeoutError:
                return None
            if message.WhichOneof("type") == "new_session":
                self.drawn = Drawn()
            elif message.WhichOneof("type") == "delta":
                self._draw(self.drawn, message)
                if self.drawn.component(key) is not None:
                    return time.perf_counter() - start
        return None

    def upload(self, name: str, data: bytes, key: str = "upload") -> tuple[int, Drawn]:
        """Put a file into an upload box as the browser does; return the server's status and what the page then shows.

        A file that the box refuses for its suffix (415) or the server for its size (413) does not reach the page, as
        in the browser.
        """
        box = next(element for element in self.drawn.of("file_uploader") if element.id.endswith(f"-{key}"))
        if box.type and not name.lower().endswith(tuple(box.type)):
            return 415, self.drawn
        widget = box.id
        request = BackMsg()
        request.file_urls_request.request_id = "upload"
        request.file_urls_request.session_id = self.session
        request.file_urls_request.file_names.append(name)
        self.socket.send(request.SerializeToString())
        while (message := self._next(PATIENCE)).WhichOneof("type") != "file_urls_response":
            pass
        urls = message.file_urls_response.file_urls[0]
        status = put(f"{self.url}{urls.upload_url}", name, data, self.token)
        if status >= 400:
            return status, self.drawn
        state = WidgetState(id=widget)
        kept = state.file_uploader_state_value.uploaded_file_info.add()
        kept.name, kept.size, kept.file_id = name, len(data), urls.file_id
        kept.file_urls.CopyFrom(urls)
        self.states[widget] = state
        return status, self.run()

    def _next(self, patience: float) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(self.socket.recv(timeout=patience))  # type: ignore[arg-type]
        if message.WhichOneof("type") == "new_session":
            self.session = message.new_session.initialize.session_id
        elif message.WhichOneof("type") == "page_info_changed":
            self.query = message.page_info_changed.query_string
        return message

    def _draw(self, drawn: Drawn, message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") == "new_element":
            drawn.elements[tuple(message.metadata.delta_path)] = message.delta.new_element


def _token(cookies: list[str]) -> str:
    tokens = [cookie.split("=", 1)[1].split(";")[0] for cookie in cookies if cookie.startswith(f"{COOKIE}=")]
    return tokens[0] if tokens else ""


def put(url: str, name: str, data: bytes, token: str, **headers: str) -> int:
    """Send a file to the server's upload address and return the status; an empty token sends none."""
    mark = "vitviz-boundary-7d1f0a"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + f"\r\n--{mark}--\r\n".encode()
    given = {"Content-Type": f"multipart/form-data; boundary={mark}", **headers}
    if token:
        given |= {"Cookie": f"{COOKIE}={token}", "X-Xsrftoken": token}
    request = urllib.request.Request(url, data=body, headers=given, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except urllib.error.URLError as error:  # the server refused a large file before it had all of it
        if isinstance(error.reason, ConnectionError):
            return 413
        raise

"""What every page has before its first element: the style sheet and the script of the dashboard, in the HTML itself.

Sent as elements they come after others are drawn, and what is drawn already moves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
_HERE = Path(__file__).parent
_UNWANTED = (b"if-none-match", b"if-modified-since", b"range", b"accept-encoding")
"""Headers of a request that ask for less than the whole text: the file on the disk is not what is sent."""


def parts() -> bytes:
    """Return the style sheet and the script as they stand in the HTML."""
    css, js = ((_HERE / f"document.{suffix}").read_text(encoding="utf-8") for suffix in ("css", "js"))
    return f"<style>\n{css}</style>\n<script>\n{js}</script>\n".encode()


_OF_THE_FILE = (b"content-length", b"etag", b"last-modified", b"accept-ranges")
"""Headers of an answer that hold for the file on the disk and no longer for what is sent."""


class Document:
    """Middleware that puts style sheet and script at the end of the body of every HTML page, after Streamlit's own."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app
        self.parts = parts()

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if b"text/html" in headers.get(b"accept", b""):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() not in _UNWANTED]}
        await self.app(scope, receive, self._completed(send))

    def _completed(self, send: Send) -> Send:
        """Return what takes the messages of an answer: those of HTML are held until all of it is there."""
        held: list[Message] = []

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_html(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body"):
                    start, *bodies = held
                    body = b"".join(part.get("body", b"") for part in bodies)
                    body = body.replace(b"</body>", self.parts + b"</body>", 1)
                    start["headers"] = [pair for pair in start["headers"] if pair[0] not in _OF_THE_FILE]
                    start["headers"].append((b"content-length", str(len(body)).encode()))
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        return take


def _is_html(start: Message) -> bool:
    kind: bytes = dict(start["headers"]).get(b"content-type", b"")
    return start["status"] == 200 and kind.startswith(b"text/html")

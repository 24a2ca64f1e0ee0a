"""The style sheet and the script stand in the HTML; other answers go through as they are."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from vitviz.ui.furniture.document import Document, parts

PAGE = (b"<html><body><div id=root></div>", b"</body></html>")


async def _app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    kind = b"text/html; charset=utf-8" if scope["path"] != "/data" else b"application/json"
    status = 304 if any(name == b"if-none-match" for name, _value in scope["headers"]) else 200
    length = str(sum(map(len, PAGE))).encode()
    headers = [(b"content-type", kind), (b"content-length", length), (b"etag", b"old")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for number, body in enumerate(PAGE):
        await send({"type": "http.response.body", "body": body, "more_body": number == 0})


def _answer(path: str, *headers: tuple[bytes, bytes], method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}

    def run() -> None:
        asyncio.run(Document(_app)(scope, None, send))

    with ThreadPoolExecutor(1) as own:  # the browser's tests may have a loop running in this thread
        own.submit(run).result()
    start, *bodies = sent
    return start["status"], dict(start["headers"]), b"".join(message["body"] for message in bodies)


def test_a_page_has_the_style_sheet_and_the_script_before_the_end_of_its_body() -> None:
    status, headers, body = _answer("/heads", (b"accept", b"text/html"), (b"if-none-match", b"old"))
    assert status == 200  # not "unchanged": the file on the disk is not what was sent
    assert body == PAGE[0] + parts() + PAGE[1]
    assert int(headers[b"content-length"]) == len(body)
    assert b"etag" not in headers


@pytest.mark.parametrize(("path", "method"), [("/data", "GET"), ("/heads", "HEAD")])
def test_everything_else_goes_through_unchanged(path: str, method: str) -> None:
    _status, headers, body = _answer(path, method=method)
    assert body == b"".join(PAGE)
    assert headers[b"etag"] == b"old"

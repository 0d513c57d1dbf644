"""A headless Chromium, told what to do over its DevTools protocol (a pipe: nothing listens on a port)."""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from threading import Timer
from typing import Any, Final

EXECUTABLE: Final = next((found for found in map(shutil.which, ("chromium", "google-chrome", "chrome")) if found), None)
START: Final = 'exec "$0" --headless=new --no-sandbox --disable-gpu --remote-debugging-pipe "$@" about:blank 3<&0 4>&1'
"""The browser reads commands from descriptor 3 and answers on descriptor 4; both end with a zero byte."""
LONGEST: Final = 120.0
"""Seconds after which a browser that hangs is ended."""
REPORTED: Final = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded")
"""Events by which a page complains."""


@dataclass(kw_only=True)
class Browser:
    """A running one, and what it has said but nobody has read."""

    process: subprocess.Popen[bytes]
    unread: bytes = b""

    def write(self, message: Mapping[str, Any]) -> None:
        """Send a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()

    def read(self) -> Mapping[str, Any]:
        """Return the next answer or event."""
        assert self.process.stdout is not None
        pieces = [self.unread]
        while b"\0" not in pieces[-1]:
            pieces.append(os.read(self.process.stdout.fileno(), 1 << 20))
            assert pieces[-1], "the browser has gone"
        text, _, self.unread = b"".join(pieces).partition(b"\0")
        answer: Mapping[str, Any] = json.loads(text)
        return answer


@dataclass(kw_only=True)
class Tab:
    """One open page, and what the browser said about it.

    Args:
        browser: the browser.
        session: of the page.
        events: everything it reported, as (method, parameters).
    """

    browser: Browser
    session: str | None = None
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    _last: int = 0

    def send(self, method: str, **parameters: object) -> Mapping[str, Any]:
        """Return the answer to a command of the protocol."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        self.browser.write(message | ({"sessionId": self.session} if self.session else {}))
        while (answer := self.browser.read()).get("id") != self._last:
            self.events.append((answer["method"], answer["params"]))
        assert "error" not in answer, answer
        result: Mapping[str, Any] = answer["result"]
        return result

    def open(self, file: Path, *, width: int, scheme: str) -> None:
        """Show a file in a window of this width, to a reader who asks for this colour scheme, `light` or `dark`."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.send("Page.navigate", url=file.absolute().as_uri())
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            self.send("Runtime.evaluate", expression="0")

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to; a promise is awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def axe(self) -> list[str]:
        """Return what axe-core finds fault with."""
        source = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        # numbers that are hidden are looked at too
        found = self.value(f"document.querySelectorAll('details').forEach(one => one.open = true); {source}; axe.run()")
        return [f"{fault['id']}: {node['html']}" for fault in found["violations"] for node in fault["nodes"]]

    def complaints(self) -> list[str]:
        """Return what the page wrote to the console, errors included."""
        return [json.dumps(parameters) for method, parameters in self.events if method in REPORTED]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for, without `data:`."""
        sent = (said["request"]["url"] for method, said in self.events if method == "Network.requestWillBeSent")
        return [address for address in sent if not address.startswith("data:")]

    def screenshot(self, file: Path) -> None:
        """Write a picture of the whole page."""
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        file.write_bytes(b64decode(answer["data"]))

    def printed(self, file: Path) -> None:
        """Write the page as it is printed, A4."""
        answer = self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        file.write_bytes(b64decode(answer["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Run Chromium, its profile in a folder of its own."""
    assert EXECUTABLE is not None
    command = ["sh", "-c", START, EXECUTABLE, f"--user-data-dir={profile}", "--hide-scrollbars"]
    environment = {**os.environ, "HOME": str(profile)}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    watch = Timer(LONGEST, process.kill)
    watch.start()
    try:
        yield Browser(process=process)
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


@contextmanager
def new_tab(browser: Browser) -> Iterator[Tab]:
    """Open an empty page that is listened to."""
    tab = Tab(browser=browser)
    target = tab.send("Target.createTarget", url="about:blank")["targetId"]
    session = tab.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    tab = Tab(browser=browser, session=session, _last=tab._last)
    for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
        tab.send(f"{domain}.enable")
    yield tab
    Tab(browser=browser, _last=tab._last).send("Target.closeTarget", targetId=target)

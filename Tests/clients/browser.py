"""A headless Chromium, driven by the DevTools protocol over a pipe (--remote-debugging-pipe)."""

import base64
import fcntl
import itertools
import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path

from servers import eventually

COMMAND = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ANSWER_SECONDS = 30


class Browser:
    def __init__(self, folder: Path):
        switches = [
            "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-first-run",
            "--no-default-browser-check", "--disable-gpu", "--disable-sync", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", "--no-proxy-server", "--ignore-certificate-errors",
            "--force-color-profile=srgb", "--hide-scrollbars",
        ]  # fmt: skip
        if os.geteuid() == 0:
            switches.append("--no-sandbox")
        to_read, self.commands = os.pipe()
        self.answers, to_write = os.pipe()
        # Chromium reads from 3 and writes to 4.
        ours = [fcntl.fcntl(number, fcntl.F_DUPFD, 20) for number in (to_read, to_write)]
        os.close(to_read)
        os.close(to_write)
        command = ["bash", "-c", f'exec "$@" 3<&{ours[0]} 4>&{ours[1]}', "bash", COMMAND, *switches, "about:blank"]
        self.process = subprocess.Popen(
            command, pass_fds=ours, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for number in ours:
            os.close(number)
        self.numbers = itertools.count(1)
        self.waiting: dict[int, queue.Queue] = {}
        self.pages: dict[str, "Page"] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        rest = b""
        while chunk := os.read(self.answers, 1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            for text in messages:
                message = json.loads(text)
                if "id" in message:
                    self.waiting[message["id"]].put(message)
                elif page := self.pages.get(message.get("sessionId")):
                    page.events.append((message["method"], message["params"]))

    def send(self, method: str, session: str | None = None, **parameters) -> dict:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.waiting[number] = queue.Queue()
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        answer = self.waiting[number].get(timeout=ANSWER_SECONDS)
        del self.waiting[number]
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url: str, width: int = 1280, height: int = 900, scheme: str = "light") -> "Page":
        """A page in a profile of its own."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.look(width, height, scheme)
        page.go(lambda: page.send("Page.navigate", url=url))
        return page

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.commands)


class Page:
    def __init__(self, browser: Browser, session: str):
        self.browser = browser
        self.session = session
        self.events: list[tuple[str, dict]] = []

    def send(self, method: str, **parameters) -> dict:
        return self.browser.send(method, self.session, **parameters)

    def go(self, leave):
        """Leaves the document, and waits until the next one is there with all that it loads."""
        seen = len(self.events)
        leave()
        eventually(lambda: any(name == "Page.loadEventFired" for name, _ in self.events[seen:]), 30, "the page loads")

    def reload(self):
        self.go(lambda: self.send("Page.reload"))

    def look(self, width: int, height: int, scheme: str):
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, expression: str):
        """The value of a JavaScript expression, awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 20):
        """Waits until the expression is true; its value."""
        return eventually(lambda: self.value(expression), seconds, f"{expression}\n{self.text()}", every=0.05)

    def text(self, selector: str = "body") -> str:
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def press(self, key: str, code: int, text: str = ""):
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code,
                **({"text": text} if text and kind == "keyDown" else {}),
            )  # fmt: skip

    def write(self, text: str):
        """Types into what has the focus."""
        self.send("Input.insertText", text=text)

    def requests(self) -> list[str]:
        return [event["request"]["url"] for method, event in self.events if method == "Network.requestWillBeSent"]

    def problems(self, allowed: tuple[str, ...] = ()) -> list[str]:
        """Errors and warnings of scripts, of the security policy, of the network."""
        found = []
        for method, event in list(self.events):
            if method == "Runtime.exceptionThrown":
                found.append(json.dumps(event["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
                found.append(json.dumps(event["args"]))
            elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
                found.append(f"{event['entry']['source']}: {event['entry']['text']}")
        return [problem for problem in found if not any(text in problem for text in allowed)]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.value("document.documentElement.scrollWidth - window.innerWidth")

    def screenshot(self, path: Path):
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

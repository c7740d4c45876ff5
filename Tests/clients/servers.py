"""Starts the built programs for the tests: the simulated Qwen, and the gateway before it."""

import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30


def built(variable: str, name: str) -> str:
    """The program named by the environment variable, or else the newest build."""
    if path := os.environ.get(variable):
        return str(Path(path).resolve())
    builds = [ROOT / ".build" / kind / name for kind in ("debug", "release")]
    found = [path for path in builds if path.exists()]
    if not found:
        pytest.exit(f"{name} is not built: run `make build`, or set {variable}", returncode=1)
    return str(max(found, key=lambda path: path.stat().st_mtime))


def eventually(condition, seconds: float, what: str, every: float = 0.01):
    """The first true value of the condition; fails when there was none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)
    return value


@dataclass
class Certificates:
    """A development CA and certificate for localhost, in a folder of their own."""

    folder: Path
    ca: Path = field(init=False)
    chain: Path = field(init=False)
    key: Path = field(init=False)

    def __post_init__(self):
        subprocess.run([ROOT / "certs/make-dev-certs.sh", "--dir", self.folder], check=True, capture_output=True)
        self.ca, self.chain, self.key = (self.folder / name for name in ("ca.pem", "server.pem", "server.key"))

    def client_context(self) -> ssl.SSLContext:
        """As strict as Python 3.13 and newer are by default."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context


class Server:
    """A running program whose output goes to a file; ready once the output says so."""

    def __init__(self, command: list, environment: dict, folder: Path, ready: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / "output.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "HOME": str(folder)} | environment,
            )
        try:
            self.port = int(eventually(lambda: self._ready(ready), READY_SECONDS, f"{command[0]} is ready").group(1))
        except BaseException:
            self.kill()
            raise

    def _ready(self, pattern: str):
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log()}"
        return re.search(pattern, self.log())

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def resident(self) -> int:
        """Bytes of its memory that are resident."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def cpu_seconds(self) -> float:
        """What it has used, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_seconds_at_rest(self) -> float:
        """The same, once nothing more is being used."""
        last = -1.0
        while (used := self.cpu_seconds()) != last:
            last = used
            time.sleep(0.05)
        return used

    def stop(self, seconds: float = 30) -> int:
        """Asks it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Simulator(Server):
    """The simulated Qwen, which accepts one key only."""

    def __init__(self, certificates: Certificates, folder: Path, protocols: str = "h2,http/1.1", switches: str = ""):
        self.key = f"sk-upstream-{secrets.token_hex(16)}"
        self.certificates = certificates
        command = [built("SIMULATOR_BIN", "qwen-simulator"), "--host", "127.0.0.1", "--port", "0"]
        command += ["--cert", certificates.chain, "--key", certificates.key]
        command += ["--protocols", protocols, "--api-key", self.key, *(["--set", switches] if switches else [])]
        super().__init__(command, {}, folder, r"listening on https://127\.0\.0\.1:(\d+)")
        self.url = f"https://localhost:{self.port}/v1"

    def control(self, path: str, body: str | None = None) -> dict:
        """Reads what has happened, or, with a body, changes what happens: see ops/simulator.md."""
        request = f"https://127.0.0.1:{self.port}{path}"
        data = None if body is None else body.encode()
        with urllib.request.urlopen(
            request, data=data, context=self.certificates.client_context(), timeout=5
        ) as answer:
            return json.load(answer)

    def stats(self) -> dict:
        """How many calls are active, and were started, completed and cancelled so far."""
        return self.control("/_simulator/stats")

    def behave(self, switches: str):
        self.control("/simulator/behaviour", switches)

    def requests(self, last: int = 1) -> list[dict]:
        """The last requests that came, oldest first: method, path, fields and body."""
        return self.control(f"/simulator/requests?last={last}")

    def last_body(self) -> dict:
        return json.loads(self.requests()[-1]["body"])

    def stop(self, seconds: float = 30) -> int:
        self.kill()
        return 0


def gateway_command() -> list[str]:
    return [built("GATEWAY_BIN", "qwen-gateway"), "serve"]


class Gateway(Server):
    """The gateway on a free port, before a simulator."""

    def __init__(self, certificates: Certificates, simulator: Simulator, folder: Path, **settings: str):
        self.keys = [f"sk-client-{secrets.token_hex(32)}" for _ in range(2)]
        self.key = self.keys[0]
        self.certificates = certificates
        self.simulator = simulator
        self.settings = {
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": "0",
            "TLS_CERT_FILE": str(certificates.chain),
            "TLS_KEY_FILE": str(certificates.key),
            "UPSTREAM_CA_FILE": str(certificates.ca),
            "API_BASE_URL": simulator.url,
            "QWEN_API_KEY": simulator.key,
            "GATEWAY_API_KEYS": ",".join(self.keys),
            "RATE_LIMIT_RPS": "0",
            "ADMIN_ADDRESS": "",
            # What the simulator refuses is refused at once, unless a test wants otherwise.
            "UPSTREAM_RETRY_BUDGET": "0",
            "WORKERS": "2",
        } | settings
        super().__init__(gateway_command(), self.settings, folder, r'"msg":"listening"[^\n]*?"port":"?(\d+)')
        self.origin = f"https://localhost:{self.port}"
        self.url = f"{self.origin}/v1"

    @property
    def admin_address(self) -> str:
        """Host and port; it needs ADMIN_ADDRESS=127.0.0.1:0."""
        port = re.search(r'"admin_port":"?(\d+)', self.log()).group(1)
        return f"127.0.0.1:{port}"

    def admin(self, path: str) -> dict:
        """What the admin address answers."""
        try:
            with urllib.request.urlopen(f"http://{self.admin_address}{path}", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as answer:
            return json.load(answer)

    def command(self, *arguments: str, standard_input: str = "", **changes: str) -> subprocess.CompletedProcess:
        """Runs another command of the gateway with the gateway's own settings."""
        return subprocess.run(
            [built("GATEWAY_BIN", "qwen-gateway"), *arguments],
            cwd=self.output.parent,
            env={"PATH": os.environ["PATH"], "HOME": str(self.output.parent)} | self.settings | changes,
            input=standard_input,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def access_lines(self) -> list[dict]:
        """The access log so far."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if "status" in line and "outcome" in line]

    def secrets(self) -> list[str]:
        return [*self.keys, self.simulator.key]

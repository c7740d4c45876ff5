"""What runs in a measurement: the simulated Qwen, and one proxy before it; and what a process has used."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOAD_CORE, PROXY_CORE = 0, 1
CLIENT_KEY = "sk-" + "0123456789abcdef" * 4
READY_SECONDS = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds: float, what: str, every: float = 0.02):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(every)
    return value


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Process:
    """A program with its children, on one core, whose output goes to a file."""

    def __init__(self, name: str, command: list, core: int, folder: Path, environment: dict | None = None):
        self.name = name
        self.output = folder / f"{name}.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *map(str, command)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def check(self):
        if self.process.poll() is not None:
            tail = self.output.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {tail}")
        return True

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pids(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu_ns(self) -> int:
        """CPU time, user and system, of all threads of all its processes, as the scheduler counts it."""
        total = 0
        for pid in self.pids():
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def ticks_ns(self) -> int:
        """The same in coarse clock ticks, with the threads that have ended."""
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total * 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    def rss_kib(self) -> int:
        status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in self.pids())
        return sum(map(int, re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)))

    def settled(self, reading, quiet: float = 0.2, seconds: float = 10):
        """The reading (cpu_ns or rss_kib) once it has not changed for a while."""
        last, since = reading(), time.monotonic()
        deadline = since + seconds
        while time.monotonic() - since < quiet:
            time.sleep(0.02)
            # A housekeeping timer may run at any time: 0.5 ms or 64 KiB is quiet.
            if abs((now := reading()) - last) > (500_000 if reading == self.cpu_ns else 64):
                last, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not come to rest")
        return last


class Simulator(Process):
    def __init__(self, program: Path, folder: Path):
        command = [program, "--host", "127.0.0.1", "--port", "0"]
        command += ["--cert", folder / "server.pem", "--key", folder / "server.key"]
        super().__init__("simulator", command, LOAD_CORE, folder)
        ready = r"listening on https://[^ ]*:(\d+)"
        until(lambda: self.check() and re.search(ready, self.output.read_text()), READY_SECONDS, "simulator")
        self.port = int(re.search(ready, self.output.read_text()).group(1))


class Proxy(Process):
    """One of PROXIES, before the simulator."""

    def __init__(self, name: str, gateway: Path, upstream_port: int, folder: Path):
        self.port = free_port()
        if name == "gateway":
            command, environment = [gateway, "serve"], self._gateway_settings(upstream_port, folder)
        else:
            command, environment = self._peer(name, upstream_port, folder), None
        super().__init__(name, command, PROXY_CORE, folder, environment)
        until(lambda: self.check() and accepts(self.port), READY_SECONDS, f"{name} listens")

    def _gateway_settings(self, upstream_port: int, folder: Path) -> dict:
        return {
            "PATH": os.environ["PATH"],
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": str(self.port),
            "TLS_CERT_FILE": str(folder / "server.pem"),
            "TLS_KEY_FILE": str(folder / "server.key"),
            "UPSTREAM_CA_FILE": str(folder / "ca.pem"),
            "API_BASE_URL": f"https://localhost:{upstream_port}/v1",
            "QWEN_API_KEY": "sk-bench",
            "GATEWAY_API_KEYS": CLIENT_KEY,
            "ADMIN_ADDRESS": "off",
            "RATE_LIMIT_RPS": "0",
            "WORKERS": "1",
        }

    def _peer(self, name: str, upstream_port: int, folder: Path) -> list:
        template = next((HERE / "peers").glob(f"{name}.*"))
        text = template.read_text()
        bundle = folder / "bundle.pem"
        bundle.write_text((folder / "server.pem").read_text() + (folder / "server.key").read_text())
        values = {"DIR": folder, "PORT": self.port, "UPSTREAM_PORT": upstream_port, "CA": folder / "ca.pem"}
        values |= {"CHAIN": folder / "server.pem", "KEY": folder / "server.key", "BUNDLE": bundle}
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        config = folder / template.name
        config.write_text(text)
        program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        if not program:
            raise FileNotFoundError(f"{name} is not installed: ops/deps.sh bench")
        return {
            "nginx": [program, "-c", config, "-e", folder / "error.log"],
            "haproxy": [program, "-f", config],
            "nghttpx": [program, f"--conf={config}"],
        }[name]


PROXIES = ["nginx", "haproxy", "nghttpx", "gateway"]

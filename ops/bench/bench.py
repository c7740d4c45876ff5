#!/usr/bin/env python3
"""Compares the gateway with nginx, haproxy and nghttpx: CPU time per request, chunk and handshake, memory per connection.

Each proxy stands in turn, alone on core 1, before the same simulated Qwen; that and the load are on core 0. The
gateway authenticates, validates JSON and writes an access log; its peers are plain TLS proxies without a log. All of
them verify the simulator's certificate and reuse connections to it: nginx over HTTP/1.1, all that it can, the others
over HTTP/2. Requests are of 330 bytes and their answers of 400; chunks are of 285 bytes, 100 to a stream, 20 ms apart.
Rows of a dialect are the gateway's alone, for its peers do not translate: they are compared with what it costs those to
pass the same chunks on. Every answer must be 2xx and complete. Values are CPU microseconds (user and system, all
processes and threads of the proxy), the median of the repetitions; a row of chunks counts chunks only, not what comes
before the first.
"""

import argparse
import datetime
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import HERE, LOAD_CORE, PROXIES, PROXY_CORE, ROOT, Proxy, Simulator
from rows import ROWS, Bench


def choice(known):
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is not one of {', '.join(known)}")
        return names

    return parse


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=choice(ROWS), default=list(ROWS), help=",".join(ROWS))
    parser.add_argument("--proxies", type=choice(PROXIES), default=PROXIES, help=",".join(PROXIES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gateway", type=Path, default=ROOT / ".build/release/qwen-gateway")
    parser.add_argument("--simulator", type=Path, default=ROOT / ".build/release/qwen-simulator")
    parser.add_argument("--results", type=Path, help="also write the table here; by default a whole run to RESULTS.md")
    options = parser.parse_args()
    if options.results is None and (options.rows, options.proxies) == (list(ROWS), PROXIES):
        options.results = HERE / "RESULTS.md"
    return options


def first_line(*command: str) -> str:
    path = f"{os.environ['PATH']}:/usr/sbin"
    result = subprocess.run([shutil.which(command[0], path=path), *command[1:]], capture_output=True, text=True)
    return (result.stdout + result.stderr).strip().splitlines()[0]


def conditions(options: argparse.Namespace) -> list[str]:
    versions = {
        "nginx": lambda: first_line("nginx", "-v").partition("/")[2],
        "haproxy": lambda: first_line("haproxy", "-v").split()[2],
        "nghttpx": lambda: first_line("nghttpx", "--version").partition("/")[2],
        "gateway": lambda: first_line(str(options.gateway), "--version").split()[-1],
    }
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) / 2**20
    return [
        f"`ops/bench/bench.py {' '.join(sys.argv[1:])}`".replace(" `", "`")
        + f", {datetime.date.today()}, median of {options.repeats}",
        f"{os.cpu_count()} × {cpu.group(1) if cpu else os.uname().machine}, {memory:.0f} GiB, "
        f"Linux {os.uname().release}, {first_line('openssl', 'version').split(' (')[0]}",
        ", ".join(f"{name} {versions[name]()}" for name in options.proxies),
    ]


def table(values: dict, options: argparse.Namespace) -> list[str]:
    peers = [name for name in options.proxies if name != "gateway"]
    compared = "gateway" in options.proxies and peers
    columns = ["row", *options.proxies, *(["gateway / best peer"] if compared else [])]
    lines = ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    for key in options.rows:
        medians = {name: statistics.median(values[key, name]) for name in options.proxies if (key, name) in values}
        cells = [f"{ROWS[key].title}, {ROWS[key].unit}"]
        cells += [f"{medians[name]:.1f}" if name in medians else "–" for name in options.proxies]
        if compared:
            like = ROWS[key].compared_with or key
            best = min((statistics.median(values[like, name]) for name in peers if (like, name) in values), default=None)
            cells.append(f"{medians['gateway'] / best:.2f}" if best else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def measured(row, bench: Bench, name: str, options) -> float:
    """The row's value for a proxy. A run in which threads of the proxy ended, as helpers of its start do after a while,
    counts for nothing and is done again."""
    for attempt in range(3):
        proxy = Proxy(name, options.gateway.resolve(), bench.simulator.port, bench.folder)
        try:
            return row.run(bench, proxy)
        except RuntimeError as error:
            if attempt == 2 or "ended threads" not in str(error):
                raise
        finally:
            proxy.stop()
    raise AssertionError("unreachable")


def main():
    options = arguments()
    for program in (options.simulator, *([options.gateway] if "gateway" in options.proxies else [])):
        if not program.exists():
            sys.exit(f"{program} is not there: run `make build`")
    if not {LOAD_CORE, PROXY_CORE} <= os.sched_getaffinity(0):
        sys.exit(f"needs the cores {LOAD_CORE} and {PROXY_CORE}")
    os.sched_setaffinity(0, {LOAD_CORE})

    values = {}
    with tempfile.TemporaryDirectory(prefix="qwen-gateway-bench-") as name:
        folder = Path(name)
        subprocess.run([ROOT / "certs/make-dev-certs.sh", "--dir", folder], check=True, stdout=subprocess.DEVNULL)
        # nginx's worker gives up root.
        folder.chmod(0o755)
        simulator = Simulator(options.simulator.resolve(), folder)
        try:
            bench = Bench(simulator, folder)
            for key in options.rows:
                for repetition in range(options.repeats):
                    for name in options.proxies:
                        if ROWS[key].compared_with and name != "gateway":
                            continue
                        value = measured(ROWS[key], bench, name, options)
                        values.setdefault((key, name), []).append(value)
                        print(f"{key} {repetition + 1}/{options.repeats} {name}: {value:.1f}", file=sys.stderr)
        finally:
            simulator.stop()

    lines = ["# Results of `make bench`", "", *(f"- {line}" for line in conditions(options)), ""]
    lines += [*table(values, options), "", *__doc__.split("\n\n", 1)[1].strip().splitlines()]
    print("\n".join(lines))
    if options.results:
        options.results.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

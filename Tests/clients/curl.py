"""curl, run with nothing from the user's configuration."""

import json
import subprocess
from types import SimpleNamespace

VERSIONS = {"--http1.1": "1.1", "--http2": "2"}


def curl_command(gateway, *arguments) -> list[str]:
    command = ["curl", "-q", "--silent", "--show-error", "--max-time", "60", "--noproxy", "*"]
    return [str(part) for part in (*command, "--cacert", gateway.certificates.ca, *arguments)]


def curl(gateway, *arguments, output):
    """One request; its answer has status, version, headers (a dict of lists) and body."""
    output.write_bytes(b"")
    report = ("--output", output, "--write-out", "%{response_code} %{http_version}\n%{header_json}")
    result = subprocess.run(curl_command(gateway, *report, *arguments), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    first, _, headers = result.stdout.partition("\n")
    status, version = first.split()
    return SimpleNamespace(
        status=int(status), version=version, headers=json.loads(headers), body=output.read_text()
    )


def chat_arguments(gateway, body: str, media_type: str = "application/json") -> list[str]:
    return [
        *("-H", f"Authorization: Bearer {gateway.key}", "-H", f"Content-Type: {media_type}"),
        *("--data-binary", body, f"{gateway.url}/chat/completions"),
    ]

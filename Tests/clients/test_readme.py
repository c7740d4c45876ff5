"""What the README tells: its examples run, and its tables know everything that there is."""

import os
import re
import subprocess
import sys

import pytest

from servers import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(gateway):
    """Runs an example as a user would who has put in the own host and key."""

    def run(command: list[str], text: str) -> str:
        text = text.replace("https://localhost:8080", gateway.origin).replace('api_key="…"', f'api_key="{gateway.key}"')
        done = subprocess.run(
            [*command, text.replace("certs/ca.pem", str(gateway.certificates.ca))],
            env={"PATH": os.environ["PATH"], "KEY": gateway.key, "SSL_CERT_FILE": str(gateway.certificates.ca)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_curl(run):
    (example,) = [block for block in blocks("sh") if "curl --http2" in block]
    whole, streamed = example.strip().split("\n\n")
    assert '"choices"' in run(["bash", "-c"], whole)
    assert run(["bash", "-c"], streamed).endswith("data: [DONE]\n\n")


def test_python(run):
    (example,) = blocks("python")
    assert run([sys.executable, "-c"], example)


def test_every_variable_is_told_of():
    source = (ROOT / "Sources/Gateway/Configuration/ConfigurationVariable.swift").read_text()
    names = re.findall(r'^    case \w+ = "([A-Z_]+)"', source, re.MULTILINE)
    told = set(re.findall(r"`([A-Z_]+)`", README))
    missing = {name for name in names if name not in told and not name.endswith("_PREVIOUS")}
    assert len(names) > 30 and not missing


def test_every_error_is_told_of():
    """But for those that clients see under another name."""
    source = (ROOT / "Sources/Gateway/APIError.swift").read_text()
    codes = set(re.findall(r'^        case \w+ = "([a-z_]+)"', source, re.MULTILINE)) - {"client_limit", "client_quota"}
    assert len(codes) > 30
    assert not {code for code in codes if f"`{code}`" not in README}


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "SECURITY.md", *ROOT.glob("ops/*.md"), *ROOT.glob("ops/*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

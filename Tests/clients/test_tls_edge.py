"""TLS as strangers see it: names, swaps of certificates, client certificates, what browsers are told."""

import asyncio
import os
import re
import signal
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from curl import curl, curl_command
from servers import eventually


def openssl(*arguments, **options) -> subprocess.CompletedProcess:
    command = ["openssl", *(str(part) for part in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **options)


class Authority:
    """The development CA, and what else it issues."""

    def __init__(self, certificates, folder: Path):
        self.ca, self.key, self.folder = certificates.ca, certificates.folder / "ca.key", folder
        folder.mkdir(parents=True, exist_ok=True)

    def issue(self, name: str, *, usage="serverAuth", rsa=False, at: Path | None = None) -> tuple[Path, Path]:
        """A certificate for a name, in NAME.pem and NAME.key."""
        chain, key = ((at or self.folder / name).with_suffix(suffix) for suffix in (".pem", ".key"))
        kind = ("rsa:2048",) if rsa else ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        chain.parent.mkdir(parents=True, exist_ok=True)
        made = openssl(
            *("req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", chain, "-days", "30"),
            *("-subj", f"/CN={name}", "-CA", self.ca, "-CAkey", self.key),
            *("-addext", f"subjectAltName=DNS:{name}", "-addext", f"extendedKeyUsage={usage}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )
        assert made.returncode == 0, made.stderr
        return chain, key


@pytest.fixture
def authority(certificates, tmp_path):
    return Authority(certificates, tmp_path / "issued")


def handshake(gateway, *arguments) -> str:
    """What `openssl s_client` says of a handshake."""
    command = ("s_client", "-connect", f"127.0.0.1:{gateway.port}", "-CAfile", gateway.certificates.ca, *arguments)
    result = openssl(*command, stdin=subprocess.DEVNULL)
    return result.stdout + result.stderr


def shown(gateway, name: str | None, *arguments) -> str:
    """The common name of the certificate that is shown to who asks for a name."""
    asked = ("-servername", name) if name else ("-noservername",)
    found = re.search(r"subject=CN = (\S+)", handshake(gateway, *asked, *arguments))
    return found.group(1) if found else ""


def test_names_choose_certificates(new_gateway, authority, tmp_path):
    folder = tmp_path / "live"
    authority.issue("one.test", at=folder / "one.test")
    for path in authority.issue("two.test", at=folder / "two.test" / "x"):
        path.rename(path.with_name({".pem": "fullchain.pem", ".key": "privkey.pem"}[path.suffix]))
    gateway = new_gateway(TLS_CERT_DIR=str(folder))
    assert [shown(gateway, name) for name in ("one.test", "TWO.test", "three.test", None)] == [
        "one.test", "two.test", "localhost", "localhost",
    ]  # fmt: skip


def test_both_kinds_of_key(new_gateway, authority):
    pairs = [authority.issue("both.test"), authority.issue("both.test", rsa=True, at=authority.folder / "rsa")]
    gateway = new_gateway(
        TLS_CERT_FILE=",".join(str(chain) for chain, _ in pairs), TLS_KEY_FILE=",".join(str(key) for _, key in pairs)
    )
    for algorithms, kind in (("ECDSA+SHA256", "id-ecPublicKey"), ("RSA-PSS+SHA256", "rsaEncryption")):
        assert f"a:PKEY: {kind}" in handshake(gateway, "-sigalgs", algorithms)


def test_unknown_names(new_gateway, tmp_path):
    rejecting = new_gateway(TLS_UNKNOWN_HOST="reject")
    assert "alert number 112" in handshake(rejecting, "-servername", "other.test")
    assert shown(rejecting, "localhost") == shown(rejecting, None) == "localhost"
    gateway = new_gateway(TLS_UNKNOWN_HOST="misdirected")
    for version in ("--http1.1", "--http2"):
        for host, status in (("other.test", 421), ("localhost", 200), (f"127.0.0.1:{gateway.port}", 200)):
            answer = curl(gateway, version, "-H", f"Host: {host}", f"{gateway.origin}/", output=tmp_path / "out")
            assert (answer.status, answer.headers.get("x-request-id") is not None) == (status, True)


def test_alerts(gateway):
    assert "alert number 120" in handshake(gateway, "-alpn", "ftp")
    assert "alert number 70" in handshake(gateway, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def test_modern_speaks_tls13_only(new_gateway):
    gateway = new_gateway(TLS_PROFILE="modern")
    assert "alert number 70" in handshake(gateway, "-tls1_2")
    assert "TLSv1.3" in handshake(gateway)


def test_keys_are_never_logged(new_gateway, tmp_path):
    path = tmp_path / "keys.log"
    gateway = new_gateway(SSLKEYLOGFILE=str(path))
    assert shown(gateway, "localhost") == "localhost"
    assert not path.exists()


def test_hsts_goes_to_names(new_gateway, authority, tmp_path):
    chain, key = authority.issue("api.test")
    gateway = new_gateway(TLS_CERT_FILE=str(chain), TLS_KEY_FILE=str(key))

    def field(host, path="/health"):
        resolve = ("--resolve", f"api.test:{gateway.port}:127.0.0.1", "--insecure", "-H", "Accept: text/html")
        answer = curl(gateway, *resolve, f"https://{host}:{gateway.port}{path}", output=tmp_path / "out")
        assert answer.headers["x-content-type-options"] == ["nosniff"]
        return answer.headers.get("strict-transport-security")

    assert field("api.test") == ["max-age=63072000"]
    # The console's page, which has a policy of its own.
    assert field("api.test", "/") == ["max-age=63072000"]
    assert field("localhost") is None
    assert field("127.0.0.1") is None


def test_clients_with_certificates_need_no_key(new_gateway, authority, tmp_path):
    chain, key = authority.issue("worker.test", usage="clientAuth")
    stranger_key = authority.folder / "stranger.key"
    stranger = authority.folder / "stranger.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", stranger_key, "-out", stranger, "-subj", "/CN=stranger"),
    )
    mine = ("--cert", chain, "--key", key)
    settings = {"TLS_CLIENT_CA_FILE": str(authority.ca), "GATEWAY_API_KEYS": ""}
    required = new_gateway(**settings)
    for version in ("--http1.1", "--http2"):
        answer = curl(required, version, *mine, f"{required.url}/models", output=tmp_path / "out")
        assert answer.status == 200
    lines = eventually(lambda: len(found := required.access_lines()) == 2 and found, 10, "two lines in the log")
    assert {line["key"] for line in lines} == {"mtls:worker.test"}
    for arguments in ((), ("--cert", stranger, "--key", stranger_key)):
        command = curl_command(required, *arguments, f"{required.url}/models")
        assert subprocess.run(command, capture_output=True).returncode != 0
    optional = new_gateway(**settings, TLS_CLIENT_AUTH="optional")
    for arguments, status in ((mine, 200), ((), 401), ((*mine, "-H", "x-api-key: wrong-0123456789abcdef"), 401)):
        answer = curl(optional, *arguments, f"{optional.url}/models", output=tmp_path / "out")
        assert answer.status == status
    # An administrator's key is something else.
    assert curl(optional, *mine, f"{optional.origin}/auth", output=tmp_path / "out").status == 403


def test_tickets_outlive_reloads(new_gateway, authority, tmp_path):
    chain, key = authority.issue("old.test")
    gateway = new_gateway(TLS_CERT_FILE=str(chain), TLS_KEY_FILE=str(key))
    session = tmp_path / "session"
    assert "New, TLSv1.2" in handshake(gateway, "-tls1_2", "-sess_out", session)
    authority.issue("new.test", at=chain)
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: shown(gateway, None) == "new.test", 10, "the new certificate is shown")
    assert "Reused, TLSv1.2" in handshake(gateway, "-tls1_2", "-sess_in", session)


def test_swaps_under_live_streams(gateway_before, new_simulator, authority, tmp_path):
    """Files and links are swapped, by themselves and with SIGHUP, under 240 streams: none is lost."""
    for version in ("v0", "v1", "v2"):
        authority.issue(f"{version}.test", at=tmp_path / version / "server")
    current = tmp_path / "current"
    current.symlink_to("v0")
    gateway = gateway_before(
        new_simulator("chunks=60 delay=200"),
        TLS_CERT_FILE=str(current / "server.pem"),
        TLS_KEY_FILE=str(current / "server.key"),
    )

    def swap(version):
        (tmp_path / "next").symlink_to(version)
        os.replace(tmp_path / "next", current)

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    async def stream(client):
        fields = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"}
        body = '{"stream":true,"messages":[{"role":"user","content":"hello"}]}'
        address = f"{gateway.url}/chat/completions"
        async with client.stream("POST", address, headers=fields, content=body) as answer:
            assert answer.status_code == 200
            return (await answer.aread()).decode()

    async def run():
        clients = [httpx.AsyncClient(verify=context, http2=True, trust_env=False, timeout=60) for _ in range(4)]
        streams = [asyncio.create_task(stream(client)) for client in clients for _ in range(60)]
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()

        def wait(name):
            eventually(lambda: shown(gateway, None) == name, 20, f"{name} is shown", every=0.1)

        swap("v1")
        await loop.run_in_executor(None, wait, "v1.test")
        # Half of a renewal: nothing changes, and the log says so.
        pair = (tmp_path / "v2" / "server.pem").read_bytes()
        (tmp_path / "v2" / "server.pem").write_bytes(pair[:200])
        swap("v2")
        gateway.process.send_signal(signal.SIGHUP)
        complaint = "stays in force"
        await loop.run_in_executor(None, eventually, lambda: complaint in gateway.log(), 10, "the fault is logged")
        assert shown(gateway, None) == "v1.test"
        (tmp_path / "v2" / "server.pem").write_bytes(pair)
        await loop.run_in_executor(None, wait, "v2.test")
        answers = await asyncio.gather(*streams)
        for client in clients:
            await client.aclose()
        return answers

    answers = asyncio.run(run())
    assert len(answers) == 240
    assert all("data: [DONE]" in answer for answer in answers)
    assert str(current / "server.pem") in gateway.log()


def test_pages_of_allowed_origins(new_gateway, tmp_path):
    gateway = new_gateway(CORS_ALLOW_ORIGINS="https://app.example")
    for version in ("--http1.1", "--http2"):
        for origin, status, allowed in (
            ("https://app.example", 204, ["https://app.example"]),
            ("https://app.example.evil", 403, None),
            ("null", 403, None),
        ):
            asked = ("-X", "OPTIONS", "-H", f"Origin: {origin}", "-H", "Access-Control-Request-Method: POST")
            answer = curl(gateway, version, *asked, f"{gateway.url}/chat/completions", output=tmp_path / "out")
            assert answer.status == status
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert "origin" in ", ".join(answer.headers["vary"])

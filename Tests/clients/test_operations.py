"""The files that operators use: the image, Compose, systemd, Kubernetes, Prometheus and Grafana, as their tools see them.

What a tool is needed for is skipped, with its name, where the tool is not installed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from servers import ROOT

OPS = ROOT / "ops"
MANIFESTS = sorted((OPS / "kubernetes").glob("*.yaml"))
UNITS = ["qwen-gateway.service", "qwen-gateway-http.service"]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def tool(name: str) -> str:
    """The path of a program: of this environment, or else of the system."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def passes(*command, **options) -> str:
    done = run(*command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def variables() -> set[str]:
    """What the gateway reads."""
    source = (ROOT / "Sources/Gateway/Configuration/ConfigurationVariable.swift").read_text()
    names = set(re.findall(r'case \w+ = "([A-Z_]+)"', source))
    assert "SERVER_PORT" in names
    return names | {f"{name}_FILE" for name in names}


# The image


def test_hadolint_has_nothing_to_say():
    passes(tool("hadolint"), ROOT / "Dockerfile")


def test_image_needs_no_shell_and_no_root():
    lines = (ROOT / "Dockerfile").read_text().split("FROM ${DEBIAN_IMAGE}")[1]
    for instruction in ("ENTRYPOINT", "CMD"):
        assert re.search(rf'^ *{instruction} \["', lines, re.MULTILINE)
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", lines, re.MULTILINE)
    assert 'CMD ["/usr/local/bin/qwen-gateway", "health"]' in lines


def test_build_context_holds_no_secret():
    kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert kept[0] == "*"
    assert not {".env", "certs", "state", "ops/secrets", "ops"} & {line.lstrip("!/") for line in kept}


def test_build_context_holds_every_target():
    """A package whose targets are not all there is not built, whichever are wanted."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    targets = re.findall(r'path: "([^"]+)"', (ROOT / "Package.swift").read_text())
    for target in ["Sources", "Tests", *targets]:
        assert any(target == folder or target.startswith(f"{folder}/") for folder in kept), target


# Compose


@pytest.fixture
def project(tmp_path):
    """The project's files, prepared by the script of operators."""
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ("ops", "certs"):
        keep = shutil.ignore_patterns("*.pem", "*.key", "secrets", "fuzz", "bench")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=keep)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def prepare(*names):
        return passes(tmp_path / "ops/compose-env.sh", *names, env=environment, cwd=tmp_path)

    prepare.folder = tmp_path
    return prepare


def test_compose_takes_the_file(project):
    compose = [tool("docker-compose"), "--profile", "*", "config"]
    without = run(*compose, "-q", cwd=project.folder)
    assert without.returncode != 0 and "ops/compose-env.sh" in without.stderr
    project("gw.example.com")
    passes(*compose, "-q", cwd=project.folder)
    services = json.loads(passes(*compose, "--format", "json", cwd=project.folder))["services"]
    assert set(services) == {"gateway", "prometheus", "grafana", "n8n"}
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        # What is no part of the gateway's public face is for this machine.
        if name != "gateway":
            assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}, name
    gateway = services["gateway"]
    assert gateway["read_only"] and not gateway["user"].startswith("0")
    assert {port["published"] for port in gateway["ports"]} == {"443", "80"}
    assert "gw.example.com" in gateway["networks"]["front"]["aliases"]


def test_compose_sets_what_the_gateway_reads():
    environment = COMPOSE["services"]["gateway"]["environment"]
    assert not set(environment) - variables()
    for name in variables():
        if name.endswith("_FILE") and name in environment and environment[name].startswith("/run/secrets/"):
            # Or the start would stop at a .env that holds the secret itself.
            assert environment[name.removesuffix("_FILE")] == ""
            assert environment[name].removeprefix("/run/secrets/") in COMPOSE["secrets"]


def test_compose_stops_later_than_the_gateway():
    gateway = COMPOSE["services"]["gateway"]
    assert int(gateway["stop_grace_period"][:-1]) > int(gateway["environment"]["SHUTDOWN_TIMEOUT"][:-1])


def test_script_keeps_what_is_there(project):
    folder = project.folder
    key = "sk-of-the-operator-0123456789"
    (folder / ".env").write_text(f"GATEWAY_API_KEYS={key}\nDEFAULT_MODEL=qwen-flash\n")
    project("gw.example.com")
    assert (folder / "ops/secrets/gateway_api_keys").read_text() == f"{key}\n"
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert (folder / "ops/secrets").stat().st_mode & 0o777 == 0o700
    assert not (folder / "state/certs/ca.key").exists()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "new:" not in project("gw.example.com")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "DEFAULT_MODEL=qwen-flash" in (folder / ".env").read_text()


def test_script_keeps_a_certificate_of_a_public_ca(project):
    theirs = project.folder / "state/certs/server.pem"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("of another CA\n")
    project("gw.example.com")
    assert theirs.read_text() == "of another CA\n"


# systemd


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_hardened(unit):
    """The exposure is below 2.0 of 10."""
    analyze = tool("systemd-analyze")
    passes(analyze, "security", "--offline=true", "--threshold=19", OPS / "systemd" / unit)


def test_unit_sets_what_the_gateway_reads():
    text = (OPS / "systemd/qwen-gateway.service").read_text()
    names = set(re.findall(r"([A-Z_]{4,})=", "\n".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE))))
    assert names and not names - variables()
    # Commands of the operator are to see what the service does.
    plain = set(re.findall(r"([A-Z_]{4,})=", "".join(re.findall(r"^Environment=([^%\n]*)$", text, re.MULTILINE))))
    assert plain == set(re.findall(r"-E ([A-Z_]+)=", (OPS / "systemd/qwen-gateway-admin").read_text()))
    loaded = set(re.findall(r"^LoadCredential=(\w+):", text, re.MULTILINE))
    assert loaded == set(re.findall(r"=%d/(\w+)", text))


def test_install_keeps_secrets(tmp_path):
    """Into a folder that stands for the root."""
    project = tmp_path / "project"
    (project / ".build/release").mkdir(parents=True)
    shutil.copytree(OPS / "systemd", project / "ops/systemd")
    shutil.copy("/bin/true", project / ".build/release/qwen-gateway")
    root = tmp_path / "root"
    passes(project / "ops/systemd/install.sh", root)
    secret = root / "etc/qwen-gateway/secrets/gateway_api_keys"
    key = secret.read_text()
    assert secret.stat().st_mode & 0o777 == 0o600
    assert (root / "usr/local/sbin/qwen-gateway-admin").stat().st_mode & 0o777 == 0o755
    passes(project / "ops/systemd/install.sh", root)
    assert secret.read_text() == key


# Kubernetes


def documents(kind: str) -> list[dict]:
    every = [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())]
    return [document for document in every if document["kind"] == kind]


def test_manifests_fit_the_schema():
    said = passes(tool("kubernetes-validate"), "--strict", "-k", "1.31", *MANIFESTS)
    assert said.count(" passed ") >= len(MANIFESTS)


def test_pod_ends_later_than_the_gateway():
    (deployment,) = documents("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    values = {entry["name"]: entry["value"] for entry in container["env"]}
    assert not set(values) - variables()
    rest = container["lifecycle"]["preStop"]["sleep"]["seconds"] + int(values["SHUTDOWN_TIMEOUT"].rstrip("s"))
    assert pod["terminationGracePeriodSeconds"] > rest
    (settings,) = documents("ConfigMap")
    assert not set(settings["data"]) - variables()


def test_pod_is_restricted():
    (deployment,) = documents("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    (secret,) = documents("Secret")
    assert set(secret["stringData"].values()) == {""}


# Prometheus and Grafana


def test_rules_do_what_they_say():
    promtool = tool("promtool")
    passes(promtool, "check", "rules", OPS / "prometheus/rules.yml")
    passes(promtool, "check", "config", "--syntax-only", OPS / "prometheus/prometheus.yml")
    passes(promtool, "test", "rules", OPS / "prometheus/rules_test.yml")


def expressions() -> dict[str, str]:
    """Everything that Prometheus is asked for, by where it stands."""
    rules = yaml.safe_load((OPS / "prometheus/rules.yml").read_text())
    found = {rule.get("alert") or rule["record"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    dashboard = json.loads((OPS / "grafana/dashboards/qwen-gateway.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    assert len(found) > 40
    return found


def test_metrics_that_are_asked_for_exist():
    """In ops/metrics.md, which tells of every metric."""
    described = (OPS / "metrics.md").read_text()
    for place, expression in expressions().items():
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression)
        for name in re.findall(r"\b((?:qwen_gateway|gen_ai_server)_\w+)\b", bare):
            base = re.sub(r"_(bucket|count|sum)$", "", name)
            labels = ("gen_ai_request_model", "gen_ai_token_type")
            assert f"`{base}`" in described or base in labels, f"{place}: {name}"


def test_runbook_has_a_place_for_each_alert():
    headings = re.findall(r"^## (.*)$", (OPS / "runbook.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    rules = yaml.safe_load((OPS / "prometheus/rules.yml").read_text())
    for rule in [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]:
        path, anchor = rule["annotations"]["runbook"].split("#")
        assert path == "ops/runbook.md" and anchor in anchors, rule["alert"]

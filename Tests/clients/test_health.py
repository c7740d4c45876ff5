"""`qwen-gateway health`, which containers and services ask."""

import http.server
import re
import socket
import threading

import pytest


@pytest.fixture
def health(new_gateway):
    gateway = new_gateway(ADMIN_ADDRESS="127.0.0.1:0")

    def ask(*arguments, **changes):
        """With the ports that the running gateway has chosen."""
        settings = {"SERVER_PORT": str(gateway.port), "ADMIN_ADDRESS": gateway.admin_address} | changes
        return gateway.command("health", *arguments, **settings)

    ask.gateway = gateway
    return ask


def test_admin_address_is_asked(health):
    asked = health()
    assert (asked.returncode, asked.stderr) == (0, "")
    assert re.fullmatch(r"well: 127\.0\.0\.1:\d+ \(ADMIN_ADDRESS\)\n", asked.stdout)


def test_public_port_is_asked_without_one(health):
    asked = health(ADMIN_ADDRESS="off")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout == f"well: 127.0.0.1:{health.gateway.port} (SERVER_PORT)\n"


def test_admin_address_that_asks_for_keys_is_asked_without(new_gateway):
    """As in a container, whose admin address is not loopback. No secret need be there for the check."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gateway = new_gateway(ADMIN_ADDRESS=f"0.0.0.0:{port}", GATEWAY_ADMIN_KEYS="admin-0123456789abcdef")
    asked = gateway.command("health", GATEWAY_ADMIN_KEYS="", GATEWAY_ADMIN_KEYS_FILE="/nowhere", QWEN_API_KEY="")
    assert asked.returncode == 0, asked.stderr


def test_gateway_that_has_ended_is_not_well(health):
    assert health.gateway.stop() == 0
    for admin in ({}, {"ADMIN_ADDRESS": "off"}):
        asked = health(**admin)
        assert (asked.returncode, asked.stdout) == (1, "")
        assert "nothing listens there" in asked.stderr


def test_silence_is_not_well(health):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = health("--timeout", "1", ADMIN_ADDRESS=f"127.0.0.1:{silent.getsockname()[1]}")
    assert asked.returncode == 1 and "did not answer in time" in asked.stderr


@pytest.mark.parametrize("variable", ["ADMIN_ADDRESS", "SERVER_PORT"])
def test_other_programs_are_not_well(health, variable):
    """A server whose answers are errors."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(503)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_address[1]
        if variable == "SERVER_PORT":
            asked = health(SERVER_PORT=str(port), ADMIN_ADDRESS="off")
        else:
            asked = health(ADMIN_ADDRESS=f"127.0.0.1:{port}")
        other.shutdown()
    assert asked.returncode == 1 and "503" in asked.stderr


def test_wrong_configuration_is_told(health):
    asked = health(ADMIN_ADDRESS="9901")
    assert asked.returncode == 78 and "ADMIN_ADDRESS" in asked.stderr

"""Free ports, busy ports, and the one port that is let out."""

import socket
import threading

import pytest

from wenming_api.kit.embedded import ports
from wenming_api.kit.embedded.errors import EmbeddedError, PortBusy


def test_preferred_ports_are_kept_while_free() -> None:
    wanted = ports.choose(3, shift=10_000)
    assert len(set(wanted)) == 3
    assert ports.choose(3, preferred=wanted, shift=10_000) == wanted
    with ports.listen(ports.LOOPBACK, wanted[1] + 10_000):
        assert ports.choose(3, preferred=wanted, shift=10_000) != wanted


def test_busy_port_is_named() -> None:
    with ports.listen(ports.LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
        assert not ports.is_free(port)
        with pytest.raises(PortBusy, match=f"{port} 已被占用"):
            ports.listen(ports.LOOPBACK, port)


def test_foreign_address_is_named() -> None:
    with pytest.raises(EmbeddedError, match="不属于本机"):
        ports.listen("192.0.2.77", 0)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.1.2.3", False), ("a.cn", False)],
)
def test_loopback(host: str, *, loopback: bool) -> None:
    assert ports.is_loopback(host) is loopback


def test_all_interfaces_are_reached_by_an_address() -> None:
    assert ports.reachable_address("0.0.0.0") not in {"0.0.0.0", ""}
    assert ports.reachable_address("10.1.2.3") == "10.1.2.3"


def test_forwarder_passes_both_directions_and_the_end_of_input() -> None:
    with ports.listen(ports.LOOPBACK, 0) as target:

        def echo_all_at_the_end() -> None:
            connection, _ = target.accept()
            with connection, connection.makefile("rb") as incoming:
                connection.sendall(incoming.read()[::-1])

        server = threading.Thread(target=echo_all_at_the_end)
        server.start()
        forwarder = ports.Forwarder(ports.LOOPBACK, 0, target_port=target.getsockname()[1])
        forwarder.start()
        try:
            body = bytes(range(256)) * 4_000
            with socket.create_connection((ports.LOOPBACK, forwarder.port), 5) as client:
                client.sendall(body)
                client.shutdown(socket.SHUT_WR)
                with client.makefile("rb") as answer:
                    assert answer.read() == body[::-1]
        finally:
            forwarder.stop()
            server.join(5)
    assert ports.is_free(forwarder.port)


def test_forwarder_hangs_up_when_the_target_is_down() -> None:
    [closed] = ports.choose(1)
    forwarder = ports.Forwarder(ports.LOOPBACK, 0, target_port=closed)
    forwarder.start()
    try:
        with socket.create_connection((ports.LOOPBACK, forwarder.port), 5) as client:
            assert client.recv(1) == b""
    finally:
        forwarder.stop()

"""Whom a server trusts: beyond its own host, it asks for keys and talks TLS, or does not listen; and asks over TLS."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_local(address: str) -> bool:
    """Whether only this host can reach ``HOST:PORT`` or ``unix:PATH``."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name, which may resolve to anything
        return False


def is_private(url: str) -> bool:
    """Whether nobody on the way can alter what a URL gives: it is one of https, or of http on this host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 0
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_local(f"{host}:{port}")))


def objection(address: str, *, keys: bool, tls: bool) -> str:
    """Why a server must not listen there without ``insecure``; empty if it may.

    Args:
        address: Where it listens.
        keys: Whether it asks for keys.
        tls: Whether it talks TLS.
    """
    if is_local(address) or (keys and tls):
        return ""
    risks, missing = [], []
    if not tls:
        risks.append("anybody on the way may read and alter photos, answers and keys")
        missing.append("tls_certificate and tls_key")
    if not keys:
        risks.append("anybody who reaches it may change and delete the catalogue")
        missing.append('access = "keys"')
    return (
        f"{address} can be reached from other hosts, and {', and '.join(risks)}; set {' and '.join(missing)}, "
        "or listen on 127.0.0.1, or accept that with --insecure"
    )

"""`python -m terminal.web -b HOST -p PORT`: what `up`, the containers and everybody else start as web."""

from __future__ import annotations

import argparse
import logging
import resource

# Before anything that may want an event loop: it installs the one of Twisted.
from terminal.web.server import Server  # isort: skip

from asgiref.compatibility import guarantee_single_callable
from daphne.endpoints import build_endpoint_description_strings
from django.conf import settings

from terminal.asgi import application  # isort: skip  # before anything with a model: it sets Django up

from orders.audit import floods
from terminal.web.peers import Peers

FILES_BESIDE = 512  # what a process opens besides its connections


def _allow_files(wanted: int) -> None:
    """A connection is an open file; systems allow a process few of them unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            logging.getLogger(__name__).warning("only %d open files are allowed here; %d were wanted", most, wanted)


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m terminal.web")
    parser.add_argument("-b", "--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("-p", "--port", type=int, default=8000)
    asked = parser.parse_args()
    _allow_files(settings.CONNECTIONS_MAX + FILES_BESIDE)
    endpoints = build_endpoint_description_strings(host=asked.bind, port=asked.port)
    peers = Peers(settings.CONNECTIONS_PER_ADDRESS, settings.CONNECTIONS_MAX, settings.TRUSTED_PROXIES)
    server = Server(guarantee_single_callable(application), endpoints, peers)
    floods.default().start()
    server.run()
    if server.abort_start:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

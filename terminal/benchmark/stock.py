"""Channels as its tutorial has it: a consumer in a group, behind the same server. Run as a program: stock.py PORT."""

from __future__ import annotations

import sys

# first: it installs Twisted's event loop
from terminal.web.server import Server  # isort: skip

import django
from asgiref.compatibility import guarantee_single_callable
from channels.generic.websocket import AsyncWebsocketConsumer

from terminal.benchmark.source import GROUP, stock_layer
from terminal.web.peers import Peers


class Listener(AsyncWebsocketConsumer):
    """A browser's socket."""

    async def connect(self) -> None:
        """Into the group, then the browser hears of it."""
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send(text_data='{"op":"beat"}')

    async def market(self, event: dict[str, str]) -> None:
        """A message of the group."""
        await self.send(text_data=event["text"])


if __name__ == "__main__":
    django.setup()
    stock_layer()
    listener = guarantee_single_callable(Listener.as_asgi())
    Server(listener, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], Peers(1000, 1000)).run()

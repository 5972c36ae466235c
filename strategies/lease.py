"""Which process acts as the strategy host when two of them run: one row, an epoch, checked in every event's
transaction."""

from __future__ import annotations

from marketdata.leases import LeaseLost, ServiceLease

__all__ = ["HostLease", "LeaseLost"]


class HostLease(ServiceLease):
    """The strategy host's."""

    def __init__(self) -> None:
        super().__init__("strategies")

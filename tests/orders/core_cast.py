"""A core with two traders and one instrument, and its packed bytes as words."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from orders import _core

ALICE, BOB = 1, 2
BTC, USDT = 1, 2
BTC_USDT = 1
BUY, SELL = _core.SIDE_BUY, _core.SIDE_SELL
LIMIT, MARKET = _core.TYPE_LIMIT, _core.TYPE_MARKET
GTC, IOC = _core.TIF_GTC, _core.TIF_IOC
RICH = 10**12
TERMS = ("stop", "trail", "expires", "profit", "loss", "loss_limit")  # what Desk.place hands to place_with
SECOND = 10**9


class Report(NamedTuple):
    seq: int
    at_ns: int
    order_no: int
    strategy: int
    account: int
    instrument: int
    exec_type: str
    ord_status: str
    side: int
    type: int
    tif: int
    liquidity: int
    reason: int
    flags: int
    spec_version: int
    price_ticks: int
    qty_lots: int
    filled_lots: int
    command_index: int
    size: int
    layout: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    hold: int
    held: int
    last_ticks: int
    last_lots: int
    trade_no: int
    fee_asset: int
    cum_cost: int
    last_fee: int
    base_total: int
    base_hold: int
    quote_total: int
    quote_hold: int
    pos_qty: int
    pos_cost: int
    pos_realised: int
    pos_fees: int
    limit: int
    value: int

    @property
    def why(self) -> str:
        return reason_name(self.reason)


def read(packed: bytes) -> list[Report]:
    """The reports of a buffer; what a short one does not say is 0."""
    reports = []
    at = 0
    while at < len(packed):
        size = struct.unpack_from(_core.REPORT_HEAD_FORMAT, packed, at)[19]
        row = list(struct.unpack(_core.REPORT_FORMAT, packed[at : at + size].ljust(_core.REPORT_SIZE, b"\0")))
        row[6], row[7] = chr(row[6]), chr(row[7])
        amounts = [row[n] + (row[n + 1] << 64) for n in (23, 25, *range(31, 51, 2))]
        last = [*amounts[8:], 0, 0] if row[6] == "F" else [0, 0, 0, 0, *amounts[8:10]]
        reports.append(Report(*row[:23], *amounts[:2], *row[27:31], *amounts[2:8], *last))
        at += size
    return reports


def letters(packed: bytes) -> str:
    """What happened, in FIX's letters: '0FF4'."""
    return "".join(report.exec_type for report in read(packed))


def reason_name(reason: int) -> str:
    return _core.REASONS[reason] if reason else ""


def command(op: int, order_no: int, **words: Any) -> bytes:
    order = [
        "side",
        "type",
        "tif",
        "flags",
        "account",
        "instrument",
        "spec_version",
        "strategy",
        "price_ticks",
        "qty_lots",
        "at_ns",
        "trade_no",
    ]
    assert not set(words) - set(order)
    v = dict.fromkeys(order, 0) | words
    return struct.pack(
        _core.COMMAND_FORMAT,
        op,
        v["side"],
        v["type"],
        v["tif"],
        v["flags"],
        v["account"],
        v["instrument"],
        v["spec_version"],
        0,
        order_no,
        v["strategy"],
        v["price_ticks"],
        v["qty_lots"],
        v["at_ns"],
        v["trade_no"],
        0,
        0,
        0,
    )


def set_instrument(core: _core.Core, instrument: int = BTC_USDT, **changes: int) -> None:
    core.set_instrument(instrument, **SPEC | changes)  # type: ignore[arg-type]


def set_limits(core: _core.Core, account: int, **changes: int) -> None:
    core.set_limits(_core.SCOPE_ACCOUNT, account, **LIMITS | changes)


SPEC: dict[str, int] = {
    "exchange": 1,
    "spec_version": 1,
    "base_asset": BTC,
    "quote_asset": USDT,
    "base_unit": 1,
    "quote_unit": 1,
    "quantity_min_lots": 1,
    "quantity_max_lots": 0,
    "notional_min": 0,
    "status": _core.INSTRUMENT_TRADING,
    "maker_fee_ppm": 0,
    "taker_fee_ppm": 0,
}
LIMITS = {"self_trade": 1}  # and no other


def make_core(*, rich: bool = True, **spec: int) -> _core.Core:
    """Alice and Bob, each an owner of their own, with money unless they are to have none."""
    core = _core.Core()
    set_instrument(core, **spec)
    for account in (ALICE, BOB):
        core.set_account(account, owner=account)
        set_limits(core, account)
        if rich:
            core.post(account, BTC, RICH)
            core.post(account, USDT, RICH)
    return core


class Desk:
    """Places orders with everything that is not the point left at its ordinary value."""

    def __init__(self, core: _core.Core) -> None:
        self.core = core
        self.last_no = 0
        self.last_agent = 0
        self.now = 0

    def place(self, account: int, side: int, price: int, lots: int, *, number: int = 0, **other: int) -> int:
        self.last_no = number or self.last_no + 1
        self.now += 1
        v: dict[str, int] = {
            "type": LIMIT,
            "tif": GTC,
            "flags": 0,
            "strategy": 0,
            "instrument": BTC_USDT,
            "spec_version": 1,
            "at": self.now,
        }
        v |= other
        words = (
            v["at"], self.last_no, account, v["instrument"], v["spec_version"], side, v["type"], v["tif"], v["flags"],
            v["strategy"], price, lots,
        )  # fmt: skip
        if not v.keys() & TERMS:
            return self.core.place(*words)
        t = dict.fromkeys(TERMS, 0) | v
        return self.core.place_with(
            *words, 0, t["stop"], t["trail"], t["expires"], t["profit"], t["loss"], t["loss_limit"]
        )

    def market(self, account: int, side: int, lots: int, **other: int) -> int:
        return self.place(account, side, 0, lots, type=MARKET, tif=IOC, **other)

    def print(self, price: int, lots: int = 1) -> None:
        """A trade of two strangers at the price, whatever stands there."""
        self.agent(SELL, price, lots)
        self.agent(BUY, price, lots, type=MARKET)

    def agent(self, side: int, price: int, lots: int, *, type: int = LIMIT) -> int:
        self.last_agent += 1
        number = 1 << 63 | self.last_agent
        return self.core.place(self.now, number, 0, BTC_USDT, 1, side, type, GTC, _core.FLAG_AGENT, 0, price, lots)

    def why(self, account: int, side: int, price: int, lots: int, **other: int) -> str:
        return reason_name(self.place(account, side, price, lots, **other))


def saved(core: _core.Core) -> bytes:
    """All that is durable of a core but the number of its last report: refusals are reported too."""
    state = core.checkpoint()
    return state[:16] + state[24:-8]

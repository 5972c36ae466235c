"""The slow, obvious book: one list of orders, sorted each time it is looked at. Judge of the C one."""

from __future__ import annotations

from dataclasses import dataclass

BUY, SELL = 0, 1


@dataclass
class Standing:
    order_no: int
    side: int
    price: int
    lots: int
    arrival: int


@dataclass(frozen=True)
class Execution:
    maker: int
    price: int
    lots: int


class OracleBook:
    def __init__(self) -> None:
        self.orders: dict[int, Standing] = {}
        self.arrivals = 0

    def queue(self, side: int) -> list[Standing]:
        """That side's orders, the first to be met first."""
        sign = -1 if side == BUY else 1
        mine = [order for order in self.orders.values() if order.side == side]
        return sorted(mine, key=lambda order: (sign * order.price, order.arrival))

    def meets(self, side: int, limit: int | None, lots: int) -> list[Execution]:
        """What an order would trade now; changes nothing."""
        executions = []
        for maker in self.queue(1 - side):
            if lots == 0 or (limit is not None and (maker.price > limit if side == BUY else maker.price < limit)):
                break
            traded = min(lots, maker.lots)
            executions.append(Execution(maker.order_no, maker.price, traded))
            lots -= traded
        return executions

    def reduce(self, order_no: int, lots: int) -> None:
        order = self.orders[order_no]
        order.lots -= lots
        if order.lots == 0:
            del self.orders[order_no]

    def rest(self, order_no: int, side: int, price: int, lots: int) -> None:
        self.arrivals += 1
        self.orders[order_no] = Standing(order_no, side, price, lots, self.arrivals)

    def depth(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        sides = []
        for side in (BUY, SELL):
            lots_at: dict[int, int] = {}
            for order in self.queue(side):
                lots_at[order.price] = lots_at.get(order.price, 0) + order.lots
            sides.append(list(lots_at.items())[:levels])
        return sides[0], sides[1]

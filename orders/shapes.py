"""The answers of the API as dictionaries, in one place for the engine, the views and the sockets. Pure.

Numbers come in as canonical decimal text (marketdata/precision.py) and moments as ISO text (clock.iso), so that an
engine that counts in ticks and a view that reads NUMERIC columns build the same bytes.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

from marketdata.precision import decimal_text

JSON = dict[str, Any]

PAPER_KINDS = frozenset({"paper", "simulated", "sandbox"})
FINAL_STATUSES = frozenset({"filled", "canceled", "rejected", "expired"})
_WIDE = Context(prec=60)
_PLACES = Decimal(1).scaleb(-18)


def mean_price_text(
    cost: Decimal, quantity: Decimal, contract_size: Decimal = Decimal(1), *, inverse: bool = False
) -> str | None:
    """cost / quantity as text of at most 18 places, signs aside; None where there is no quantity. Of an inverse contract the
    quantity is worth quote and the cost is base, so it is the other way up."""
    if not quantity or (inverse and not cost):
        return None
    size = _WIDE.multiply(abs(quantity), contract_size)
    mean = _WIDE.divide(size, abs(cost)) if inverse else _WIDE.divide(abs(cost), size)
    return decimal_text(_WIDE.quantize(mean, _PLACES))


def is_paper(account_kind: str) -> bool:
    """Whether `is_paper_trading` is true for orders of such an account."""
    return account_kind in PAPER_KINDS


def _fees(*pairs: tuple[str | None, str]) -> list[JSON]:
    return [{"asset": asset, "amount": amount} for asset, amount in pairs if asset and amount != "0"]


def order_shape(
    *,
    id: str,
    request_id: str,
    account: str,
    account_kind: str,
    exchange: str,
    symbol: str,
    type: str,
    side: str,
    status: str,
    price: str | None,
    stop_price: str | None,
    quantity: str,
    filled_quantity: str,
    remaining_quantity: str,
    average_price: str | None,
    time_in_force: str,
    fee: str,
    fee_asset: str | None,
    other_fees: dict[str, str],
    created_at: str,
    updated_at: str,
    seq: int,
    post_only: bool = False,
    reduce_only: bool = False,
    order_id: str = "",
    user_id: str = "",
    exchange_order_id: str = "",
    strategy_id: str = "",
    source: str = "",
    reason: JSON | None = None,
    conditions: JSON | None = None,
) -> JSON:
    """An order. `remaining_quantity` is what still works: 0 once the order is final. An order with conditions has those too
    (`conditions_shape`); a plain one has these fields and no others."""
    return {
        "id": id,
        "request_id": request_id,
        "client_order_id": request_id,
        "order_id": order_id or None,
        "user_id": user_id or None,
        "exchange_order_id": exchange_order_id or None,
        "account": account,
        "exchange": exchange,
        "symbol": symbol,
        "type": type,
        "side": side,
        "status": status,
        "price": price,
        "stop_price": stop_price,
        "quantity": quantity,
        "filled_quantity": filled_quantity,
        "remaining_quantity": remaining_quantity,
        "average_price": average_price,
        "time_in_force": time_in_force,
        "post_only": post_only,
        "reduce_only": reduce_only,
        "fees": _fees((fee_asset, fee), *other_fees.items()),
        "reason": reason,
        "strategy_id": strategy_id,
        "source": source or None,
        "is_paper_trading": account_kind in PAPER_KINDS,
        "created_at": created_at,
        "updated_at": updated_at,
        "seq": seq,
        **(conditions or {}),
    }


def conditions_shape(
    *,
    trail_amount: str | None,
    trail_percent: str | None,
    expires_at: str | None,
    take_profit: str | None,
    stop_loss: str | None,
    stop_loss_limit: str | None,
    extended_hours: bool | None,
    parent_id: str | None,
    triggered_at: str | None,
) -> JSON:
    """What only an order with conditions has to say, those alone that it has. `parent_id` is our id of the order whose take
    profit or stop loss it is."""
    shown = {
        "trail_amount": trail_amount,
        "trail_percent": trail_percent,
        "expires_at": expires_at,
        "take_profit": take_profit and {"price": take_profit},
        "stop_loss": stop_loss and {"stop_price": stop_loss, "limit_price": stop_loss_limit},
        "extended_hours": extended_hours,
        "parent_id": parent_id,
        "triggered_at": triggered_at,
    }
    return {name: value for name, value in shown.items() if value is not None}


def reason_shape(code: str, limit: str | None = None, value: str | None = None) -> JSON:
    """Why an order ended or was refused."""
    return {"code": code, "limit": limit, "value": value}


def fill_shape(
    *,
    id: str,
    order_id: str,
    request_id: str,
    exchange_trade_id: str,
    account: str,
    exchange: str,
    symbol: str,
    side: str,
    price: str,
    quantity: str,
    fee: str,
    fee_asset: str,
    liquidity: str,
    strategy_id: str,
    timestamp: str,
) -> JSON:
    """A fill. `order_id` is our id of its order."""
    return {
        "id": id,
        "order_id": order_id,
        "request_id": request_id,
        "exchange_trade_id": exchange_trade_id,
        "account": account,
        "exchange": exchange,
        "symbol": symbol,
        "side": side,
        "price": price,
        "quantity": quantity,
        "fee": fee,
        "fee_asset": fee_asset,
        "liquidity": liquidity,
        "strategy_id": strategy_id,
        "timestamp": timestamp,
    }


def position_shape(
    *,
    account: str,
    exchange: str,
    symbol: str,
    strategy_id: str,
    quantity: str,
    average_price: str | None,
    mark_price: str | None,
    realised: str,
    unrealised: str | None,
    fees: str,
    as_of_seq: int,
    reconciled_at: str | None,
    state: str,
) -> JSON:
    """A position. `unrealised` and `mark_price` are None while no fresh mark is known: unknown is not zero."""
    return {
        "account": account,
        "exchange": exchange,
        "symbol": symbol,
        "strategy_id": strategy_id,
        "quantity": quantity,
        "average_price": average_price,
        "mark_price": mark_price,
        "realised": realised,
        "unrealised": unrealised,
        "fees": fees,
        "as_of_seq": as_of_seq,
        "reconciled_at": reconciled_at,
        "state": state,
    }


def balance_shape(*, account: str, asset: str, total: str, free: str, used: str) -> JSON:
    """What an account holds of one asset; `used` is held by its open orders."""
    return {"account": account, "asset": asset, "total": total, "free": free, "used": used}


def account_shape(
    *,
    id: int,
    name: str,
    exchange: str,
    kind: str,
    owner: str,
    profile: str,
    reporting_asset: str,
    is_default: bool,
    armed_until: str | None,
    state: str,
) -> JSON:
    """An account; everywhere else `account` is its name."""
    return {
        "id": id,
        "name": name,
        "exchange": exchange,
        "kind": kind,
        "owner": owner,
        "profile": profile,
        "reporting_asset": reporting_asset,
        "is_default": is_default,
        "armed_until": armed_until,
        "state": state,
    }


def pnl_shape(
    *,
    account: str,
    symbol: str,
    strategy_id: str,
    day: str | None,
    realised: str,
    unrealised: str | None,
    fees: str,
    funding: str,
    residual: str,
) -> JSON:
    """What trading one symbol made, in its quote asset. `day` is None for the row over all days."""
    return {
        "account": account,
        "symbol": symbol,
        "strategy_id": strategy_id,
        "day": day,
        "realised": realised,
        "unrealised": unrealised,
        "fees": fees,
        "funding": funding,
        "residual": residual,
    }


def halt_shape(
    *, scope: str, key: str, state: str, reason: str, set_by: str, set_at: str, code: str | None = None,
    limit: str | None = None, value: str | None = None, until: str | None = None,
) -> JSON:  # fmt: skip
    """The state of trading in one scope; code, limit and value where it tripped by itself."""
    return {
        "scope": scope, "key": key, "state": state, "reason": reason, "code": code or None, "limit": limit, "value": value,
        "until": until, "set_by": set_by, "set_at": set_at,
    }  # fmt: skip

"""Rows of the database in the shapes of the API."""

from __future__ import annotations

import uuid
from decimal import Decimal

from marketdata import clock
from marketdata.models import Instrument
from marketdata.precision import decimal_text
from orders import shapes
from orders.models import Account, Balance, Fill, Halt, Order
from orders.shapes import JSON

# What the shapes below read of the rows around; without it each row would cost queries of its own.
ORDER_RELATED = ("account", "instrument__exchange", "fee_asset")
FILL_RELATED = ("account", "instrument__exchange", "fee_asset")
ACCOUNT_RELATED = ("owner", "exchange", "profile", "reporting_asset")


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def is_inverse(instrument: Instrument) -> bool:
    """Whether its positions count quote and cost base."""
    return instrument.kind != Instrument.Kind.SPOT and instrument.inverse


def settle_code(instrument: Instrument) -> str:
    """The asset that its fees and profits are counted in."""
    return (instrument.base if is_inverse(instrument) else instrument.quote).code


def order(row: Order) -> JSON:
    """An order as the API answers it."""
    final = row.status in shapes.FINAL_STATUSES
    return shapes.order_shape(
        id=str(row.id),
        request_id=row.request_id,
        account=row.account.name,
        account_kind=row.account.kind,
        exchange=row.instrument.exchange.name,
        symbol=row.instrument.symbol,
        type=row.type,
        side=row.side,
        status=row.status,
        price=_text(row.price),
        stop_price=_text(row.stop_price),
        quantity=decimal_text(row.quantity),
        filled_quantity=decimal_text(row.filled_quantity),
        remaining_quantity="0" if final else decimal_text(row.quantity - row.filled_quantity),
        average_price=shapes.mean_price_text(
            row.cost, row.filled_quantity, row.instrument.contract_size, inverse=is_inverse(row.instrument)
        ),
        time_in_force=row.time_in_force,
        fee=decimal_text(row.fee),
        fee_asset=row.fee_asset.code if row.fee_asset else None,
        other_fees=row.other_fees,
        created_at=clock.iso(row.created_at),
        updated_at=clock.iso(row.updated_at),
        seq=row.seq,
        post_only=row.post_only,
        reduce_only=row.reduce_only,
        order_id=row.order_id,
        user_id=row.user_id,
        exchange_order_id=row.exchange_order_id,
        strategy_id=row.strategy_id,
        source=row.source,
        reason=row.reason,
        conditions=_conditions(row),
    )


def _conditions(row: Order) -> JSON:
    return shapes.conditions_shape(
        trail_amount=_text(row.trail_amount),
        trail_percent=_text(row.trail_percent),
        expires_at=clock.iso(row.expires_at) if row.expires_at else None,
        take_profit=_text(row.take_profit_price),
        stop_loss=_text(row.stop_loss_price),
        stop_loss_limit=_text(row.stop_loss_limit_price),
        extended_hours=row.extra.get("extended_hours"),
        parent_id=str(row.parent_id) if row.parent_id else None,
        triggered_at=clock.iso(row.triggered_at) if row.triggered_at else None,
    )


def fill(row: Fill) -> JSON:
    """A fill as the API answers it."""
    return shapes.fill_shape(
        id=str(row.id),
        order_id=str(row.order_uuid),
        request_id=row.request_id,
        exchange_trade_id=row.exchange_trade_id,
        account=row.account.name,
        exchange=row.instrument.exchange.name,
        symbol=row.instrument.symbol,
        side=row.side,
        price=decimal_text(row.price),
        quantity=decimal_text(row.quantity),
        fee=decimal_text(row.fee),
        fee_asset=row.fee_asset.code,
        liquidity=row.liquidity,
        strategy_id=row.strategy_id,
        timestamp=clock.iso(row.at),
    )


def balance(row: Balance) -> JSON:
    """A balance as the API answers it."""
    return shapes.balance_shape(
        account=row.account.name,
        asset=row.asset.code,
        total=decimal_text(row.total),
        free=decimal_text(row.total - row.used),
        used=decimal_text(row.used),
    )


def account(row: Account) -> JSON:
    """An account as the API answers it."""
    return shapes.account_shape(
        id=row.pk,
        name=row.name,
        exchange=row.exchange.name,
        kind=row.kind,
        owner=row.owner.name,
        profile=row.profile.name,
        reporting_asset=row.reporting_asset.code,
        is_default=row.is_default,
        armed_until=clock.iso(row.armed_until) if row.armed_until else None,
        state=row.state,
    )


def halt(row: Halt) -> JSON:
    """A halt as the API answers it."""
    return shapes.halt_shape(
        scope=row.scope,
        key=row.key,
        state=row.state,
        reason=row.reason,
        code=row.code,
        limit=None if row.limit is None else decimal_text(row.limit),
        value=None if row.value is None else decimal_text(row.value),
        until=clock.iso(row.until) if row.until else None,
        set_by=row.set_by,
        set_at=clock.iso(row.set_at),
    )


def parse_uuid(text: str) -> uuid.UUID | None:
    """A uuid in its usual form, or None."""
    try:
        return uuid.UUID(text) if len(text) == 36 else None
    except ValueError:
        return None

"""The shapes of the API as drf-spectacular documents them. They check nothing; a test holds them to orders/shapes.py."""

from __future__ import annotations

from functools import cache

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from orders import conditions, limits

ACCOUNT = OpenApiParameter("account", description="Names of accounts, with commas; all of yours unless said.")
LIMIT_SCOPE = OpenApiParameter("scope", enum=limits.EVERYWHERE)
EXCHANGE = OpenApiParameter("exchange")
SYMBOL = OpenApiParameter("symbol", description="As BTC/USDT, or one of the instrument's mapped names.")
STRATEGY_ID = OpenApiParameter("strategy_id", description="Empty: what was done by hand.")
ORDER_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Our id, or client:<request_id>.")
IDEMPOTENCY_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
SPAN = (
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="This time or later; ISO 8601, or ms since 1970."),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description="Before this time."),
)
LIMIT = OpenApiParameter("limit", int, description="Rows of a page: 100 unless said, 500 at most.")
PAGE = (LIMIT, OpenApiParameter("cursor", description="From `next`."))


def text(**options: object) -> serializers.CharField:
    return serializers.CharField(**options)


def decimal(**options: object) -> serializers.RegexField:
    return serializers.RegexField(r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$", **options)


def moment(**options: object) -> serializers.DateTimeField:
    return serializers.DateTimeField(**options)


class Error(serializers.Serializer):
    code = text()
    message = text(help_text="What happened, what it means, what to do.")
    errors = serializers.DictField(child=text(), required=False, help_text="By field.")
    limit = text(required=False, allow_null=True)
    value = text(required=False, allow_null=True)
    order = serializers.DictField(required=False, help_text="The order, where there is one.")
    decided_by = moment(required=False, help_text="With 504: after this a look-up by request_id is final.")


ERRORS = {400: Error, 401: Error, 403: Error, 404: Error, 429: Error}


class Reason(serializers.Serializer):
    code = text()
    limit = text(allow_null=True)
    value = text(allow_null=True)


class Fee(serializers.Serializer):
    asset = text()
    amount = decimal()


class TakeProfit(serializers.Serializer):
    price = decimal()


class StopLoss(serializers.Serializer):
    stop_price = decimal()
    limit_price = decimal(required=False, allow_null=True, help_text="Left out: it is sold or bought at the market.")


class Order(serializers.Serializer):
    id = serializers.UUIDField()
    request_id = text()
    client_order_id = text()
    order_id = text(allow_null=True)
    user_id = text(allow_null=True)
    exchange_order_id = text(allow_null=True)
    account = text()
    exchange = text()
    symbol = text()
    type = text()
    side = serializers.ChoiceField(["buy", "sell"])
    status = text()
    price = decimal(allow_null=True)
    stop_price = decimal(allow_null=True, help_text="A trailing stop's moves with the market.")
    quantity = decimal()
    filled_quantity = decimal()
    remaining_quantity = decimal()
    average_price = decimal(allow_null=True)
    time_in_force = text()
    post_only = serializers.BooleanField()
    reduce_only = serializers.BooleanField()
    fees = Fee(many=True)
    reason = Reason(allow_null=True)
    strategy_id = text(allow_blank=True)
    source = text(allow_null=True)
    is_paper_trading = serializers.BooleanField()
    created_at = moment()
    updated_at = moment()
    seq = serializers.IntegerField()
    trail_amount = decimal(required=False, help_text="This and what follows: only on orders that have it.")
    trail_percent = decimal(required=False)
    expires_at = moment(required=False)
    take_profit = TakeProfit(required=False)
    stop_loss = StopLoss(required=False)
    extended_hours = serializers.BooleanField(required=False)
    parent_id = serializers.UUIDField(
        required=False, help_text="The order whose take profit (request_id tp~…) or stop loss (sl~…) this is."
    )
    triggered_at = moment(required=False)


class NewOrder(serializers.Serializer):
    exchange = text()
    symbol = text()
    side = serializers.ChoiceField(["buy", "sell"], help_text="In any case.")
    type = serializers.ChoiceField(conditions.TYPES, help_text="In any case.")
    quantity = decimal()
    price = decimal(required=False, allow_null=True, help_text="For limit, stop_limit and take_profit_limit.")
    stop_price = decimal(
        required=False,
        help_text="For stop, stop_limit, take_profit and take_profit_limit; where a trailing_stop begins.",
    )
    trail_amount = decimal(required=False, help_text="For trailing_stop: how far behind the best price.")
    trail_percent = decimal(required=False, help_text="For trailing_stop instead: a multiple of 0.01.")
    request_id = serializers.RegexField(
        r"^[A-Za-z0-9._:-]{1,64}$", required=False, help_text="Unique per account, for ever."
    )
    client_order_id = text(required=False, help_text="The same under its other name.")
    account = text(required=False, help_text="Your default account of the exchange unless said.")
    time_in_force = serializers.ChoiceField(
        conditions.TIFS, required=False, help_text="gtc unless said; ioc for a market order."
    )
    expires_at = moment(required=False, help_text="For gtd.")
    post_only = serializers.BooleanField(required=False, help_text="Refused rather than to trade at once.")
    reduce_only = serializers.BooleanField(required=False, help_text="Never more than closes the position.")
    take_profit = TakeProfit(
        required=False, help_text="An order that follows its fills, and leaves when the other fills."
    )
    stop_loss = StopLoss(
        required=False,
        help_text="The same. On a limit order with reduce_only: a stop beside it, one or the other fills.",
    )
    extended_hours = serializers.BooleanField(required=False, help_text="No exchange here has sessions to extend.")
    allow_duplicate = serializers.BooleanField(
        required=False, help_text="Meant twice: the same order again within a moment is no mistake."
    )
    tags = serializers.ListField(child=text(), required=False, help_text="At most 16; kept.")
    spec_version = serializers.IntegerField(required=False, help_text="A stale one is refused with 409.")
    strategy_id = text(required=False)
    source = text(required=False)
    order_id = text(required=False, help_text="Yours; kept and echoed.")
    user_id = text(required=False, help_text="Yours; kept and echoed.")
    is_paper_trading = serializers.BooleanField(
        required=False, help_text="Asserts the account's kind; 422 when it differs."
    )
    api_key = text(required=False, help_text="A key, for paper accounts only; sign requests instead where you can.")


class AmendOrder(serializers.Serializer):
    price = decimal(required=False, help_text="Of orders that have one; a stop waiting for its price too.")
    quantity = decimal(required=False, help_text="The new total, filled quantity included.")
    request_id = text(required=False, help_text="Of the amend itself.")


class BatchOrder(NewOrder):
    """Of a place: the fields of an order. Of an amend or cancel: which one, and what changes."""

    id = text(required=False, help_text="Of an amend or cancel: our id of the order;")
    client = text(required=False, help_text="or its request_id.")
    exchange = text(required=False)
    symbol = text(required=False)
    side = serializers.ChoiceField(["buy", "sell"], required=False)
    type = serializers.ChoiceField(conditions.TYPES, required=False)
    quantity = decimal(required=False)


class BatchItem(serializers.Serializer):
    op = serializers.ChoiceField(["place", "amend", "cancel"])
    order = BatchOrder()


class NewBatch(serializers.Serializer):
    items = BatchItem(many=True, max_length=500)


class BatchResult(serializers.Serializer):
    status = serializers.IntegerField(help_text="As if it had been sent alone.")
    order = Order(required=False)
    code = text(required=False)
    message = text(required=False)
    errors = serializers.DictField(child=text(), required=False, help_text="By field.")
    limit = text(required=False, allow_null=True)
    value = text(required=False, allow_null=True)
    retry_after = serializers.IntegerField(required=False, help_text="With 429 and 503: seconds.")
    decided_by = moment(required=False, help_text="With 504: after this a look-up by request_id is final.")


class BatchResults(serializers.Serializer):
    results = BatchResult(many=True)


class Fill(serializers.Serializer):
    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    request_id = text()
    exchange_trade_id = text()
    account = text()
    exchange = text()
    symbol = text()
    side = serializers.ChoiceField(["buy", "sell"])
    price = decimal()
    quantity = decimal()
    fee = decimal()
    fee_asset = text()
    liquidity = serializers.ChoiceField(["maker", "taker"])
    strategy_id = text(allow_blank=True)
    timestamp = moment()


class Position(serializers.Serializer):
    account = text()
    exchange = text()
    symbol = text()
    strategy_id = text(allow_blank=True, allow_null=True, help_text="null: of the account, all strategies together.")
    quantity = decimal()
    average_price = decimal(allow_null=True)
    mark_price = decimal(allow_null=True, help_text="null: no fresh mark is known.")
    realised = decimal()
    unrealised = decimal(allow_null=True, help_text="null: no fresh mark is known.")
    fees = decimal()
    as_of_seq = serializers.IntegerField()
    reconciled_at = moment(allow_null=True)
    state = text()


class Balance(serializers.Serializer):
    account = text()
    asset = text()
    total = decimal()
    free = decimal()
    used = decimal()


class Account(serializers.Serializer):
    id = serializers.IntegerField()
    name = text()
    exchange = text()
    kind = serializers.ChoiceField(["paper", "simulated", "sandbox", "live"])
    owner = text()
    profile = text()
    reporting_asset = text()
    is_default = serializers.BooleanField()
    armed_until = moment(allow_null=True)
    state = text()


class Pnl(serializers.Serializer):
    account = text()
    symbol = text()
    strategy_id = text(allow_blank=True)
    day = serializers.DateField(allow_null=True, help_text="UTC; null where rows are totals.")
    realised = decimal()
    unrealised = decimal(allow_null=True)
    fees = decimal()
    funding = decimal()
    residual = decimal(
        help_text="What the other columns do not explain; rounding, or a mistake that should be looked at."
    )


HALT_SCOPES = ["global", "exchange", "owner", "account", "strategy", "instrument", "key", "position"]


class Halt(serializers.Serializer):
    scope = serializers.ChoiceField(HALT_SCOPES)
    key = text(allow_blank=True)
    state = serializers.ChoiceField(["active", "reducing", "halted"])
    reason = text(allow_blank=True)
    code = text(allow_null=True, help_text="What tripped, as DAILY_LOSS; null: a person set it.")
    limit = text(allow_null=True)
    value = text(allow_null=True)
    until = moment(allow_null=True, help_text="When it ends by itself; null: when a person resumes.")
    set_by = text(allow_blank=True)
    set_at = moment()


class AskHalt(serializers.Serializer):
    scope = serializers.ChoiceField(HALT_SCOPES)
    key = text(required=False, help_text="Name of the thing; nothing for global, and for owner you.")
    state = serializers.ChoiceField(["halted", "reducing"], required=False)
    reason = text(required=False)


class AskResume(serializers.Serializer):
    scope = serializers.ChoiceField(HALT_SCOPES)
    key = text(required=False)
    reason = text(required=False)


class AskFlatten(serializers.Serializer):
    account = text()


class AskDrill(serializers.Serializer):
    account = text(
        required=False, help_text="A paper account that may lose what it holds; one made for it unless said."
    )


class Remainder(serializers.Serializer):
    exchange = text()
    symbol = text()
    strategy_id = text(allow_blank=True)
    quantity = decimal()
    reason = Reason()
    message = text()


class Flatten(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(["flatten", "cancel_all"])
    account = text(allow_null=True)
    state = serializers.ChoiceField(["pending", "running", "flat", "left", "refused"])
    asked_at = moment()
    asked_by = text()
    decided_at = moment(allow_null=True)
    canceled = serializers.IntegerField(help_text="Orders that were open.")
    orders = serializers.IntegerField(help_text="Market orders placed to close.")
    canceled_ms = serializers.IntegerField(allow_null=True, help_text="From asking until no order stood.")
    took_ms = serializers.IntegerField(allow_null=True)
    dust = Remainder(many=True, help_text="Too small to trade; does not keep the account from being flat.")
    left = Remainder(many=True, help_text="What could not be closed, and why.")
    message = text()


class Drill(serializers.Serializer):
    id = serializers.IntegerField()
    account = text()
    at = moment(help_text="The press; all times are milliseconds since then.")
    by = text()
    passed = serializers.BooleanField()
    last_order_ms = serializers.IntegerField(
        allow_null=True, help_text="The last new order that was taken; at most 1000."
    )
    cancel_issued_ms = serializers.IntegerField(
        allow_null=True, help_text="The first order was canceled; at most 3000."
    )
    canceled_ms = serializers.IntegerField(allow_null=True, help_text="No order stood any more.")
    flat_ms = serializers.IntegerField(allow_null=True)
    orders = serializers.IntegerField()
    message = text()


class Verdict(serializers.Serializer):
    code = text()
    ok = serializers.BooleanField()
    limit = text(allow_null=True, help_text="null: there is none.")
    value = text(allow_null=True, help_text="What this order comes to.")
    room = text(allow_null=True, help_text="What is left of the limit with this order; below zero it is too much.")
    message = text(allow_null=True)
    fix = text(allow_null=True, help_text="What to change, where it is not ok.")


class OrderCheck(serializers.Serializer):
    ok = serializers.BooleanField()
    as_of_seq = serializers.IntegerField(help_text="The journal's number the answer is of.")
    results = Verdict(many=True)


class Limit(serializers.Serializer):
    scope = serializers.ChoiceField(limits.EVERYWHERE)
    key = text(allow_blank=True, help_text="Name of the thing; nothing for global and owner.")
    account = text(allow_null=True)
    code = text()
    value = decimal(allow_null=True, help_text="null: not set, so every order of the account is refused.")
    set_on = serializers.ChoiceField([*limits.EVERYWHERE, "profile", "nothing"])
    profile = text(allow_null=True)
    meaning = text()


class SetLimits(serializers.Serializer):
    account = text(required=False, help_text="For scope account.")
    scope = serializers.ChoiceField(limits.EVERYWHERE, required=False, help_text="account by default.")
    key = text(required=False, help_text="Name of the thing; nothing for global and owner.")
    limits = serializers.DictField(child=text(allow_null=True), help_text="By code; null: as the profile has it.")


class AccountState(serializers.Serializer):
    account = text()
    state = serializers.ChoiceField(["active", "reducing", "halted"])
    open_orders = serializers.IntegerField()


class RiskState(serializers.Serializer):
    state = serializers.ChoiceField(["active", "reducing", "halted"])
    halts = Halt(many=True)
    accounts = AccountState(many=True)


class Key(serializers.Serializer):
    id = serializers.IntegerField()
    name = text(allow_blank=True)
    api_key = text()
    scopes = serializers.ListField(child=text())
    accounts = serializers.ListField(child=text(), help_text="Empty: all of yours.")
    symbols = serializers.ListField(child=text(), help_text="Empty: all.")
    order_notional_max = decimal(allow_null=True)
    day_notional_max = decimal(allow_null=True)
    rate_per_second = serializers.IntegerField(allow_null=True)
    paper_only = serializers.BooleanField()
    addresses = serializers.ListField(child=text())
    expires_at = moment(allow_null=True)
    revoked_at = moment(allow_null=True)
    last_used_at = moment(allow_null=True)
    created_at = moment()


class NewKey(serializers.Serializer):
    scopes = serializers.ListField(child=serializers.ChoiceField(["read", "trade", "operate", "admin"]))
    name = text(required=False)
    accounts = serializers.ListField(child=text(), required=False)
    symbols = serializers.ListField(child=text(), required=False)
    order_notional_max = decimal(required=False)
    day_notional_max = decimal(required=False)
    rate_per_second = serializers.IntegerField(required=False)
    paper_only = serializers.BooleanField(required=False)
    addresses = serializers.ListField(child=text(), required=False)
    expires_at = moment(required=False)


class KeyWithSecret(Key):
    api_secret = text(help_text="Shown this once.")


class FlightStage(serializers.Serializer):
    stage = text(help_text="click, sent, accepted, added, read, decided, committed, answered, received, painted")
    clock = text(help_text="Whose clock: browser or server.")
    at_ns = text(allow_null=True, help_text="Nanoseconds since 1970, as text; of the server's stages.")
    offset_ns = serializers.IntegerField(allow_null=True, help_text="Since the first stage of the same clock.")
    took_ns = serializers.IntegerField(allow_null=True, help_text="Since the stage before it of the same clock.")
    resolution_ns = serializers.IntegerField(help_text="The finest its clock tells apart: the bus counts milliseconds.")
    unknown = text(allow_null=True, help_text="Why it is not known.")


class Flight(serializers.Serializer):
    order_id = serializers.UUIDField()
    request_id = text()
    started_at_ns = text(allow_null=True, help_text="The server's first stamp, nanoseconds since 1970, as text.")
    stages = FlightStage(many=True)
    round_trip_ns = serializers.IntegerField(allow_null=True, help_text="Sent until received, by the browser's clock.")
    server_ns = serializers.IntegerField(allow_null=True, help_text="Accepted until answered, by the server's.")
    network_ns = serializers.IntegerField(allow_null=True, help_text="Their difference.")
    click_to_paint_ns = serializers.IntegerField(
        allow_null=True, help_text="Click until paint, by the browser's clock."
    )
    orders_in_batch = serializers.IntegerField(allow_null=True, help_text="Orders decided in the same transaction.")


class Latency(serializers.Serializer):
    stage = text()
    meaning = text()
    exchange = text()
    count = serializers.IntegerField()
    p50_ns = serializers.IntegerField()
    p95_ns = serializers.IntegerField()
    p99_ns = serializers.IntegerField()
    p99_9_ns = serializers.IntegerField()
    max_ns = serializers.IntegerField()


class Latencies(serializers.Serializer):
    window_s = serializers.IntegerField()
    orders = serializers.IntegerField(help_text="How many were measured; the newest.")
    complete = serializers.BooleanField(help_text="All of the window's.")
    results = Latency(many=True)


class AuditLine(serializers.Serializer):
    seq = serializers.IntegerField(allow_null=True, help_text="Its place in the chain; null: still being counted.")
    time = moment()
    code = text(help_text="KEY_CREATE for key.create.")
    action = text()
    actor = text(allow_blank=True)
    target = text(allow_blank=True)
    address = text(allow_blank=True)
    detail = serializers.DictField()
    hash = text(allow_null=True, help_text="BLAKE2b-256 over the line before and this one, in hex.")


class Login(serializers.Serializer):
    username = text()
    password = text()


class Tokens(serializers.Serializer):
    access = text()
    refresh = text()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class Refresh(serializers.Serializer):
    refresh = text()


class EquityCurve(serializers.Serializer):
    results = serializers.ListField(
        child=serializers.ListField(), help_text="[time_ms, equity, cash_flow], oldest first, ending at the newest."
    )
    next = serializers.URLField(allow_null=True, help_text="The rows before these.")
    account = text()
    asset = text()


@cache
def page_of(row: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """The document of a list of such rows."""
    fields = {
        "__module__": __name__,
        "__doc__": f"A page of {row.__name__}.",
        "results": row(many=True),
        "next": serializers.URLField(allow_null=True),
    }
    return type(f"{row.__name__}List", (serializers.Serializer,), fields)

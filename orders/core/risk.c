/* Pre-trade controls, in one fixed order, each with its reason. The answer is an approved order (its hold) or the first
 * reason with the limit and the value that broke it. Nothing changes here. */
#include "state.h"

typedef struct {
    const core *c;
    const core_command *m;
    const core_account *account;       /* NULL when unknown */
    const core_instrument *instrument; /* NULL when unknown */
    risk_decision *d;
    uint32_t controls; /* evaluated so far */
    i128 notional;
    i128 held;        /* what an amend gives back before it takes */
    int64_t standing; /* its open lots before the amend */
    i128 free;
} risk_order;

static bool refuse(risk_order *r, unsigned reason, i128 limit, i128 value)
{
    r->d->reason = reason;
    r->d->limit = limit;
    r->d->value = value;
    return false;
}

/* Two scopes never share a key by accident: the row is compared in full by risk_halt_find(). */
static uint64_t halt_key(unsigned scope, uint64_t key) { return fixed_mix(key + ((uint64_t)scope << 56)); }

uint32_t risk_halt_find(const core *c, unsigned scope, uint64_t key, uint64_t *table_key)
{
    for (*table_key = halt_key(scope, key);; ++*table_key) { /* a clash moves on by one; halts are never removed */
        uint32_t slot = table_get(&c->halt_ids, *table_key);
        if (slot == 0 || (HALT(c, slot)->key == key && HALT(c, slot)->scope == scope)) return slot;
    }
}

static unsigned halt_state(const core *c, unsigned scope, uint64_t key)
{
    uint64_t unused;
    uint32_t slot = risk_halt_find(c, scope, key, &unused);
    return slot ? HALT(c, slot)->state : HALT_ACTIVE;
}

/* Reduces: with every open order of its kind filled, the strategy's position would still not have passed zero. */
static bool reduces(const risk_order *r)
{
    const core *c = r->c;
    uint32_t position = r->d->position;
    if (position == 0) return false;
    i128 held = POSITION(c, position)->qty, unit = r->instrument->spec.base_unit, lots = r->m->qty_lots;
    if (r->m->side == SIDE_BUY ? held >= 0 : held <= 0) return false;
    for (uint32_t slot = r->account->first_order; slot; slot = LINKS(c, slot)->account_next) {
        const core_order *o = ORDER(c, slot);
        if (o->position == position && o->side == r->m->side && o->order_no != r->m->order_no) lots += o->qty_lots - o->filled_lots;
    }
    i128 room = (held < 0 ? -held : held) / unit;
    return lots <= room;
}

static bool check_halts(risk_order *r)
{
    const core *c = r->c;
    r->controls += 2;
    if (c->halts_on == 0) return true;
    unsigned worst = HALT_ACTIVE, scope_of_worst = 0;
    uint64_t key_of_worst = 0;
    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        uint64_t key = 0;
        if (scope == SCOPE_EXCHANGE && r->instrument) key = r->instrument->spec.exchange;
        if (scope == SCOPE_OWNER && r->account) key = r->account->owner;
        if (scope == SCOPE_ACCOUNT) key = r->m->account;
        if (scope == SCOPE_STRATEGY) key = r->m->strategy;
        if (scope == SCOPE_INSTRUMENT) key = r->m->instrument;
        unsigned state = halt_state(c, scope, key);
        if (state <= worst) continue;
        worst = state;
        scope_of_worst = scope;
        key_of_worst = key;
    }
    if (worst == HALT_HALTED) return refuse(r, REASON_TRADING_HALTED, scope_of_worst, (i128)key_of_worst);
    if (worst == HALT_ACTIVE || (r->account && r->instrument && reduces(r))) return true;
    return refuse(r, REASON_TRADING_REDUCING, scope_of_worst, (i128)key_of_worst);
}

static bool check_world(risk_order *r)
{
    r->controls += 5;
    if (r->instrument == NULL) return refuse(r, REASON_INSTRUMENT_UNKNOWN, 0, r->m->instrument);
    const core_instrument_spec *spec = &r->instrument->spec;
    if (spec->status != INSTRUMENT_TRADING) return refuse(r, REASON_INSTRUMENT_NOT_TRADING, INSTRUMENT_TRADING, spec->status);
    if (spec->spec_version != r->m->spec_version) return refuse(r, REASON_SPEC_CHANGED, spec->spec_version, r->m->spec_version);
    if (r->account == NULL) return refuse(r, REASON_ACCOUNT_UNKNOWN, 0, r->m->account);
    if (!r->account->limits_set) return refuse(r, REASON_LIMITS_MISSING, 0, r->m->account);
    if (!mirror_is_usable(r->c, r->instrument, r->m->at_ns)) return refuse(r, REASON_DATA_STALE, spec->stale_after_ns, 0);
    return true;
}

static bool check_shape(risk_order *r)
{
    const core_command *m = r->m;
    const core_instrument_spec *spec = &r->instrument->spec;
    r->controls += 6;
    if (m->side > SIDE_SELL || m->type > TYPE_MARKET) return refuse(r, REASON_TYPE_UNSUPPORTED, TYPE_MARKET, m->type);
    if (m->tif > TIF_IOC) return refuse(r, REASON_TIF_UNSUPPORTED, TIF_IOC, m->tif);
    if (m->type == TYPE_LIMIT && m->price_ticks <= 0) return refuse(r, REASON_PRICE_PRECISION, 1, m->price_ticks);
    if (m->qty_lots <= 0) return refuse(r, REASON_QTY_PRECISION, 1, m->qty_lots);
    if (m->qty_lots < spec->qty_min_lots) return refuse(r, REASON_QTY_MIN, spec->qty_min_lots, m->qty_lots);
    if (spec->qty_max_lots && m->qty_lots > spec->qty_max_lots) return refuse(r, REASON_QTY_MAX, spec->qty_max_lots, m->qty_lots);
    return true;
}

/* A market order's value is what it would cost in this book now; a limit order's is its own price. */
static bool check_notional(risk_order *r)
{
    const core_command *m = r->m;
    const core_limits *limits = &r->account->limits;
    match_preview *p = &r->d->preview;
    r->controls += 2;
    if (m->type == TYPE_MARKET) {
        match_walk(r->c, r->instrument, m, r->account->owner, r->instrument->spec.taker_fee_ppm, p);
        r->notional = p->cost;
    } else if (!fixed_worth(&r->instrument->spec, SIDE_SELL, m->price_ticks, m->qty_lots, &r->notional)) {
        return refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    }
    if (r->instrument->spec.kind == KIND_INVERSE) { /* limits are in quote: what its contracts are worth at any price */
        int64_t lots = m->type == TYPE_MARKET ? p->lots : m->qty_lots;
        if (!fixed_amount(lots, r->instrument->spec.base_unit, &r->notional)) return refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    }
    bool nothing = m->type == TYPE_MARKET && p->lots == 0; /* that is NO_LIQUIDITY's to say */
    i128 least = r->instrument->spec.notional_min;
    if (r->notional < least && !nothing) return refuse(r, REASON_NOTIONAL_MIN, least, r->notional);
    if (limits->notional_max && r->notional > limits->notional_max)
        return refuse(r, REASON_NOTIONAL_MAX, limits->notional_max, r->notional);
    return true;
}

static bool check_counts(risk_order *r)
{
    const core_limits *l = &r->account->limits;
    uint32_t here = SEAT(r->c, r->d->seat)->open_orders; /* no seat yet: slot 0 reads as zeros */
    r->controls += 3;
    if (l->open_orders_max && r->account->open_orders >= l->open_orders_max)
        return refuse(r, REASON_OPEN_ORDERS_MAX, l->open_orders_max, (i128)r->account->open_orders + 1);
    if (l->open_orders_instrument_max && here >= l->open_orders_instrument_max)
        return refuse(r, REASON_OPEN_ORDERS_MAX, l->open_orders_instrument_max, (i128)here + 1);
    if (l->rate_per_second == 0) return true;
    i128 tokens = account_bucket(r->account, r->m->at_ns);
    if (tokens >= BUCKET_TOKEN) return true;
    i128 wait_ns = (BUCKET_TOKEN - tokens + l->rate_per_second - 1) / l->rate_per_second;
    return refuse(r, REASON_RATE_ORDERS, l->rate_per_second, wait_ns);
}

static bool check_self_trade(risk_order *r)
{
    r->controls++;
    if (r->account->limits.self_trade_allowed || r->m->flags & FLAG_ALLOW_SELF_TRADE) return true;
    if (r->m->type == TYPE_LIMIT) {
        if (!book_crosses(&r->instrument->book, r->m->side, r->m->price_ticks)) return true;
        match_walk(r->c, r->instrument, r->m, r->account->owner, r->instrument->spec.taker_fee_ppm, &r->d->preview);
    }
    return r->d->preview.has_own ? refuse(r, REASON_SELF_TRADE, 0, (i128)r->d->preview.own_order) : true;
}

bool risk_hold(const core_instrument *in, unsigned side, int64_t ticks, int64_t lots, uint32_t fee_ppm, i128 *hold)
{
    if (side == SIDE_SELL) return fixed_amount(lots, in->spec.base_unit, hold);
    if (!fixed_notional(ticks, lots, in->spec.quote_unit, hold)) return false;
    *hold += fixed_fee(*hold, fee_ppm);
    return true;
}

/* A margin account holds nothing: its equity must bear the worst its open orders could make, this one among them. */
static bool check_margin(risk_order *r, int64_t more_lots)
{
    margin_worst worst;
    r->controls += 2;
    r->d->hold = 0;
    if (!r->account->margin) return refuse(r, REASON_MARGIN_INSUFFICIENT, 0, r->notional); /* contracts need a margin account */
    if (r->m->flags & FLAG_REDUCE_ONLY) return true;
    margin_with(r->c, r->d->account, r->d->instrument, r->m->side, more_lots, &worst);
    if (!worst.raises) return true;
    if (!worst.known) return refuse(r, REASON_EQUITY_UNKNOWN, 0, 0);
    return worst.margin <= worst.equity || refuse(r, REASON_MARGIN_INSUFFICIENT, worst.equity, worst.margin);
}

static bool check_balance(risk_order *r, uint32_t fee_ppm)
{
    const core *c = r->c;
    const core_command *m = r->m;
    const core_instrument_spec *spec = &r->instrument->spec;
    i128 amount;
    r->controls += 2;
    if (!fixed_amount(m->qty_lots, spec->base_unit, &amount)) return refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    if (margin_way(r->account, r->instrument) != WAY_CASH) return check_margin(r, m->qty_lots - r->standing);
    if (m->side == SIDE_SELL)
        r->d->hold = amount;
    else if (m->type == TYPE_MARKET)
        r->d->hold = r->d->preview.cost + r->d->preview.fees;
    else
        r->d->hold = r->notional + fixed_fee(r->notional, fee_ppm);
    uint32_t slot = SEAT(c, r->d->seat)->balance[m->side];
    if (slot == 0)
        slot = table_get(&c->balance_ids, (uint64_t)r->d->account << 32 | (m->side == SIDE_BUY ? spec->quote_asset : spec->base_asset));
    if (slot) r->free = BALANCE(c, slot)->total - BALANCE(c, slot)->hold;
    return r->d->hold - r->held <= r->free || refuse(r, REASON_BALANCE_INSUFFICIENT, r->free + r->held, r->d->hold);
}

static bool check_market(risk_order *r, int64_t standing)
{
    int64_t sum;
    r->controls += 2;
    if (r->m->type == TYPE_MARKET && r->d->preview.lots == 0) return refuse(r, REASON_NO_LIQUIDITY, 0, r->m->qty_lots);
    if (__builtin_add_overflow(r->instrument->book.lots[r->m->side] - standing, r->m->qty_lots, &sum))
        return refuse(r, REASON_NUMBER_OVERFLOW, INT64_MAX, r->m->qty_lots);
    if (__builtin_add_overflow(SEAT(r->c, r->d->seat)->open_lots[r->m->side] - standing, r->m->qty_lots, &sum)) /* slot 0 reads as zeros */
        return refuse(r, REASON_NUMBER_OVERFLOW, INT64_MAX, r->m->qty_lots);
    return true;
}

void risk_find(const core *c, const core_command *m, risk_decision *d)
{
    *d = (risk_decision){.account = table_get(&c->account_ids, m->account), .instrument = table_get(&c->instrument_ids, m->instrument)};
    if (d->account && d->instrument) d->seat = table_get(&c->seat_ids, (uint64_t)d->account << 32 | d->instrument);
    if (d->seat) d->position = position_find(c, d->seat, m->strategy);
}

static risk_order begin(const core *c, const core_command *m, risk_decision *d)
{
    risk_order r = {.c = c, .m = m, .d = d};
    if (d->account) r.account = ACCOUNT(c, d->account);
    if (d->instrument) r.instrument = INSTRUMENT(c, d->instrument);
    return r;
}

/* All of them, in their order. Counts and rate are for new orders; an amended one keeps the fees it was accepted under. */
static bool approved(risk_order *r, const core_order *amended)
{
    if (!check_halts(r) || !check_world(r) || !check_shape(r) || !check_notional(r)) return false;
    if (amended == NULL && !check_counts(r)) return false;
    if (!check_self_trade(r)) return false;
    uint32_t maker = amended ? amended->maker_fee_ppm : r->instrument->spec.maker_fee_ppm;
    uint32_t taker = amended ? amended->taker_fee_ppm : r->instrument->spec.taker_fee_ppm;
    return check_balance(r, maker > taker ? maker : taker) && check_market(r, amended ? amended->remaining : 0);
}

void risk_place(core *c, const core_command *m, risk_decision *d)
{
    risk_order r = begin(c, m, d);
    approved(&r, NULL);
    c->checks += r.controls;
}

/* m carries the order as it would be: price, qty_lots = the lots that would stand. */
void risk_amend(core *c, const core_command *m, const core_order *o, int64_t new_total, risk_decision *d)
{
    risk_order r = begin(c, m, d);
    r.held = o->hold;
    r.standing = o->remaining;
    uint32_t ppm = o->maker_fee_ppm > o->taker_fee_ppm ? o->maker_fee_ppm : o->taker_fee_ppm;
    bool stands = approved(&r, o);
    c->checks += r.controls;
    if (!stands) return;
    if (margin_way(r.account, r.instrument) != WAY_CASH) return;
    /* Lots the account half has not seen filled (a lost report) stay held as well. */
    if (!risk_hold(r.instrument, o->side, m->price_ticks, new_total - o->filled_lots, ppm, &d->hold))
        refuse(&r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    else if (d->hold - r.held > r.free)
        refuse(&r, REASON_BALANCE_INSUFFICIENT, r.free + r.held, d->hold);
}

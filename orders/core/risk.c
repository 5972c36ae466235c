/* Pre-trade controls. The answer is an approved order (its hold) or the first reason with the limit and the value that broke
 * it; a check hears every control instead. Nothing changes here. The order is fixed:
 *
 *  1 TRADING_HALTED, or the code of what tripped     any scope
 *  2 LIVE_NOT_ARMED                                  gate of the account
 *  3 TRADING_REDUCING*, or the code of what tripped  any scope
 *  4 RECONCILING*  5 CLOCK_UNSAFE*                   gates of account and exchange
 *  6 INSTRUMENT_UNKNOWN, _NOT_TRADING, SPEC_CHANGED, ACCOUNT_UNKNOWN, LIMITS_MISSING, DATA_STALE
 *  7 TYPE_UNSUPPORTED, TIF_UNSUPPORTED, PRICE_PRECISION, QTY_PRECISION;
 *    TERMS_INVALID, STOP_PRICE_INVALID, EXPIRE_IN_PAST                                (conditions.c)
 *  8 QTY_MIN, QTY_MAX, NUMBER_OVERFLOW, NOTIONAL_MIN, NOTIONAL_MAX
 *  9 PRICE_COLLAR, PRICE_FAR, MARKET_IMPACT, VOLATILITY_PAUSE*                      (prices.c)
 * 10 BALANCE_INSUFFICIENT, or of margin accounts EQUITY_UNKNOWN, MARGIN_INSUFFICIENT;
 *    POSITION_MAX*, GROSS_EXPOSURE_MAX*                                               (exposure.c)
 * 11 OPEN_ORDERS_MAX, RATE_ORDERS, RATE_MESSAGES, DUPLICATE_ORDER                     new orders only, but RATE_MESSAGES
 * 12 SELF_TRADE, REDUCE_ONLY_VIOLATION, POST_ONLY_WOULD_TAKE, FOK_UNFILLABLE, NO_LIQUIDITY
 *
 * An order that surely reduces its strategy's position passes those with a star; a flatten's (FLAG_UNWIND) then passes 1 and 2
 * as well, the limits of 8, 9 and 11, and its owner's own orders give way to it. Several scopes may have a limit of a kind:
 * the strictest is compared, of counts each scope's own. Cancels never come here. */
#include "risk.h"

/* Reduces: with every open order of its kind filled, the strategy's position would still not have passed zero. */
bool risk_reduces(risk_order *r)
{
    const core *c = r->c;
    uint32_t position = r->d->position;
    if (position == 0 || r->account == NULL || r->instrument == NULL) return false;
    i128 held = POSITION(c, position)->qty, unit = r->instrument->spec.base_unit, lots = r->m->qty_lots;
    if (r->m->side == SIDE_BUY ? held >= 0 : held <= 0) return false;
    for (uint32_t slot = r->account->first_order; slot; slot = LINKS(c, slot)->account_next) {
        const core_order *o = ORDER(c, slot);
        if (o->position == position && o->side == r->m->side && o->order_no != r->m->order_no) lots += o->qty_lots - o->filled_lots;
    }
    i128 room = (held < 0 ? -held : held) / unit;
    return lots <= room;
}

/* A flatten gets out whatever limits say, and however trading was stopped. */
static bool unwinds(risk_order *r)
{
    const uint32_t both = FLAG_UNWIND | FLAG_REDUCE_ONLY;
    return (r->m->flags & both) == both && risk_reduces(r);
}

static bool halted(risk_order *r, bool all, unsigned state, unsigned reason, const core_halt_row *h)
{
    bool reducing = state == HALT_REDUCING || r->unwinds;
    if (h == NULL) return risk_must(r, all, reason, true, 0, 0);
    if (reducing && risk_reduces(r)) return risk_must(r, all, h->reason ? h->reason : reason, true, h->scope, (i128)h->key);
    if (h->reason) return risk_must(r, all, h->reason, false, h->limit, h->value);
    return risk_must(r, all, reason, false, h->scope, (i128)h->key);
}

static bool gates(risk_order *r, bool all)
{
    halt_view v;
    if (r->c->halts_on == 0 && !all) return true;
    halt_look(r->c, r->account, r->instrument, r->m, &v);
    if (!halted(r, all, HALT_HALTED, REASON_TRADING_HALTED, v.worst[HALT_HALTED])) return false;
    if (!risk_must(r, all, REASON_LIVE_NOT_ARMED, v.closed[0] == NULL || r->unwinds, 0, 0)) return false;
    if (!halted(r, all, HALT_REDUCING, REASON_TRADING_REDUCING, v.worst[HALT_REDUCING])) return false;
    if (!risk_must(r, all, REASON_RECONCILING, v.closed[1] == NULL || risk_reduces(r), 0, 0)) return false;
    return risk_must(r, all, REASON_CLOCK_UNSAFE, v.closed[2] == NULL || risk_reduces(r), 0, 0);
}

/* Without these there is nothing to compare with: what does not hold ends a check, too. */
static bool world(risk_order *r)
{
    if (r->instrument == NULL) return risk_refuse(r, REASON_INSTRUMENT_UNKNOWN, 0, r->m->instrument);
    const core_instrument_spec *spec = &r->instrument->spec;
    if (spec->status != INSTRUMENT_TRADING) return risk_refuse(r, REASON_INSTRUMENT_NOT_TRADING, INSTRUMENT_TRADING, spec->status);
    if (spec->spec_version != r->m->spec_version) return risk_refuse(r, REASON_SPEC_CHANGED, spec->spec_version, r->m->spec_version);
    if (r->account == NULL) return risk_refuse(r, REASON_ACCOUNT_UNKNOWN, 0, r->m->account);
    if (!r->account->own.set) return risk_refuse(r, REASON_LIMITS_MISSING, 0, r->m->account);
    if (!mirror_is_usable(r->c, r->instrument, r->m->at_ns)) return risk_refuse(r, REASON_DATA_STALE, spec->stale_after_ns, 0);
    return true;
}

/* A control of conditions.c said no. */
static bool because(risk_order *r, bool fits)
{
    unsigned reason = r->d->reason;
    if (fits) return true;
    r->d->reason = REASON_NONE;
    return risk_refuse(r, reason, r->d->limit, r->d->value);
}

static bool shape(risk_order *r)
{
    const core_command *m = r->m;
    if (m->side > SIDE_SELL || m->type > TYPE_TRAILING_STOP) return risk_refuse(r, REASON_TYPE_UNSUPPORTED, TYPE_TRAILING_STOP, m->type);
    if (m->tif > TIF_GTD) return risk_refuse(r, REASON_TIF_UNSUPPORTED, TIF_GTD, m->tif);
    if (type_has_limit(m->type) && m->price_ticks <= 0) return risk_refuse(r, REASON_PRICE_PRECISION, 1, m->price_ticks);
    if (m->qty_lots <= 0) return risk_refuse(r, REASON_QTY_PRECISION, 1, m->qty_lots);
    bool special = r->amended == NULL && (is_special(m) || r->d->terms); /* of an amended one the conditions stay */
    return !special || because(r, conditions_fit(m, &r->instrument->spec, r->d));
}

RISK_INLINE bool quantity(risk_order *r, bool all)
{
    const core_instrument_spec *spec = &r->instrument->spec;
    int64_t lots = r->m->qty_lots;
    if (!risk_at_least(r, all, REASON_QTY_MIN, spec->qty_min_lots, lots)) return false;
    if (!risk_at_most(r, all, REASON_QTY_MAX, spec->qty_max_lots, lots)) return false;
    if (r->limits.limits->quantity_max == 0 || r->unwinds) return true;
    i128 most = r->limits.limits->quantity_max / spec->base_unit;
    return risk_must(r, all, REASON_QTY_MAX, lots <= most, most, lots);
}

/* A limit order is worth its own price; a market order what it would cost in this book now, and at most its worst price
 * there and MARKET_SLACK on top. */
#define MARKET_SLACK_PERCENT 2
static bool market_most(const risk_order *r, i128 *most)
{
    i128 worst;
    if (!fixed_notional(r->d->preview.worst, r->m->qty_lots, r->instrument->spec.quote_unit, &worst)) return false;
    *most = worst + (worst * MARKET_SLACK_PERCENT + 99) / 100;
    return true;
}

RISK_INLINE bool notional(risk_order *r, bool all)
{
    const core_command *m = r->m;
    i128 most = 0, value;
    bool market = m->type == TYPE_MARKET;
    const core_instrument_spec *spec = &r->instrument->spec;
    if (market) {
        match_walk(r->c, r->instrument, m, r->account->owner, r->instrument->spec.taker_fee_ppm, &r->d->preview);
        r->notional = value = r->d->preview.cost;
        if (r->limits.limits->notional_max && r->d->preview.lots && !market_most(r, &value))
            return risk_refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    } else if (fixed_worth(spec, SIDE_SELL, conditions_ticks(m, r->d->terms), m->qty_lots, &r->notional)) {
        value = r->notional;
    } else {
        return risk_refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    }
    if (spec->kind == KIND_INVERSE) { /* limits are in quote: what its contracts are worth at any price */
        if (!fixed_amount(market ? r->d->preview.lots : m->qty_lots, spec->base_unit, &r->notional))
            return risk_refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
        value = r->notional;
    }
    bool nothing = market && r->d->preview.lots == 0; /* that is NO_LIQUIDITY's to say */
    if (!nothing && !risk_at_least(r, all, REASON_NOTIONAL_MIN, r->instrument->spec.notional_min, r->notional)) return false;
    most = r->unwinds ? 0 : r->limits.limits->notional_max;
    return risk_at_most(r, all, REASON_NOTIONAL_MAX, most, value);
}

/* ---- what is counted: each scope its own ---- */

static uint32_t open_of(const risk_order *r, const core_limit_row *row)
{
    return row == &r->account->own ? r->account->open_orders : row->open_orders;
}

/* What a bucket lacks in tokens, as the time it takes to have them; 0 when it has them. */
static i128 wait_ns(const core_bucket *b, uint32_t per_second, uint32_t burst, int64_t at_ns, i128 needed)
{
    i128 tokens = limits_tokens(b, per_second, burst, at_ns);
    return tokens >= needed ? 0 : (needed - tokens + per_second - 1) / per_second;
}

static i128 messages_needed(const core_limits *l)
{
    i128 full = (i128)(l->message_burst ? l->message_burst : 1) * BUCKET_TOKEN;
    return full * MESSAGES_KEPT_PERCENT / 100 + BUCKET_TOKEN;
}

RISK_INLINE bool messages(risk_order *r, bool all)
{
    if (!(r->limits.on & ON_MESSAGES) && !all) return true;
    for (uint32_t i = 0; i < r->limits.count; i++) {
        const core_limits *l = &r->limits.row[i]->limits;
        i128 needed = messages_needed(l), full = (i128)(l->message_burst ? l->message_burst : 1) * BUCKET_TOKEN;
        if (needed > full) needed = full;
        i128 wait =
            l->message_per_second ? wait_ns(&r->limits.row[i]->messages, l->message_per_second, l->message_burst, r->m->at_ns, needed) : 0;
        if (!risk_rate(r, all, REASON_RATE_MESSAGES, l->message_per_second, wait)) return false;
    }
    return true;
}

RISK_INLINE bool counts(risk_order *r, bool all)
{
    const core_limits *own = &r->account->own.limits;
    for (uint32_t i = 0; i < r->limits.count; i++) {
        const core_limit_row *row = r->limits.row[i];
        if (!risk_at_most(r, all, REASON_OPEN_ORDERS_MAX, row->limits.open_orders_max, (i128)open_of(r, row) + 1)) return false;
    }
    uint32_t here = SEAT(r->c, r->d->seat)->open_orders; /* no seat yet: slot 0 reads as zeros */
    if (!risk_at_most(r, all, REASON_OPEN_ORDERS_MAX, own->open_orders_instrument_max, (i128)here + 1)) return false;
    for (uint32_t i = 0; i < r->limits.count; i++) {
        const core_limit_row *row = r->limits.row[i];
        const core_limits *l = &row->limits;
        i128 wait = l->rate_per_second ? wait_ns(&row->orders, l->rate_per_second, l->rate_burst, r->m->at_ns, BUCKET_TOKEN) : 0;
        if (!risk_rate(r, all, REASON_RATE_ORDERS, l->rate_per_second, wait)) return false;
    }
    return true;
}

RISK_INLINE bool duplicate(risk_order *r, bool all)
{
    const core_command *m = r->m;
    uint32_t window_ms = r->limits.limits->duplicate_ms;
    if (window_ms == 0 || m->flags & FLAG_ALLOW_DUPLICATE) return all ? risk_rate(r, all, REASON_DUPLICATE_ORDER, window_ms, 0) : true;
    const core_terms *t = r->d->terms;
    int64_t waits_for = t ? limits_waits_for(m->type, t->stop_ticks, t->trail) : 0;
    uint64_t print = limits_print(r->account->id, m->instrument, m->side, m->type, m->price_ticks, m->qty_lots, waits_for);
    const core_recent *same = limits_recent(r->c, print);
    i128 ends = same ? (i128)same->at_ns + (i128)window_ms * 1000000 : 0;
    return risk_rate(r, all, REASON_DUPLICATE_ORDER, window_ms, same && ends > m->at_ns ? ends - m->at_ns : 0);
}

RISK_INLINE bool self_trade(risk_order *r, bool all)
{
    bool rejects = r->limits.limits->self_trade == SELF_TRADE_REJECT_NEWEST && !(r->m->flags & FLAG_ALLOW_SELF_TRADE) && !r->unwinds;
    /* Theirs are looked for only where the owner has orders on the other side; what waits for a price meets nobody yet. */
    if (!rejects || type_waits(r->m->type) || !own_rests(r->c, r->d->seat, r->d->account, r->d->instrument, 1u - r->m->side))
        return !all || risk_must(r, all, REASON_SELF_TRADE, true, 0, 0);
    if (r->m->type == TYPE_LIMIT) {
        if (!book_crosses(&r->instrument->book, r->m->side, r->m->price_ticks)) return risk_must(r, all, REASON_SELF_TRADE, true, 0, 0);
        match_walk(r->c, r->instrument, r->m, r->account->owner, r->instrument->spec.taker_fee_ppm, &r->d->preview);
    }
    bool meets = r->d->preview.has_own;
    return risk_must(r, all, REASON_SELF_TRADE, !meets, 0, meets ? (i128)r->d->preview.own_order : 0);
}

RISK_INLINE bool market(risk_order *r, bool all, int64_t standing)
{
    int64_t sum;
    bool special = is_special(r->m) || r->d->terms;
    if (special && r->amended == NULL && !because(r, conditions_reduce(r->c, r->m, r->d))) return false;
    if (special && r->amended == NULL && !because(r, conditions_book(r->c, r->m, r->account->owner, r->d))) return false;
    bool nothing = r->m->type == TYPE_MARKET && r->d->preview.lots == 0;
    if (!risk_must(r, all, REASON_NO_LIQUIDITY, !nothing, 0, nothing ? r->m->qty_lots : 0)) return false;
    if (__builtin_add_overflow(rest_lots(r->c, r->instrument, r->m->side) - standing, r->m->qty_lots, &sum))
        return risk_refuse(r, REASON_NUMBER_OVERFLOW, INT64_MAX, r->m->qty_lots);
    if (__builtin_add_overflow(SEAT(r->c, r->d->seat)->open_lots[r->m->side] - standing, r->m->qty_lots, &sum))
        return risk_refuse(r, REASON_NUMBER_OVERFLOW, INT64_MAX, r->m->qty_lots);
    return true;
}

bool risk_hold(const core_instrument *in, unsigned side, int64_t ticks, int64_t lots, uint32_t fee_ppm, i128 *hold)
{
    if (side == SIDE_SELL) return fixed_amount(lots, in->spec.base_unit, hold);
    if (!fixed_notional(ticks, lots, in->spec.quote_unit, hold)) return false;
    *hold += fixed_fee(*hold, fee_ppm);
    return true;
}

/* A margin account holds nothing: its equity must bear the worst its open orders could make, this one among them. */
static bool margin(risk_order *r, bool all, int64_t more_lots)
{
    margin_worst worst;
    r->d->hold = 0;
    if (!r->account->margin) /* contracts need a margin account */
        return risk_must(r, all, REASON_MARGIN_INSUFFICIENT, false, 0, r->notional ? r->notional : 1);
    if (r->m->flags & FLAG_REDUCE_ONLY) return risk_must(r, all, REASON_MARGIN_INSUFFICIENT, true, 0, 0);
    margin_with(r->c, r->d->account, r->d->instrument, r->m->side, more_lots, &worst);
    if (!worst.raises) return risk_must(r, all, REASON_MARGIN_INSUFFICIENT, true, 0, 0);
    if (!risk_must(r, all, REASON_EQUITY_UNKNOWN, worst.known, 0, 0)) return false;
    return !worst.known || risk_must(r, all, REASON_MARGIN_INSUFFICIENT, worst.margin <= worst.equity, worst.equity, worst.margin);
}

RISK_INLINE bool balance(risk_order *r, bool all, uint32_t fee_ppm)
{
    const core *c = r->c;
    const core_command *m = r->m;
    const core_instrument_spec *spec = &r->instrument->spec;
    i128 amount;
    if (!fixed_amount(m->qty_lots, spec->base_unit, &amount)) return risk_refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    if (margin_way(r->account, r->instrument) != WAY_CASH) return margin(r, all, m->qty_lots - (r->amended ? r->amended->remaining : 0));
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
    bool enough = r->d->hold - r->held <= r->free;
    return risk_must(r, all, REASON_BALANCE_INSUFFICIENT, enough, r->free + r->held, r->d->hold);
}

void risk_find(const core *c, const core_command *m, risk_decision *d)
{
    *d = (risk_decision){.account = table_get(&c->account_ids, m->account), .instrument = table_get(&c->instrument_ids, m->instrument)};
    if (d->account && d->instrument) d->seat = table_get(&c->seat_ids, (uint64_t)d->account << 32 | d->instrument);
    if (d->seat) d->position = position_find(c, d->seat, m->strategy);
}

RISK_INLINE void begin(risk_order *r, const core *c, const core_command *m, risk_decision *d, const core_order *amended)
{
    r->c = c;
    r->m = m;
    r->d = d;
    r->amended = amended;
    r->unwinds = false;
    r->account = d->account ? ACCOUNT(c, d->account) : NULL;
    r->instrument = d->instrument ? INSTRUMENT(c, d->instrument) : NULL;
    r->held = amended ? amended->hold : 0;
    r->free = 0;
    r->verdicts = NULL;
    r->count = 0;
}

/* The policy by which the taker's owner's own orders are canceled rather than met. */
RISK_INLINE bool gives_way(const risk_order *r)
{
    bool oldest = r->limits.limits->self_trade == SELF_TRADE_CANCEL_OLDEST || (r->unwinds && r->limits.limits->self_trade);
    bool wants = oldest && !(r->m->flags & FLAG_ALLOW_SELF_TRADE);
    return wants && own_rests(r->c, r->d->seat, r->d->account, r->d->instrument, 1u - r->m->side);
}

/* All of them, in their order. Counts are for new orders; an amended one keeps the fees it was accepted under. */
RISK_INLINE bool approved(risk_order *r, bool all)
{
    const core_order *amended = r->amended;
    r->unwinds = __builtin_expect(r->m->flags & FLAG_UNWIND, 0) && unwinds(r);
    if (!gates(r, all) || !world(r)) return false;
    limits_look(r->c, r->account, r->instrument, r->m->strategy, r->m->key, &r->limits);
    if (!shape(r) || !quantity(r, all)) return false;
    r->d->preview.position = r->d->position;
    r->d->preview.gives_way = gives_way(r);
    if (!notional(r, all)) return false;
    if ((r->limits.on & ON_PRICES || all) && !r->unwinds && !prices_allow(r, all)) return false;
    uint32_t maker = amended ? amended->maker_fee_ppm : r->instrument->spec.maker_fee_ppm;
    uint32_t taker = amended ? amended->taker_fee_ppm : r->instrument->spec.taker_fee_ppm;
    if (!balance(r, all, maker > taker ? maker : taker)) return false;
    if ((r->limits.on & ON_EXPOSURE || all) && !exposure_allows(r, all)) return false;
    if (amended == NULL && !r->unwinds && !counts(r, all)) return false;
    if (!r->unwinds && !messages(r, all)) return false;
    if (amended == NULL && !r->unwinds && !duplicate(r, all)) return false;
    return self_trade(r, all) && market(r, all, amended ? amended->remaining : 0);
}

void risk_place(core *c, const core_command *m, risk_decision *d)
{
    risk_order r;
    begin(&r, c, m, d, NULL);
    bool fits = approved(&r, false);
    c->checks += RISK_CONTROLS;
    if (fits && (r.limits.on | c->rows_on) & ON_COUNTED && !limits_reserve(c)) d->reason = REASON_CAPACITY;
}

size_t core_check(core *c, const core_command *m, const core_terms *terms, core_verdict *out)
{
    risk_order r;
    risk_decision d;
    core_terms mine = *terms;
    risk_find(c, m, &d);
    conditions_resolve(c, m, d.instrument, &mine);
    if (conditions_any(&mine)) d.terms = &mine;
    begin(&r, c, m, &d, NULL);
    r.verdicts = out;
    approved(&r, true);
    return r.count;
}

/* m carries the order as it would be: price, qty_lots = the lots that would stand. */
void risk_amend(core *c, const core_command *m, const core_order *o, int64_t new_total, risk_decision *d)
{
    risk_order r;
    begin(&r, c, m, d, o);
    bool stands = approved(&r, false);
    c->checks += RISK_CONTROLS;
    if (!stands || margin_way(r.account, r.instrument) != WAY_CASH) return;
    /* Lots the account half has not seen filled (a lost report) stay held as well. */
    int64_t open = new_total - o->filled_lots;
    if (o->terms ? !terms_required(c, o, TERMS(c, o->terms), m->price_ticks, open, &d->hold)
                 : !risk_hold(r.instrument, o->side, m->price_ticks, open, order_fee(o), &d->hold))
        risk_refuse(&r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    else if (d->hold - r.held > r.free)
        risk_refuse(&r, REASON_BALANCE_INSUFFICIENT, r.free + r.held, d->hold);
}

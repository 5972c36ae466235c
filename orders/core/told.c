/* What an exchange tells of an order: its executions and its end. The books here made none of it. */
#include "state.h"

static i128 fee_of(const core_command *m) { return (i128)((u128)m->fee_high << 64 | m->fee_low); }

static bool fee_fits(const core_command *m)
{
    return m->fee_asset <= UINT32_MAX && fee_of(m) <= CORE_AMOUNT_MAX && fee_of(m) >= -CORE_AMOUNT_MAX;
}

/* Once a fill, in the asset it was taken in. */
static void take_fee(core_report *r, const core_command *m, const core_instrument_spec *spec)
{
    if (m->fee_asset == 0) return;
    r->last_fee = fee_of(m);
    r->fee_asset = m->fee_asset == spec->settle_asset ? 0 : m->fee_asset;
}

/* A fill after the end: the order is not here any more, the money still moves. */
static unsigned told_late(core *c, const core_command *m, uint64_t index)
{
    uint32_t instrument = table_get(&c->instrument_ids, m->instrument);
    i128 notional, amount;
    if (instrument == 0) return command_refused(c, m, 0, REASON_INSTRUMENT_UNKNOWN, 0, m->instrument, index);
    if (table_get(&c->account_ids, m->account) == 0) return command_refused(c, m, 0, REASON_ACCOUNT_UNKNOWN, 0, m->account, index);
    const core_instrument_spec *spec = &INSTRUMENT(c, instrument)->spec;
    if (m->qty_lots <= 0 || m->side > SIDE_SELL) return command_refused(c, m, 0, REASON_QTY_PRECISION, 1, m->qty_lots, index);
    if (m->price_ticks < 0 || !fixed_worth(spec, m->side, m->price_ticks, m->qty_lots, &notional) ||
        !fixed_amount(m->qty_lots, spec->base_unit, &amount) || !fee_fits(m))
        return command_refused(c, m, 0, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0, index);
    if (!account_reserve(c, 1)) return command_refused(c, m, 0, REASON_CAPACITY, 0, 0, index);
    core_report *r = ring_push(c, 'F', 0);
    r->at_ns = m->at_ns;
    r->order_no = m->order_no;
    r->strategy = m->strategy;
    r->account = m->account;
    r->instrument = m->instrument;
    r->ord_status = '4';
    r->side = m->side;
    r->liquidity = m->type;
    r->flags = FLAG_TOLD | FLAG_LATE;
    r->spec_version = m->spec_version;
    r->filled_lots = r->last_lots = m->qty_lots;
    r->last_ticks = m->price_ticks;
    r->trade_no = m->trade_no;
    r->command_index = (uint32_t)index;
    r->cum_cost = notional;
    r->last_fee = fixed_fee(notional, m->type == LIQUIDITY_MAKER ? spec->maker_fee_ppm : spec->taker_fee_ppm);
    take_fee(r, m, spec);
    command_fold(c, r, 0);
    return REASON_NONE;
}

static unsigned fill_fits(const core *c, const core_order *o, const core_command *m)
{
    i128 notional;
    if (m->qty_lots <= 0) return REASON_QTY_PRECISION;
    if (m->price_ticks <= 0) return REASON_PRICE_PRECISION;
    if (m->qty_lots > o->qty_lots - o->filled_lots) return REASON_FILL_EXCEEDS_ORDER;
    bool worse = o->side == SIDE_BUY ? m->price_ticks > o->limit_ticks : m->price_ticks < o->limit_ticks;
    if (type_has_limit(o->type) && worse) return REASON_FILL_PRICE_WORSE;
    bool fits = fixed_worth(&INSTRUMENT(c, o->instrument)->spec, o->side, m->price_ticks, m->qty_lots, &notional);
    return fits && fee_fits(m) ? REASON_NONE : REASON_NUMBER_OVERFLOW;
}

static void told_fill(core *c, const core_command *m, uint32_t slot, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    core_report *r = order_report(c, slot, 'F', m->at_ns, index);
    r->flags |= FLAG_TOLD;
    r->last_ticks = m->price_ticks;
    r->last_lots = m->qty_lots;
    r->liquidity = m->type;
    r->trade_no = m->trade_no;
    account_terms(c, o, r);
    take_fee(r, m, &INSTRUMENT(c, o->instrument)->spec);
    command_fold(c, r, slot);
    int64_t open = o->qty_lots - o->filled_lots; /* the book may have known already; it never keeps more than is open */
    if (o->in_book && o->remaining > open) book_take(c, book_of(c, slot), slot, o->remaining - open);
    if (o->terms == 0) return;
    if (!o->in_book) o->remaining = open;
    contingent_filled(c, slot, m->at_ns);
}

static unsigned told(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot = order_find(c, m->order_no);
    bool open = slot && ORDER(c, slot)->in_account;
    if (m->op == OP_FILL && m->type > LIQUIDITY_TAKER)
        return command_refused(c, m, 0, REASON_COMMAND_UNKNOWN, LIQUIDITY_TAKER, m->type, index);
    if (!open && m->op == OP_FILL && m->flags & FLAG_LATE) return told_late(c, m, index);
    if (!open) return command_refused(c, m, 0, REASON_ORDER_UNKNOWN, 0, 0, index);
    core_order *o = ORDER(c, slot);
    if (m->op == OP_FILL) {
        unsigned reason = fill_fits(c, o, m);
        if (reason) return command_refused(c, m, slot, reason, o->qty_lots - o->filled_lots, m->qty_lots, index);
        if (m->fee_asset && !account_reserve(c, 1)) return command_refused(c, m, slot, REASON_CAPACITY, 0, 0, index);
        told_fill(c, m, slot, index);
    } else {
        if (order_next(o->ord_status, m->type, false) == 0 || !order_is_final(order_next(o->ord_status, m->type, false)))
            return command_refused(c, m, slot, REASON_COMMAND_UNKNOWN, 0, m->type, index);
        if (o->in_book) book_remove(c, book_of(c, slot), slot);
        if (o->terms) trigger_leave(c, o->terms);
        core_report *r = order_report(c, slot, m->type, m->at_ns, index);
        r->flags |= FLAG_TOLD;
        command_fold(c, r, slot);
        if (o->terms) contingent_ended(c, slot, o->flags & FLAG_TRIGGERED, m->at_ns);
    }
    order_drop_if_gone(c, slot);
    return REASON_NONE;
}

unsigned core_told(core *c, const core_command *m, uint64_t index)
{
    c->commands++;
    if (!command_ready(c, m->at_ns) || !ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = told(c, m, index);
    command_done(c);
    return reason;
}

/* Placing an order: check, accept, match. */
#include "state.h"

/* What a place asked for; what became of it is for the caller to say. */
static core_report *place_report(core *c, const core_command *m, uint8_t exec_type, uint64_t index)
{
    bool keyed = m->key && exec_type == '0' && c->limit_scopes >> SCOPE_KEY & 1;
    uint32_t flags = (m->flags & FLAGS_OF_ORDER) | (keyed ? FLAG_KEYED : 0);
    core_report *r = ring_push(c, exec_type, flags);
    r->at_ns = m->at_ns;
    r->order_no = m->order_no;
    r->strategy = m->strategy;
    r->account = m->account;
    r->instrument = m->instrument;
    r->side = m->side;
    r->type = m->type;
    r->tif = m->tif;
    r->flags = flags;
    r->spec_version = m->spec_version;
    r->price_ticks = m->price_ticks;
    r->qty_lots = m->qty_lots;
    r->command_index = (uint32_t)index;
    if (keyed) r->key = m->key;
    return r;
}

static unsigned refused_place(core *c, const core_command *m, const risk_decision *d, uint64_t index)
{
    core_report *r = place_report(c, m, '8', index);
    r->ord_status = '8';
    r->reason = (uint16_t)d->reason;
    r->limit = d->limit;
    r->value = d->value;
    return d->reason;
}

static void fill_market_half(core *c, uint32_t slot, const core_command *m, uint32_t instrument)
{
    core_order *o = ORDER(c, slot);
    o->price_ticks = m->price_ticks;
    o->remaining = m->qty_lots;
    o->qty_lots = m->qty_lots;
    o->instrument = instrument;
    o->flags = m->flags & FLAGS_OF_ORDER;
    o->side = m->side;
    o->type = m->type;
    o->tif = m->tif;
    o->spec_version = m->spec_version;
}

/* The simulator's own traders: a shape that cannot hurt the book, and nothing more. */
static unsigned place_agent(core *c, const core_command *m)
{
    i128 amount;
    match_preview p = {0};
    uint32_t instrument = table_get(&c->instrument_ids, m->instrument);
    if (instrument == 0) return REASON_INSTRUMENT_UNKNOWN;
    core_instrument *in = INSTRUMENT(c, instrument);
    if (in->mirror) return REASON_INSTRUMENT_NOT_TRADING; /* its market is elsewhere */
    if (m->side > SIDE_SELL || m->type > TYPE_MARKET) return REASON_TYPE_UNSUPPORTED;
    if (m->tif > TIF_IOC) return REASON_TIF_UNSUPPORTED;
    if (m->type == TYPE_LIMIT && m->price_ticks <= 0) return REASON_PRICE_PRECISION;
    if (m->qty_lots <= 0) return REASON_QTY_PRECISION;
    if (order_find(c, m->order_no)) return REASON_ORDER_NO_REUSED;
    if (m->type == TYPE_LIMIT && !fixed_worth(&in->spec, SIDE_SELL, m->price_ticks, m->qty_lots, &amount)) return REASON_NUMBER_OVERFLOW;
    if (!fixed_amount(m->qty_lots, in->spec.base_unit, &amount)) return REASON_NUMBER_OVERFLOW;
    int64_t sum;
    if (__builtin_add_overflow(in->book.lots[m->side], m->qty_lots, &sum)) return REASON_NUMBER_OVERFLOW;
    if (m->type == TYPE_MARKET && in->book.levels[1u - m->side] == 0) return REASON_NO_LIQUIDITY;
    if (!book_reserve(c, &in->book, m->price_ticks) || !match_reserve(c, in, m, &p)) return REASON_CAPACITY;
    uint32_t slot = order_create(c, m->order_no);
    fill_market_half(c, slot, m, instrument);
    match_run(c, slot, m->at_ns, CORE_NO_COMMAND);
    match_settle(c, slot, m->at_ns, CORE_NO_COMMAND);
    return REASON_NONE;
}

/* An approved order takes its place in both halves, and its NEW report says so. */
static uint32_t accept(core *c, const core_command *m, const risk_decision *d, uint64_t index)
{
    uint32_t slot = order_create(c, m->order_no), seat = d->seat, position = d->position;
    const core_instrument_spec *spec = &INSTRUMENT(c, d->instrument)->spec;
    if (seat == 0) seat = account_seat_slot(c, d->account, d->instrument);
    if (position == 0) position = position_slot(c, seat, m->strategy);
    fill_market_half(c, slot, m, d->instrument);
    core_report *r = place_report(c, m, '0', index);
    r->hold = d->hold;
    r->maker_fee_ppm = spec->maker_fee_ppm;
    r->taker_fee_ppm = spec->taker_fee_ppm;
    account_open(c, r, slot, seat, position);
    return slot;
}

static unsigned approve(core *c, const core_command *m, risk_decision *d)
{
    risk_place(c, m, d);
    if (d->reason) return d->reason;
    core_instrument *in = INSTRUMENT(c, d->instrument);
    if (order_find(c, m->order_no)) return d->reason = REASON_ORDER_NO_REUSED;
    if (!book_reserve(c, rest_book(c, in, m->side), m->price_ticks) || !match_reserve(c, in, m, &d->preview)) d->reason = REASON_CAPACITY;
    return d->reason;
}

unsigned core_place(core *c, const core_command *m, uint64_t index)
{
    risk_decision d;
    if (straight_place(c, m, index)) return REASON_NONE;
    c->commands++;
    if (!ring_reserve(c, 1)) return REASON_CAPACITY;
    if (m->flags & FLAG_AGENT) return order_reserve(c, 1) ? place_agent(c, m) : REASON_CAPACITY;
    risk_find(c, m, &d);
    if (!(d.position ? order_reserve(c, 1) : account_reserve(c, 1))) {
        d.reason = REASON_CAPACITY;
        return refused_place(c, m, &d, index);
    }
    if (approve(c, m, &d)) return refused_place(c, m, &d, index);

    uint32_t slot = accept(c, m, &d, index);
    match_run(c, slot, m->at_ns, index);
    match_settle(c, slot, m->at_ns, index);
    return REASON_NONE;
}

static bool has_terms(const core_terms *t)
{
    return t->stop_ticks || t->trail || t->expires_at_ns || t->tp_ticks || t->sl_stop_ticks || t->sl_limit_ticks;
}

unsigned core_place_with(core *c, const core_command *m, const core_terms *terms, uint64_t index)
{
    risk_decision d = {.reason = REASON_TYPE_UNSUPPORTED};
    if (!has_terms(terms)) return core_place(c, m, index);
    c->commands++;
    return ring_reserve(c, 1) ? refused_place(c, m, &d, index) : REASON_CAPACITY;
}

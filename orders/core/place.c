/* Placing an order: check, accept, match. */
#include "state.h"

/* What a place asked for; what became of it is for the caller to say. */
static core_report *place_report(core *c, const core_command *m, uint8_t exec_type, uint32_t flags, uint64_t index)
{
    bool keyed = m->key && exec_type == '0' && c->limit_scopes >> SCOPE_KEY & 1;
    flags |= (m->flags & FLAGS_OF_PLACE) | (keyed ? FLAG_KEYED : 0);
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
    core_report *r = place_report(c, m, '8', 0, index);
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
    o->flags = m->flags & FLAGS_OF_PLACE;
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
    match_enter(c, slot, m->at_ns, CORE_NO_COMMAND);
    return REASON_NONE;
}

static void write_terms(core_report *r, const core_terms *t)
{
    const terms_row row = {.stop_ticks = t->stop_ticks,
                           .trail = t->trail,
                           .expires_at_ns = t->expires_at_ns,
                           .tp_ticks = t->tp_ticks,
                           .sl_stop_ticks = t->sl_stop_ticks,
                           .sl_limit_ticks = t->sl_limit_ticks};
    terms_write(r, &row);
}

/* An approved order takes its place in both halves, and its NEW report says so. */
static uint32_t accept(core *c, const core_command *m, const risk_decision *d, uint64_t index)
{
    uint32_t slot = order_create(c, m->order_no), seat = d->seat, position = d->position;
    const core_instrument_spec *spec = &INSTRUMENT(c, d->instrument)->spec;
    if (seat == 0) seat = account_seat_slot(c, d->account, d->instrument);
    if (position == 0) position = position_slot(c, seat, m->strategy);
    fill_market_half(c, slot, m, d->instrument);
    ORDER(c, slot)->gives_way = d->preview.gives_way;
    core_report *r = place_report(c, m, '0', d->terms ? FLAG_TERMS : 0, index);
    r->hold = d->hold;
    r->maker_fee_ppm = spec->maker_fee_ppm;
    r->taker_fee_ppm = spec->taker_fee_ppm;
    if (d->terms) write_terms(r, d->terms);
    account_open(c, r, slot, seat, position);
    return slot;
}

/* The numbers of a parent's children are not given to others while it may still bear them. */
static bool number_is_taken(const core *c, uint64_t order_no)
{
    uint64_t child = order_no & (CHILD_STOP_LOSS | CHILD_TAKE_PROFIT);
    if (order_find(c, order_no)) return true;
    uint32_t parent = child ? order_find(c, order_no ^ child) : 0;
    return parent && ORDER(c, parent)->terms;
}

static unsigned approve(core *c, const core_command *m, risk_decision *d)
{
    risk_place(c, m, d);
    if (d->reason) return d->reason;
    core_instrument *in = INSTRUMENT(c, d->instrument);
    if (number_is_taken(c, m->order_no)) return d->reason = REASON_ORDER_NO_REUSED;
    if (!book_reserve(c, rest_book(c, in, m->side), m->price_ticks) || !match_reserve(c, in, m, &d->preview)) d->reason = REASON_CAPACITY;
    return d->reason;
}

static unsigned place(core *c, const core_command *m, uint64_t index)
{
    risk_decision d;
    if (m->flags & FLAG_AGENT) return order_reserve(c, 1) ? place_agent(c, m) : REASON_CAPACITY;
    risk_find(c, m, &d);
    if (!(d.position ? order_reserve(c, 1) : account_reserve(c, 1)) || (m->key && !terms_reserve(c, 1))) {
        d.reason = REASON_CAPACITY;
        return refused_place(c, m, &d, index);
    }
    if (approve(c, m, &d)) return refused_place(c, m, &d, index);
    match_enter(c, accept(c, m, &d, index), m->at_ns, index);
    return REASON_NONE;
}

unsigned core_place(core *c, const core_command *m, uint64_t index)
{
    static const core_terms none = {.op = OP_TERMS};
    if (straight_place(c, m, index)) return REASON_NONE;
    if (is_special(m) && !(m->flags & FLAG_AGENT)) return core_place_with(c, m, &none, index);
    c->commands++;
    if (!command_ready(c, m->at_ns) || !ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = place(c, m, index);
    command_done(c);
    return reason;
}

/* ---- with terms ---- */

/* Room for the order, the leg that is born with it and the two it may bear. */
static bool reserve_special(core *c, const risk_decision *d)
{
    return account_reserve(c, 4) && terms_reserve(c, 4) && (d->instrument == 0 || terms_reserve_waiting(c, d->instrument, 4));
}

static bool children_are_free(const core *c, const core_command *m, const core_terms *t)
{
    if (t == NULL || !(t->tp_ticks || t->sl_stop_ticks)) return true;
    return !order_find(c, m->order_no | CHILD_STOP_LOSS) && !order_find(c, m->order_no | CHILD_TAKE_PROFIT);
}

static unsigned approve_special(core *c, const core_command *m, risk_decision *d)
{
    if (!reserve_special(c, d)) return d->reason = REASON_CAPACITY;
    if (!type_waits(m->type))
        return approve(c, m, d) || children_are_free(c, m, d->terms) ? d->reason : (d->reason = REASON_ORDER_NO_REUSED);
    risk_place(c, m, d);
    if (d->reason) return d->reason;
    bool taken = number_is_taken(c, m->order_no) || !children_are_free(c, m, d->terms);
    return d->reason = taken ? REASON_ORDER_NO_REUSED : ring_reserve(c, 4) ? REASON_NONE : REASON_CAPACITY;
}

static unsigned place_special(core *c, const core_command *m, core_terms *t, uint64_t index)
{
    risk_decision d;
    risk_find(c, m, &d);
    conditions_resolve(c, m, d.instrument, t);
    if (conditions_any(t)) d.terms = t;
    if (approve_special(c, m, &d)) return refused_place(c, m, &d, index);
    uint32_t slot = accept(c, m, &d, index);
    if (d.terms) expiry_enter(c, slot);
    if (d.terms && m->flags & FLAG_REDUCE_ONLY && t->sl_stop_ticks) contingent_pair(c, slot, m->at_ns);
    if (type_waits(m->type))
        trigger_wait(c, slot, m->at_ns);
    else
        match_enter(c, slot, m->at_ns, index);
    return REASON_NONE;
}

unsigned core_place_with(core *c, const core_command *m, const core_terms *terms, uint64_t index)
{
    core_terms mine = *terms;
    if (!is_special(m) && !conditions_any(terms)) return core_place(c, m, index);
    c->commands++;
    if (!command_ready(c, m->at_ns) || !ring_reserve(c, 1)) return REASON_CAPACITY;
    if (m->flags & FLAG_AGENT) return REASON_TYPE_UNSUPPORTED; /* the simulator's traders keep to plain orders */
    unsigned reason = place_special(c, m, &mine, index);
    command_done(c);
    return reason;
}

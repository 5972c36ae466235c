/* The commands: check, report, fold, match. Each reserves all the room it may need first, so that it either runs whole
 * or is refused with CAPACITY and has changed nothing. */
#include "state.h"

/* What a place asked for; what became of it is for the caller to say. */
static core_report *place_report(core *c, const core_command *m, uint64_t index)
{
    core_report *r = ring_push(c);
    *r = (core_report){
        .seq = c->seq,
        .at_ns = m->at_ns,
        .order_no = m->order_no,
        .strategy = m->strategy,
        .account = m->account,
        .instrument = m->instrument,
        .side = m->side,
        .type = m->type,
        .tif = m->tif,
        .flags = m->flags & FLAGS_OF_ORDER,
        .spec_version = m->spec_version,
        .price_ticks = m->price_ticks,
        .qty_lots = m->qty_lots,
        .command_index = index,
    };
    return r;
}

static unsigned refused_place(core *c, const core_command *m, const risk_decision *d, uint64_t index)
{
    core_report *r = place_report(c, m, index);
    r->exec_type = r->ord_status = '8';
    r->reason = (uint16_t)d->reason;
    r->limit = d->limit;
    r->value = d->value;
    return d->reason;
}

/* A cancel, an amend or a told event was refused: the order, when there is one, stays as it is. */
static unsigned refused(core *c, const core_command *m, uint32_t slot, unsigned reason, i128 limit, i128 value, uint64_t index)
{
    core_report *r;
    if (slot && ORDER(c, slot)->in_account) {
        const core_order *o = ORDER(c, slot);
        r = order_report(c, slot, 'I', m->at_ns, index);
        r->ord_status = o->ord_status;
        account_view(c, SEAT(c, o->seat), POSITION(c, o->position), r);
    } else {
        r = ring_push(c);
        *r = (core_report){
            .seq = c->seq,
            .at_ns = m->at_ns,
            .order_no = m->order_no,
            .account = m->account,
            .instrument = m->instrument,
            .exec_type = 'I',
            .ord_status = '8',
            .command_index = index,
        };
    }
    r->reason = (uint16_t)reason;
    r->limit = limit;
    r->value = value;
    return reason;
}

static void fold(core *c, core_report *r, uint32_t slot)
{
    const char *why = account_apply(c, r, slot);
    if (why != NULL) c->broken = why;
}

/* Room for the reports of everything this order could meet; counted exactly only when the easy bound does not fit. */
static bool reserve_matching(core *c, const core_instrument *in, const core_command *m, match_preview *p)
{
    uint64_t meets = 0;
    if (m->type == TYPE_MARKET || book_crosses(&in->book, m->side, m->price_ticks)) meets = in->book.orders[1u - m->side];
    if (!ring_reserve(c, 4 + 2 * meets)) {
        if (p->orders == 0) match_walk(c, in, m, 0, 0, p);
        meets = p->orders;
        if (!ring_reserve(c, 4 + 2 * meets)) return false;
    }
    return tape_reserve(c, meets);
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

/* After matching: what is left stands in the book or is over. */
static void settle(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    if (o->remaining > 0 && o->type == TYPE_LIMIT && o->tif == TIF_GTC)
        book_add(c, &INSTRUMENT(c, o->instrument)->book, slot);
    else if (o->remaining > 0 && o->in_account)
        fold(c, order_report(c, slot, '4', at_ns, index), slot);
    order_drop_if_gone(c, slot);
}

/* The simulator's own traders: a shape that cannot hurt the book, and nothing more. */
static unsigned place_agent(core *c, const core_command *m)
{
    i128 amount;
    match_preview p = {0};
    uint32_t instrument = table_get(&c->instrument_ids, m->instrument);
    if (instrument == 0) return REASON_INSTRUMENT_UNKNOWN;
    core_instrument *in = INSTRUMENT(c, instrument);
    if (m->side > SIDE_SELL || m->type > TYPE_MARKET) return REASON_TYPE_UNSUPPORTED;
    if (m->tif > TIF_IOC) return REASON_TIF_UNSUPPORTED;
    if (m->type == TYPE_LIMIT && m->price_ticks <= 0) return REASON_PRICE_PRECISION;
    if (m->qty_lots <= 0) return REASON_QTY_PRECISION;
    if (order_find(c, m->order_no)) return REASON_ORDER_NO_REUSED;
    if (m->type == TYPE_LIMIT && !fixed_notional(m->price_ticks, m->qty_lots, in->spec.quote_unit, &amount)) return REASON_NUMBER_OVERFLOW;
    if (!fixed_amount(m->qty_lots, in->spec.base_unit, &amount)) return REASON_NUMBER_OVERFLOW;
    int64_t sum;
    if (__builtin_add_overflow(in->book.lots[m->side], m->qty_lots, &sum)) return REASON_NUMBER_OVERFLOW;
    if (m->type == TYPE_MARKET && in->book.levels[1u - m->side] == 0) return REASON_NO_LIQUIDITY;
    if (!book_reserve(c, &in->book, m->price_ticks) || !reserve_matching(c, in, m, &p)) return REASON_CAPACITY;
    uint32_t slot = order_create(c, m->order_no);
    fill_market_half(c, slot, m, instrument);
    match_run(c, slot, m->at_ns, CORE_NO_COMMAND);
    settle(c, slot, m->at_ns, CORE_NO_COMMAND);
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
    core_report *r = place_report(c, m, index);
    r->exec_type = '0';
    r->hold = d->hold;
    r->limit = spec->maker_fee_ppm;
    r->value = spec->taker_fee_ppm;
    account_open(c, r, slot, seat, position);
    return slot;
}

static unsigned approve(core *c, const core_command *m, risk_decision *d)
{
    risk_place(c, m, d);
    if (d->reason) return d->reason;
    core_instrument *in = INSTRUMENT(c, d->instrument);
    if (order_find(c, m->order_no)) return d->reason = REASON_ORDER_NO_REUSED;
    if (!book_reserve(c, &in->book, m->price_ticks) || !reserve_matching(c, in, m, &d->preview)) d->reason = REASON_CAPACITY;
    return d->reason;
}

unsigned core_place(core *c, const core_command *m, uint64_t index)
{
    risk_decision d;
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
    settle(c, slot, m->at_ns, index);
    return REASON_NONE;
}

/* The order a command names, or the reason why it cannot be touched. */
static unsigned named(const core *c, const core_command *m, uint32_t *slot)
{
    *slot = order_find(c, m->order_no);
    if (*slot == 0) return REASON_ORDER_UNKNOWN;
    const core_order *o = ORDER(c, *slot);
    bool agent = o->flags & FLAG_AGENT;
    if (agent != !!(m->flags & FLAG_AGENT) || (!agent && !o->in_account)) return REASON_ORDER_UNKNOWN;
    if (!agent && m->account && ACCOUNT(c, SEAT(c, o->seat)->account)->id != m->account) return REASON_ORDER_UNKNOWN;
    return o->in_book ? REASON_NONE : REASON_ORDER_FINAL;
}

unsigned core_cancel(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot;
    c->commands++;
    if (!ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = named(c, m, &slot);
    if (reason) return m->flags & FLAG_AGENT ? reason : refused(c, m, reason == REASON_ORDER_FINAL ? slot : 0, reason, 0, 0, index);
    core_order *o = ORDER(c, slot);
    /* The market filled more of it than was told: off the book it goes, but it ends only when its fills are found. */
    bool untold = o->in_account && o->qty_lots - o->remaining != o->filled_lots;
    book_remove(c, &INSTRUMENT(c, o->instrument)->book, slot);
    if (untold) return refused(c, m, slot, REASON_ORDER_FINAL, 0, 0, index);
    if (o->in_account) fold(c, order_report(c, slot, '4', m->at_ns, index), slot);
    order_drop_if_gone(c, slot);
    return REASON_NONE;
}

/* The order as it would be: `next` is what risk and matching look at. */
static unsigned amended(const core_order *o, const core_command *m, core_command *next, int64_t *total)
{
    int64_t filled = o->qty_lots - o->remaining; /* as the market sees it */
    bool lots_left = m->flags & FLAG_QTY_REMAINING;
    if (m->qty_lots <= 0) return REASON_QTY_PRECISION;
    if (!lots_left && m->qty_lots <= filled) return REASON_QTY_BELOW_FILLED;
    if (lots_left && m->qty_lots > INT64_MAX - filled) return REASON_NUMBER_OVERFLOW;
    *total = lots_left ? m->qty_lots + filled : m->qty_lots;
    next->qty_lots = *total - filled;
    next->price_ticks = m->price_ticks ? m->price_ticks : o->price_ticks;
    next->side = o->side;
    next->type = o->type;
    next->tif = o->tif;
    next->flags = o->flags;
    next->order_no = o->order_no;
    next->at_ns = m->at_ns;
    return REASON_NONE;
}

static unsigned amend_agent(const core *c, const core_order *o, const core_command *next)
{
    i128 amount;
    int64_t sum;
    const core_instrument *in = INSTRUMENT(c, o->instrument);
    if (next->price_ticks <= 0) return REASON_PRICE_PRECISION;
    if (!fixed_notional(next->price_ticks, next->qty_lots, in->spec.quote_unit, &amount) ||
        !fixed_amount(next->qty_lots, in->spec.base_unit, &amount))
        return REASON_NUMBER_OVERFLOW;
    return __builtin_add_overflow(in->book.lots[o->side] - o->remaining, next->qty_lots, &sum) ? REASON_NUMBER_OVERFLOW : REASON_NONE;
}

static unsigned approve_amend(core *c, const core_order *o, core_command *next, int64_t total, risk_decision *d)
{
    core_instrument *in = INSTRUMENT(c, o->instrument);
    next->instrument = in->id;
    next->spec_version = o->spec_version;
    if (o->flags & FLAG_AGENT) {
        d->reason = amend_agent(c, o, next);
    } else {
        next->account = ACCOUNT(c, SEAT(c, o->seat)->account)->id;
        next->strategy = POSITION(c, o->position)->strategy;
        *d = (risk_decision){.account = SEAT(c, o->seat)->account, .instrument = o->instrument, .seat = o->seat, .position = o->position};
        risk_amend(c, next, o, total, d);
    }
    if (d->reason) return d->reason;
    if (!book_reserve(c, &in->book, next->price_ticks) || !reserve_matching(c, in, next, &d->preview)) d->reason = REASON_CAPACITY;
    return d->reason;
}

unsigned core_amend(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot;
    int64_t total = 0;
    core_command next = {0};
    risk_decision d = {0};
    c->commands++;
    if (!ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = named(c, m, &slot);
    bool silent = m->flags & FLAG_AGENT;
    if (reason) return silent ? reason : refused(c, m, reason == REASON_ORDER_FINAL ? slot : 0, reason, 0, 0, index);
    core_order *o = ORDER(c, slot);
    reason = amended(o, m, &next, &total);
    if (reason == REASON_NONE) reason = approve_amend(c, o, &next, total, &d);
    if (reason) return silent ? reason : refused(c, m, slot, reason, d.limit, d.value, index);

    core_book *b = &INSTRUMENT(c, o->instrument)->book;
    bool keeps_priority = next.price_ticks == o->price_ticks && next.qty_lots <= o->remaining;
    if (keeps_priority) {
        if (next.qty_lots < o->remaining) book_take(c, b, slot, o->remaining - next.qty_lots);
    } else {
        book_remove(c, b, slot);
        o->remaining = next.qty_lots;
        o->price_ticks = next.price_ticks;
    }
    if (o->in_account) {
        core_report *r = order_report(c, slot, '5', m->at_ns, index);
        r->price_ticks = next.price_ticks;
        r->qty_lots = total;
        r->hold = d.hold;
        fold(c, r, slot);
    } else {
        o->qty_lots = total;
    }
    if (keeps_priority) return REASON_NONE;
    match_run(c, slot, m->at_ns, index);
    settle(c, slot, m->at_ns, index);
    return REASON_NONE;
}

/* A fill after the end: the order is not here any more, the money still moves. */
static unsigned told_late(core *c, const core_command *m, uint64_t index)
{
    uint32_t instrument = table_get(&c->instrument_ids, m->instrument);
    i128 notional, amount;
    if (instrument == 0) return refused(c, m, 0, REASON_INSTRUMENT_UNKNOWN, 0, m->instrument, index);
    if (table_get(&c->account_ids, m->account) == 0) return refused(c, m, 0, REASON_ACCOUNT_UNKNOWN, 0, m->account, index);
    const core_instrument_spec *spec = &INSTRUMENT(c, instrument)->spec;
    if (m->qty_lots <= 0 || m->side > SIDE_SELL) return refused(c, m, 0, REASON_QTY_PRECISION, 1, m->qty_lots, index);
    if (!fixed_notional(m->price_ticks, m->qty_lots, spec->quote_unit, &notional) || notional < 0 ||
        !fixed_amount(m->qty_lots, spec->base_unit, &amount))
        return refused(c, m, 0, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0, index);
    if (!account_reserve(c, 1)) return refused(c, m, 0, REASON_CAPACITY, 0, 0, index);
    core_report *r = ring_push(c);
    *r = (core_report){
        .seq = c->seq,
        .at_ns = m->at_ns,
        .order_no = m->order_no,
        .strategy = m->strategy,
        .account = m->account,
        .instrument = m->instrument,
        .exec_type = 'F',
        .ord_status = '4',
        .side = m->side,
        .liquidity = m->type,
        .flags = FLAG_TOLD | FLAG_LATE,
        .spec_version = m->spec_version,
        .filled_lots = m->qty_lots,
        .last_lots = m->qty_lots,
        .last_ticks = m->price_ticks,
        .trade_no = m->trade_no,
        .command_index = index,
        .cum_cost = notional,
        .last_fee = fixed_fee(notional, m->type == LIQUIDITY_MAKER ? spec->maker_fee_ppm : spec->taker_fee_ppm),
    };
    fold(c, r, 0);
    return REASON_NONE;
}

static unsigned fill_fits(const core *c, const core_order *o, const core_command *m)
{
    i128 notional;
    if (m->qty_lots <= 0) return REASON_QTY_PRECISION;
    if (m->price_ticks <= 0) return REASON_PRICE_PRECISION;
    if (m->qty_lots > o->qty_lots - o->filled_lots) return REASON_FILL_EXCEEDS_ORDER;
    bool worse = o->side == SIDE_BUY ? m->price_ticks > o->limit_ticks : m->price_ticks < o->limit_ticks;
    if (o->type == TYPE_LIMIT && worse) return REASON_FILL_PRICE_WORSE;
    bool fits = fixed_notional(m->price_ticks, m->qty_lots, INSTRUMENT(c, o->instrument)->spec.quote_unit, &notional);
    return fits ? REASON_NONE : REASON_NUMBER_OVERFLOW;
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
    fold(c, r, slot);
    int64_t open = o->qty_lots - o->filled_lots; /* the book may have known already; it never keeps more than is open */
    if (o->in_book && o->remaining > open) book_take(c, &INSTRUMENT(c, o->instrument)->book, slot, o->remaining - open);
}

unsigned core_told(core *c, const core_command *m, uint64_t index)
{
    c->commands++;
    if (!ring_reserve(c, 1)) return REASON_CAPACITY;
    uint32_t slot = order_find(c, m->order_no);
    bool open = slot && ORDER(c, slot)->in_account;
    if (!open && m->op == OP_FILL && m->flags & FLAG_LATE) return told_late(c, m, index);
    if (!open) return refused(c, m, 0, REASON_ORDER_UNKNOWN, 0, 0, index);
    core_order *o = ORDER(c, slot);
    if (m->op == OP_FILL) {
        unsigned reason = fill_fits(c, o, m);
        if (reason) return refused(c, m, slot, reason, o->qty_lots - o->filled_lots, m->qty_lots, index);
        told_fill(c, m, slot, index);
    } else {
        if (order_next(o->ord_status, m->type, false) == 0 || !order_is_final(order_next(o->ord_status, m->type, false)))
            return refused(c, m, slot, REASON_COMMAND_UNKNOWN, 0, m->type, index);
        if (o->in_book) book_remove(c, &INSTRUMENT(c, o->instrument)->book, slot);
        core_report *r = order_report(c, slot, m->type, m->at_ns, index);
        r->flags |= FLAG_TOLD;
        fold(c, r, slot);
    }
    order_drop_if_gone(c, slot);
    return REASON_NONE;
}

/* A batch says what comes: the table's line of a command some way ahead is fetched while others run, then its order's. */
#define TABLE_AHEAD 8
#define ORDER_AHEAD 4

size_t core_process(core *c, const core_command *commands, size_t count, uint64_t first_index)
{
    size_t done = 0;
    for (; done < count && c->broken == NULL; done++) {
        const core_command *m = &commands[done];
        uint64_t index = first_index + done;
        if (c->ring_used > c->ring_bound / 2) break; /* each command finds at least half of the ring */
        if (count - done > TABLE_AHEAD) table_expect(&c->order_ids, m[TABLE_AHEAD].order_no);
        if (count - done > ORDER_AHEAD) order_expect(c, m[ORDER_AHEAD].order_no);
        switch (m->op) {
        case OP_PLACE: core_place(c, m, index); break;
        case OP_CANCEL: core_cancel(c, m, index); break;
        case OP_AMEND: core_amend(c, m, index); break;
        case OP_FILL:
        case OP_CLOSE: core_told(c, m, index); break;
        default:
            c->commands++;
            if (ring_reserve(c, 1)) refused(c, m, 0, REASON_COMMAND_UNKNOWN, 0, m->op, index);
        }
    }
    return done;
}

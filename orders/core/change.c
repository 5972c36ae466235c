/* Cancel and amend: of the order named, as it stands now. */
#include "state.h"

/* The order a command names, or the reason why it cannot be touched. */
static unsigned named(const core *c, const core_command *m, uint32_t *slot)
{
    *slot = order_find(c, m->order_no);
    if (*slot == 0) return REASON_ORDER_UNKNOWN;
    const core_order *o = ORDER(c, *slot);
    bool agent = o->flags & FLAG_AGENT;
    if (agent != !!(m->flags & FLAG_AGENT) || (!agent && !o->in_account)) return REASON_ORDER_UNKNOWN;
    if (!agent && m->account && ACCOUNT(c, SEAT(c, o->seat)->account)->id != m->account) return REASON_ORDER_UNKNOWN;
    return o->in_book || order_waits(c, o) ? REASON_NONE : REASON_ORDER_FINAL;
}

static unsigned cancel(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot;
    unsigned reason = named(c, m, &slot);
    if (reason) return m->flags & FLAG_AGENT ? reason : command_refused(c, m, reason == REASON_ORDER_FINAL ? slot : 0, reason, 0, 0, index);
    const core_order *o = ORDER(c, slot);
    /* The market filled more of it than was told: off the book it goes, but it ends only when its fills are found. */
    bool untold = o->in_account && o->qty_lots - o->remaining != o->filled_lots;
    order_withdraw(c, slot, '4', REASON_NONE, m->at_ns, index);
    return untold ? command_refused(c, m, slot, REASON_ORDER_FINAL, 0, 0, index) : REASON_NONE;
}

unsigned core_cancel(core *c, const core_command *m, uint64_t index)
{
    if (straight_cancel(c, m, index)) return REASON_NONE;
    c->commands++;
    if (!command_ready(c, m->at_ns) || !ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = cancel(c, m, index);
    command_done(c);
    return reason;
}

/* The order as it would be: `next` is what risk and matching look at. */
static unsigned amended(const core *c, const core_order *o, const core_command *m, core_command *next, int64_t *total)
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
    next->type = order_waits(c, o) ? o->type : TYPE_LIMIT; /* a triggered one stands as a limit order */
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
    if (!fixed_worth(&in->spec, SIDE_SELL, next->price_ticks, next->qty_lots, &amount) ||
        !fixed_amount(next->qty_lots, in->spec.base_unit, &amount))
        return REASON_NUMBER_OVERFLOW;
    return __builtin_add_overflow(in->book.lots[o->side] - o->remaining, next->qty_lots, &sum) ? REASON_NUMBER_OVERFLOW : REASON_NONE;
}

/* A waiting order's stop as risk reads it. */
static core_terms terms_of(const core *c, const core_order *o)
{
    return (core_terms){.op = OP_TERMS, .stop_ticks = o->terms ? TERMS(c, o->terms)->stop_ticks : 0};
}

static unsigned amend_special(const core *c, const core_order *o, const core_command *m, const core_command *next, risk_decision *d)
{
    bool waits = order_waits(c, o), other_holds = o->terms && terms_paired(c, TERMS(c, o->terms)) && o->order_no & CHILD_STOP_LOSS;
    if (waits && !type_has_limit(o->type) && m->price_ticks) return REASON_TERMS_INVALID; /* it has no limit to change */
    if (other_holds && next->qty_lots > o->remaining) return REASON_TERMS_INVALID;        /* its take profit holds for both */
    if (d->reason == REASON_NONE && conditions_between(c, o, next->price_ticks, d) && conditions_reduce(c, next, d))
        conditions_book(c, next, 0, d);
    return d->reason;
}

static unsigned approve_amend(core *c, const core_order *o, const core_command *m, core_command *next, int64_t total, risk_decision *d)
{
    core_instrument *in = INSTRUMENT(c, o->instrument);
    core_terms terms = terms_of(c, o);
    next->instrument = in->id;
    next->spec_version = o->spec_version;
    if (o->flags & FLAG_AGENT) {
        d->reason = amend_agent(c, o, next);
    } else {
        next->account = ACCOUNT(c, SEAT(c, o->seat)->account)->id;
        next->strategy = POSITION(c, o->position)->strategy;
        *d = (risk_decision){.account = SEAT(c, o->seat)->account, .instrument = o->instrument, .seat = o->seat, .position = o->position};
        if (o->terms) d->terms = &terms;
        risk_amend(c, next, o, total, d);
        d->terms = NULL;
        if (o->terms || o->flags & FLAGS_SPECIAL) d->reason = amend_special(c, o, m, next, d);
    }
    if (d->reason || order_waits(c, o)) return d->reason;
    if (!book_reserve(c, rest_book(c, in, next->side), next->price_ticks) || !match_reserve(c, in, next, &d->preview))
        d->reason = REASON_CAPACITY;
    return d->reason;
}

/* The order in the market, as it shall be; true when it must meet the other side again. */
static bool move_in_market(core *c, uint32_t slot, const core_command *next)
{
    core_order *o = ORDER(c, slot);
    core_book *b = book_of(c, slot);
    if (!o->in_book) {
        o->remaining = next->qty_lots;
        o->price_ticks = next->price_ticks;
        return false;
    }
    if (next->price_ticks == o->price_ticks && next->qty_lots <= o->remaining) { /* keeps its priority */
        if (next->qty_lots < o->remaining) book_take(c, b, slot, o->remaining - next->qty_lots);
        return false;
    }
    book_remove(c, b, slot);
    o->remaining = next->qty_lots;
    o->price_ticks = next->price_ticks;
    return true;
}

static unsigned amend(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot;
    int64_t total = 0;
    core_command next = {0};
    risk_decision d = {0};
    unsigned reason = named(c, m, &slot);
    bool silent = m->flags & FLAG_AGENT;
    if (reason) return silent ? reason : command_refused(c, m, reason == REASON_ORDER_FINAL ? slot : 0, reason, 0, 0, index);
    core_order *o = ORDER(c, slot);
    reason = amended(c, o, m, &next, &total);
    if (reason == REASON_NONE) reason = approve_amend(c, o, m, &next, total, &d);
    if (reason) return silent ? reason : command_refused(c, m, slot, reason, d.limit, d.value, index);

    bool meets = move_in_market(c, slot, &next);
    if (o->in_account) {
        core_report *r = order_report(c, slot, '5', m->at_ns, index);
        r->price_ticks = next.price_ticks;
        r->qty_lots = total;
        r->hold = d.hold;
        command_fold(c, r, slot);
        if (o->terms) {
            trigger_requeue(c, o->terms);
            contingent_sized(c, slot, m->at_ns);
        }
    } else {
        o->qty_lots = total;
    }
    o->gives_way = d.preview.gives_way;
    if (meets) match_enter(c, slot, m->at_ns, index);
    return REASON_NONE;
}

unsigned core_amend(core *c, const core_command *m, uint64_t index)
{
    if (straight_amend(c, m, index)) return REASON_NONE;
    c->commands++;
    if (!command_ready(c, m->at_ns) || !ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = amend(c, m, index);
    command_done(c);
    return reason;
}

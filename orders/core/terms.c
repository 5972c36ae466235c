/* The terms of orders that have any: a record beside the order, in a pool of its own, so that a plain order pays one test.
 * Their facts belong to the account half: they come with the NEW report and change only by reports. */
#include "state.h"

bool terms_reserve(core *c, uint32_t orders)
{
    return pool_reserve(c, &c->terms, orders + c->promised) && heap_reserve(c, &c->expiry, orders);
}

bool terms_reserve_waiting(core *c, uint32_t instrument, uint32_t orders)
{
    core_instrument *in = INSTRUMENT(c, instrument);
    return heap_reserve(c, &in->trigger[0], orders + c->promised) && heap_reserve(c, &in->trigger[1], orders + c->promised);
}

/* ---- facts ---- */

void terms_write(core_report *r, const terms_row *t)
{
    r->stop_ticks = t->stop_ticks;
    r->trail = t->trail;
    r->expires_at_ns = t->expires_at_ns;
    r->tp_ticks = t->tp_ticks;
    r->sl_stop_ticks = t->sl_stop_ticks;
    r->sl_limit_ticks = t->sl_limit_ticks;
    r->flags |= FLAG_TERMS;
}

static uint32_t children_of(const core_order *o, const terms_row *t)
{
    if (o->flags & FLAG_REDUCE_ONLY) return 0; /* an OCO's other leg is born with it */
    return (t->tp_ticks ? BORN_TAKE_PROFIT : 0) | (t->sl_stop_ticks ? BORN_STOP_LOSS : 0);
}

uint32_t terms_unborn(const core_order *o, const terms_row *t) { return children_of(o, t) & ~t->born; }

static uint32_t count_of(uint32_t bits) { return (bits & 1) + (bits >> 1 & 1); }

/* A child joins its parent, when that is still there, and its sibling. */
void terms_join(core *c, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    uint64_t base = o->order_no & ~(CHILD_STOP_LOSS | CHILD_TAKE_PROFIT);
    bool stop_loss = o->order_no & CHILD_STOP_LOSS;
    uint32_t parent = order_find(c, base), other = order_find(c, base | (stop_loss ? CHILD_TAKE_PROFIT : CHILD_STOP_LOSS));
    if (parent && ORDER(c, parent)->terms == 0) parent = 0;
    if (parent) {
        terms_row *p = TERMS(c, ORDER(c, parent)->terms);
        uint32_t bit = (stop_loss ? BORN_STOP_LOSS : BORN_TAKE_PROFIT) & terms_unborn(ORDER(c, parent), p);
        p->born |= bit;
        c->promised -= count_of(bit);
        if (other == 0 && stop_loss && ORDER(c, parent)->flags & FLAG_REDUCE_ONLY) other = parent;
    }
    if (other == 0 || !ORDER(c, other)->in_account || ORDER(c, other)->terms == 0) return;
    bool fits = ORDER(c, other)->position == o->position && ORDER(c, other)->side == o->side;
    if (!fits || TERMS(c, ORDER(c, other)->terms)->sibling) return; /* stored bytes may say anything */
    TERMS(c, o->terms)->sibling = other;
    TERMS(c, ORDER(c, other)->terms)->sibling = slot;
}

uint32_t terms_create(core *c, uint32_t slot)
{
    uint32_t terms = pool_take(&c->terms);
    ORDER(c, slot)->terms = terms;
    TERMS(c, terms)->order = slot;
    return terms;
}

/* Whether stored facts could be an order's: what waits needs a stop, and a child its record. */
bool terms_possible(const terms_row *t, unsigned type, uint32_t flags)
{
    const int64_t numbers[] = {t->stop_ticks, t->trail, t->expires_at_ns, t->tp_ticks, t->sl_stop_ticks, t->sl_limit_ticks};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] < 0) return false;
    if (type > TYPE_TRAILING_STOP || t->born > (BORN_STOP_LOSS | BORN_TAKE_PROFIT)) return false;
    if (flags & FLAG_TERMS) return !type_waits(type) || (t->stop_ticks > 0 && (type != TYPE_TRAILING_STOP || t->trail > 0));
    return !type_waits(type) && !(flags & FLAG_CHILD);
}

/* As a checkpoint has it. */
void terms_restore(core *c, uint32_t slot, const terms_row *saved)
{
    terms_row *t = TERMS(c, terms_create(c, slot));
    *t = *saved;
    t->order = slot;
    c->promised += count_of(terms_unborn(ORDER(c, slot), t));
    if (ORDER(c, slot)->flags & FLAG_CHILD) terms_join(c, slot);
}

/* The order is new, by this report. */
void terms_load(core *c, const core_report *r, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    terms_row *t = TERMS(c, terms_create(c, slot));
    if (r->flags & FLAG_KEYED) t->key = (uint32_t)r->key;
    if (!(r->flags & FLAG_TERMS)) return;
    t->stop_ticks = r->stop_ticks;
    t->trail = r->trail;
    t->expires_at_ns = r->expires_at_ns;
    t->tp_ticks = r->tp_ticks;
    t->sl_stop_ticks = r->sl_stop_ticks;
    t->sl_limit_ticks = r->sl_limit_ticks;
    c->promised += count_of(terms_unborn(o, t));
    if (o->flags & FLAG_CHILD) terms_join(c, slot);
}

/* The order is gone from both halves; false when it has something left to do. */
bool terms_drop(core *c, uint32_t slot)
{
    uint32_t terms = ORDER(c, slot)->terms;
    terms_row *t = TERMS(c, terms);
    if (t->queued) return false;
    trigger_leave(c, terms);
    expiry_leave(c, terms);
    if (t->sibling) TERMS(c, ORDER(c, t->sibling)->terms)->sibling = 0;
    c->promised -= count_of(terms_unborn(ORDER(c, slot), t));
    pool_give(&c->terms, terms);
    return true;
}

/* ---- what an order may and must have ---- */

bool terms_paired(const core *c, const terms_row *t) { return t->sibling && ORDER(c, t->sibling)->in_account; }

/* What so many open lots must hold. Of two legs the take profit carries what either could cost, the stop loss nothing. */
bool terms_required(const core *c, const core_order *o, const terms_row *t, int64_t limit_ticks, int64_t lots, i128 *hold)
{
    const core_instrument *in = INSTRUMENT(c, o->instrument);
    int64_t ticks = type_has_limit(o->type) ? limit_ticks : t->stop_ticks;
    *hold = 0;
    if (SEAT(c, o->seat)->way != WAY_CASH) return true; /* a margin account's orders hold nothing */
    if (terms_paired(c, t)) {
        if (o->order_no & CHILD_STOP_LOSS) return true;
        const core_order *stop = ORDER(c, t->sibling);
        int64_t other = type_has_limit(stop->type) ? stop->limit_ticks : TERMS(c, stop->terms)->stop_ticks;
        if (other > ticks) ticks = other;
    }
    return risk_hold(in, o->side, ticks, lots, order_fee(o), hold);
}

/* How many lots may trade on this side until the position is flat. */
int64_t terms_room(const core *c, uint32_t position, unsigned side)
{
    const core_position_row *p = POSITION(c, position);
    i128 open = side == SIDE_BUY ? -p->qty : p->qty;
    if (position == 0 || open <= 0) return 0;
    open /= INSTRUMENT(c, SEAT(c, p->seat)->instrument)->spec.base_unit;
    return open > INT64_MAX ? INT64_MAX : (int64_t)open;
}

/* The most of so many lots that a budget holds at this price. More lots never hold less, so halving finds it. */
int64_t terms_affordable(const core_instrument *in, unsigned side, int64_t ticks, int64_t lots, uint32_t fee_ppm, i128 budget)
{
    i128 hold;
    int64_t low = 0, high = lots;
    if (risk_hold(in, side, ticks, lots, fee_ppm, &hold) && hold <= budget) return lots;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (risk_hold(in, side, ticks, middle, fee_ppm, &hold) && hold <= budget)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t terms_key(const core *c, const core_order *o) { return o->terms ? TERMS(c, o->terms)->key : 0; }

i128 terms_free(const core *c, const core_order *o)
{
    const core_balance_row *b = BALANCE(c, SEAT(c, o->seat)->balance[o->side]);
    return b->total > b->hold ? b->total - b->hold : 0;
}

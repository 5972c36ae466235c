/* Orders that wait for a price. They stand in no book: each instrument has a queue of those that a print at or above
 * their stop triggers and one of those that a print at or below it does, by price and then arrival.
 *
 * A trailing stop follows the last trade at its trail, only ever towards it. A trail in basis points is that part of the
 * price, rounded down to a tick and at least one: rounding brings the stop nearer to the market, never farther from it. */
#include "state.h"

#define WHOLE_BP 10000

static bool waits_above(const core_order *o)
{
    bool profit = o->type == TYPE_TAKE_PROFIT || o->type == TYPE_TAKE_PROFIT_LIMIT;
    return (o->side == SIDE_BUY) != profit;
}

static core_heap *queue_of(core *c, const core_order *o) { return &INSTRUMENT(c, o->instrument)->trigger[waits_above(o)]; }

static int64_t key_of(const core_order *o, int64_t stop) { return waits_above(o) ? stop : ~stop; }

bool trigger_trail(unsigned side, int64_t ticks, int64_t trail, bool percent, int64_t *stop)
{
    i128 away = percent ? (i128)ticks * trail / WHOLE_BP : trail;
    if (away == 0) away = 1;
    i128 at = side == SIDE_BUY ? (i128)ticks + away : (i128)ticks - away;
    *stop = (int64_t)at;
    return at > 0 && at <= INT64_MAX;
}

/* ---- the queues ---- */

static void fire(core *c, uint32_t terms, int64_t ticks, int64_t at_ns)
{
    trigger_leave(c, terms);
    TERMS(c, terms)->due_ticks = ticks;
    due_push(c, terms, DUE_TRIGGERED, at_ns);
}

static bool reached(const core_order *o, int64_t stop, int64_t last) { return last && (waits_above(o) ? last >= stop : last <= stop); }

void trigger_wait(core *c, uint32_t slot, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    core_instrument *in = INSTRUMENT(c, o->instrument);
    terms_row *t = TERMS(c, o->terms);
    t->follows = t->stop_ticks;
    if (!heap_reserve(c, queue_of(c, o), 1)) { /* it was reserved; only a core whose books were not rebuilt comes here without */
        c->broken = "no memory for an order that waits for a price";
        return;
    }
    heap_add(c, queue_of(c, o), HEAP_TRIGGER, o->terms, key_of(o, t->follows), o->arrival);
    in->waiting++;
    if (o->type == TYPE_TRAILING_STOP) {
        t->trail_prev = 0;
        t->trail_next = in->trailing[o->side];
        if (t->trail_next) TERMS(c, t->trail_next)->trail_prev = o->terms;
        in->trailing[o->side] = o->terms;
        in->trail_edge[o->side] = 0; /* not known: the next print looks at all of them */
    }
    if (reached(o, t->follows, in->last_ticks)) fire(c, o->terms, in->last_ticks, at_ns);
}

void trigger_leave(core *c, uint32_t terms)
{
    terms_row *t = TERMS(c, terms);
    const core_order *o = ORDER(c, t->order);
    core_instrument *in = INSTRUMENT(c, o->instrument);
    if (t->at[HEAP_TRIGGER] == 0) return;
    heap_remove(c, queue_of(c, o), HEAP_TRIGGER, terms);
    in->waiting--;
    if (o->type != TYPE_TRAILING_STOP) return;
    if (t->trail_prev)
        TERMS(c, t->trail_prev)->trail_next = t->trail_next;
    else
        in->trailing[o->side] = t->trail_next;
    if (t->trail_next) TERMS(c, t->trail_next)->trail_prev = t->trail_prev;
}

/* Its place among equals changed. */
void trigger_requeue(core *c, uint32_t terms)
{
    const core_order *o = ORDER(c, TERMS(c, terms)->order);
    if (TERMS(c, terms)->at[HEAP_TRIGGER] == 0) return;
    heap_remove(c, queue_of(c, o), HEAP_TRIGGER, terms);
    heap_add(c, queue_of(c, o), HEAP_TRIGGER, terms, key_of(o, TERMS(c, terms)->follows), o->arrival);
}

/* ---- a print ---- */

/* A print that is no better than the edge moved none of them, and no worse one can: they look only at a new best. */
static void follow(core *c, core_instrument *in, unsigned side, int64_t ticks, int64_t at_ns)
{
    int64_t edge = in->trail_edge[side];
    if (in->trailing[side] == 0 || (edge && (side == SIDE_SELL ? ticks <= edge : ticks >= edge))) return;
    in->trail_edge[side] = ticks;
    for (uint32_t terms = in->trailing[side], next; terms; terms = next) {
        terms_row *t = TERMS(c, terms);
        const core_order *o = ORDER(c, t->order);
        int64_t stop;
        next = t->trail_next;
        if (!trigger_trail(side, ticks, t->trail, o->flags & FLAG_TRAIL_PERCENT, &stop)) continue;
        if (side == SIDE_SELL ? stop <= t->follows : stop >= t->follows) continue;
        t->follows = stop;
        trigger_requeue(c, terms);
        due_push(c, terms, DUE_MOVED, at_ns);
    }
}

void trigger_print(core *c, uint32_t instrument, int64_t ticks, int64_t at_ns)
{
    core_instrument *in = INSTRUMENT(c, instrument);
    in->last_ticks = ticks;
    if (in->waiting == 0) return;
    for (unsigned side = 0; side < 2; side++) follow(c, in, side, ticks, at_ns);
    for (unsigned above = 0; above < 2; above++) {
        const core_heap *h = &in->trigger[above];
        while (h->used && h->entries[0].key <= (above ? ticks : ~ticks)) fire(c, h->entries[0].terms, ticks, at_ns);
    }
}

void trigger_restate(core *c, uint32_t terms)
{
    terms_row *t = TERMS(c, terms);
    core_report *r = order_report(c, t->order, 'D', t->due_at_ns, CORE_NO_COMMAND);
    terms_row moved = *t;
    moved.stop_ticks = t->follows;
    terms_write(r, &moved);
    terms_required(c, ORDER(c, t->order), &moved, r->price_ticks, r->qty_lots - r->filled_lots, &r->hold);
    command_fold(c, r, t->order);
}

/* ---- triggered ---- */

/* What the order is from now on, as a command that risk and matching can look at. */
static core_command as_command(const core *c, const core_order *o, int64_t at_ns)
{
    return (core_command){.side = o->side,
                          .type = type_has_limit(o->type) ? TYPE_LIMIT : TYPE_MARKET,
                          .tif = o->tif,
                          .flags = o->flags,
                          .account = ACCOUNT(c, SEAT(c, o->seat)->account)->id,
                          .order_no = o->order_no,
                          .price_ticks = o->limit_ticks,
                          .qty_lots = o->remaining,
                          .at_ns = at_ns};
}

/* A protection that is due is never refused for meeting its owner's own orders: those give way, whichever the policy. */
static match_preview look_ahead(const core *c, const core_order *o, const core_command *m)
{
    const core_instrument *in = INSTRUMENT(c, o->instrument);
    match_preview p = {.position = o->position, .gives_way = own_gives_way(c, o)};
    match_walk(c, in, m, ACCOUNT(c, SEAT(c, o->seat)->account)->owner, o->taker_fee_ppm, &p);
    return p;
}

/* The most lots whose cost is at most what there is. More lots never cost less, so halving finds it. */
static int64_t cut_to_means(const core *c, const core_order *o, core_command *m, i128 means, match_preview *p)
{
    int64_t low = 0, high = m->qty_lots;
    *p = look_ahead(c, o, m);
    if (p->cost + p->fees <= means) return high;
    while (high - low > 1) {
        m->qty_lots = low + (high - low) / 2;
        match_preview part = look_ahead(c, o, m);
        if (part.cost + part.fees <= means)
            low = m->qty_lots;
        else
            high = m->qty_lots;
    }
    m->qty_lots = low;
    *p = look_ahead(c, o, m);
    return low;
}

/* Reports the trigger; the order's remaining is cut to what it may and can still trade. */
void trigger_act(core *c, uint32_t terms)
{
    terms_row *t = TERMS(c, terms);
    core_order *o = ORDER(c, t->order);
    contingent_triggered(c, t->order, t->due_at_ns);
    o->remaining = o->qty_lots - o->filled_lots;
    if (o->flags & FLAG_REDUCE_ONLY && !type_has_limit(o->type)) { /* one that may stand is looked at each time it meets another */
        int64_t room = terms_room(c, o->position, o->side);
        if (o->remaining > room) o->remaining = room;
    }
    core_command m = as_command(c, o, t->due_at_ns);
    const core_seat *seat = SEAT(c, o->seat);
    const core_balance_row *b = BALANCE(c, seat->balance[o->side]);
    i128 required = 0, means = o->hold + (b->total > b->hold ? b->total - b->hold : 0);
    terms_required(c, o, t, o->limit_ticks, o->qty_lots - o->filled_lots, &required);
    if (means > required) means = required; /* what it was to hold, and no more; a leg takes it over from its sibling */
    core_report *r = order_report(c, t->order, 'L', t->due_at_ns, CORE_NO_COMMAND);
    r->flags |= FLAG_TRIGGERED;
    r->last_ticks = t->due_ticks;
    if (seat->way != WAY_CASH) {
        r->hold = 0;
    } else if (m.type == TYPE_MARKET && o->side == SIDE_BUY) {
        match_preview p;
        o->remaining = cut_to_means(c, o, &m, means, &p);
        r->hold = p.cost + p.fees;
    } else {
        if (required > means) o->remaining = 0;
        r->hold = means;
    }
    command_fold(c, r, t->order);
    due_push(c, terms, DUE_ENTERS, t->due_at_ns);
}

static bool fits(core *c, core_order *o, const core_command *m, match_preview *p)
{
    core_instrument *in = INSTRUMENT(c, o->instrument);
    int64_t sum;
    return !__builtin_add_overflow(rest_lots(c, in, o->side), m->qty_lots, &sum) &&
           book_reserve(c, rest_book(c, in, m->side), m->price_ticks) && match_reserve(c, in, m, p);
}

/* A triggered order, or a child that is a limit order, meets the book. False: wait until the ring is drained. */
bool trigger_enter_market(core *c, uint32_t terms)
{
    terms_row *t = TERMS(c, terms);
    uint32_t slot = t->order;
    core_order *o = ORDER(c, slot);
    int64_t at_ns = t->due_at_ns;
    if (type_waits(o->type) && !(o->flags & FLAG_TRIGGERED)) {
        trigger_wait(c, slot, at_ns);
        return true;
    }
    core_command m = as_command(c, o, at_ns);
    match_preview p = look_ahead(c, o, &m);
    o->gives_way = p.gives_way;
    if (o->remaining && !fits(c, o, &m, &p)) {
        if (c->ring_used) return false;
        order_withdraw(c, slot, '4', REASON_CAPACITY, at_ns, CORE_NO_COMMAND);
        return true;
    }
    if (o->tif == TIF_FOK && p.lots < o->qty_lots - o->filled_lots) {
        order_withdraw(c, slot, '4', REASON_FOK_UNFILLABLE, at_ns, CORE_NO_COMMAND);
        return true;
    }
    o->price_ticks = o->limit_ticks;
    match_enter(c, slot, at_ns, CORE_NO_COMMAND);
    return true;
}

/* Who is filled by what. Our orders meet the market's own entries and prints, never each other (rule 1), wait behind what
 * stood at their price when they came (rules 3 and 4), and take no lot of the market twice (rule 6). */
#include "state.h"

#define NOBODY ((uint64_t)1 << 63) /* on the tape: the market's side */

bool mirror_reserve(core *c, uint64_t meets)
{
    core_mirrors *f = &c->far;
    if (meets &&
        (meets > UINT32_MAX || !pool_reserve(c, &f->takings, (uint32_t)meets) || !table_reserve(c, &f->taking_ids, (uint32_t)meets)))
        return false;
    if (f->queues_room != c->orders.room) {
        void *queues = pool_array(c, f->queues, f->queues_room * sizeof *f->queues, c->orders.room * sizeof *f->queues);
        if (queues == NULL) return false;
        f->queues = queues;
        f->queues_room = c->orders.room;
    }
    if (f->sums_room == c->seats.room) return true;
    void *sums = pool_array(c, f->sums, f->sums_room * sizeof *f->sums, c->seats.room * sizeof *f->sums);
    if (sums == NULL) return false;
    f->sums = sums;
    f->sums_room = c->seats.room;
    return true;
}

/* ---- rule 6: what a seat took of an entry ---- */

static uint64_t taking_key(uint32_t seat, uint32_t entry) { return (uint64_t)seat << 32 | entry; }

static int64_t available(const core *c, uint32_t seat, uint32_t entry)
{
    uint32_t taking = seat ? table_get(&c->far.taking_ids, taking_key(seat, entry)) : 0;
    return ORDER(c, entry)->remaining - (taking ? TAKING(c, taking)->lots : 0);
}

static void age_unlink(core *c, core_mirror *m, uint32_t slot)
{
    const mirror_taking *t = TAKING(c, slot);
    *(t->older ? &TAKING(c, t->older)->newer : &m->oldest) = t->newer;
    *(t->newer ? &TAKING(c, t->newer)->older : &m->newest) = t->older;
}

static void age_append(core *c, core_mirror *m, uint32_t slot)
{
    TAKING(c, slot)->older = m->newest;
    TAKING(c, slot)->newer = 0;
    *(m->newest ? &TAKING(c, m->newest)->newer : &m->oldest) = slot;
    m->newest = slot;
}

static void forget(core *c, uint32_t slot)
{
    const mirror_taking *t = TAKING(c, slot);
    age_unlink(c, MIRROR(c, t->mirror), slot);
    *(t->level_prev ? &TAKING(c, t->level_prev)->level_next : &QUEUE(c, t->entry)->takings) = t->level_next;
    if (t->level_next) TAKING(c, t->level_next)->level_prev = t->level_prev;
    table_remove(&c->far.taking_ids, taking_key(t->seat, t->entry));
    pool_give(&c->far.takings, slot);
}

/* Room is reserved. */
static void remember(core *c, uint32_t mirror, uint32_t seat, uint32_t entry, int64_t lots)
{
    core_mirror *m = MIRROR(c, mirror);
    uint32_t slot = table_get(&c->far.taking_ids, taking_key(seat, entry));
    if (slot) {
        age_unlink(c, m, slot);
    } else {
        uint32_t first = QUEUE(c, entry)->takings;
        slot = pool_take(&c->far.takings);
        *TAKING(c, slot) = (mirror_taking){.seat = seat, .entry = entry, .mirror = mirror, .level_next = first};
        if (first) TAKING(c, first)->level_prev = slot;
        QUEUE(c, entry)->takings = slot;
        table_put(&c->far.taking_ids, taking_key(seat, entry), slot);
    }
    TAKING(c, slot)->lots += lots;
    TAKING(c, slot)->at_ns = m->clock_ns;
    age_append(c, m, slot);
}

void mirror_takings_above(core *c, uint32_t entry, int64_t lots)
{
    for (uint32_t slot = QUEUE(c, entry)->takings, next; slot; slot = next) {
        next = TAKING(c, slot)->level_next;
        if (TAKING(c, slot)->lots > lots) forget(c, slot);
    }
}

void mirror_takings_expire(core *c, uint32_t mirror)
{
    core_mirror *m = MIRROR(c, mirror);
    while (m->oldest && TAKING(c, m->oldest)->at_ns <= m->clock_ns - MIRROR_MEMORY_NS) forget(c, m->oldest);
}

/* ---- a taker ---- */

static uint32_t seat_of(const core *c, const core_instrument *in, uint32_t account)
{
    uint32_t a = table_get(&c->account_ids, account), i = (uint32_t)(in - INSTRUMENT(c, 0));
    return a ? table_get(&c->seat_ids, (uint64_t)a << 32 | i) : 0;
}

void mirror_walk(const core *c, const core_instrument *in, const core_command *m, uint32_t fee_ppm, match_preview *out)
{
    const core_book *b = &in->book;
    unsigned other = 1u - m->side;
    uint32_t seat = m->account ? seat_of(c, in, m->account) : 0;
    int64_t limit = match_limit(m->side, m->type, m->price_ticks), price = b->best[other];
    bool more = book_crosses(b, m->side, limit);
    *out = (match_preview){.gives_way = out->gives_way, .position = out->position};
    for (; more && out->lots < m->qty_lots; more = book_next(c, b, other, &price)) {
        if (m->side == SIDE_BUY ? price > limit : price < limit) return;
        int64_t wanted = m->qty_lots - out->lots, lots = available(c, seat, mirror_entry(c, b, other, price));
        i128 notional = 0;
        if (lots <= 0) continue;
        if (lots > wanted) lots = wanted;
        fixed_worth(&in->spec, m->side, price, lots, &notional); /* fits: the whole entry did when it was told */
        out->lots += lots;
        out->worst = price;
        out->cost += notional;
        out->fees += fixed_fee(notional, fee_ppm);
        out->orders++;
    }
}

int64_t mirror_run(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    const core_instrument *in = INSTRUMENT(c, ORDER(c, slot)->instrument);
    unsigned side = ORDER(c, slot)->side, other = 1u - side;
    int64_t limit = match_limit(side, ORDER(c, slot)->type, ORDER(c, slot)->price_ticks), price = in->book.best[other];
    bool more = book_crosses(&in->book, side, limit);
    for (; more && c->broken == NULL; more = book_next(c, &in->book, other, &price)) {
        core_order *o = ORDER(c, slot);
        if (o->remaining == 0 || (side == SIDE_BUY ? price > limit : price < limit)) break;
        uint32_t entry = mirror_entry(c, &in->book, other, price);
        int64_t lots = available(c, o->seat, entry);
        if (lots <= 0) continue;
        if (lots > o->remaining) lots = o->remaining;
        core_tape t = {.at_ns = at_ns,
                       .taker_order_no = o->order_no,
                       .maker_order_no = NOBODY,
                       .instrument = in->id,
                       .side = o->side,
                       .price_ticks = price,
                       .qty_lots = lots,
                       .taker_flags = o->flags,
                       .maker_flags = FLAG_AGENT};
        match_trade(c, &t);
        remember(c, in->mirror, o->seat, entry, lots);
        o->remaining -= lots;
        match_report(c, slot, &t, LIQUIDITY_TAKER, index);
    }
    return ORDER(c, slot)->remaining;
}

/* ---- resting orders ---- */

void mirror_stands(core *c, uint32_t slot)
{
    const core_order *o = ORDER(c, slot);
    const core_instrument *in = INSTRUMENT(c, o->instrument);
    if (in->mirror == 0) return;
    uint32_t entry = mirror_entry(c, &in->book, o->side, o->price_ticks);
    bool shown = mirror_shows(c, MIRROR(c, in->mirror), o->side, o->price_ticks);
    *QUEUE(c, slot) = (mirror_queue){.ahead = entry ? ORDER(c, entry)->remaining : shown ? 0 : AHEAD_UNKNOWN};
}

/* What of so many lots the order may trade: one that only reduces no more than to flat. */
static int64_t may_fill(const core *c, uint32_t slot, int64_t lots)
{
    const core_order *o = ORDER(c, slot);
    int64_t room = o->flags & FLAG_REDUCE_ONLY ? terms_room(c, o->position, o->side) : INT64_MAX;
    return lots < room ? lots : room;
}

/* The order makes, so it gets its own price. One that may not, or no more, is over. */
static void fill(core *c, core_mirror *m, uint32_t slot, int64_t lots, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    bool reduces = o->flags & FLAG_REDUCE_ONLY;
    lots = may_fill(c, slot, lots);
    if (lots == 0) {
        order_withdraw(c, slot, '4', REASON_REDUCE_ONLY_VIOLATION, at_ns, CORE_NO_COMMAND);
        return;
    }
    core_tape t = {.at_ns = at_ns,
                   .taker_order_no = NOBODY,
                   .maker_order_no = o->order_no,
                   .instrument = INSTRUMENT(c, m->instrument)->id,
                   .side = (uint8_t)(1u - o->side),
                   .price_ticks = o->price_ticks,
                   .qty_lots = lots,
                   .taker_flags = FLAG_AGENT,
                   .maker_flags = o->flags};
    match_trade(c, &t);
    book_take(c, &m->paper[o->side], slot, lots);
    match_report(c, slot, &t, LIQUIDITY_MAKER, CORE_NO_COMMAND);
    if (reduces && o->in_book && may_fill(c, slot, o->remaining) == 0)
        order_withdraw(c, slot, '4', REASON_REDUCE_ONLY_VIOLATION, at_ns, CORE_NO_COMMAND);
    else
        order_drop_if_gone(c, slot);
}

/* Rule 4, at the price: each queue moves up by the print; what is left of it is shared out once to every account. */
void mirror_print(core *c, uint32_t mirror, const mirror_event *e)
{
    core_mirror *m = MIRROR(c, mirror);
    unsigned side = 1u - e->side;
    uint32_t entry = mirror_entry(c, &INSTRUMENT(c, m->instrument)->book, side, e->ticks);
    if (entry && __builtin_add_overflow(QUEUE(c, entry)->printed, e->lots, &QUEUE(c, entry)->printed)) QUEUE(c, entry)->printed = INT64_MAX;
    m->print_ticks = e->ticks;
    if (c->watching) trip_price(c, INSTRUMENT(c, m->instrument), e->ticks, e->at_ns);
    m->print_side = side;
    m->work = WORK_THROUGH;
    const core_level *level = m->paper[side].levels[side] ? book_level(c, &m->paper[side], side, e->ticks) : NULL;
    uint64_t stamp = ++c->far.stamp;
    m->cursor = level ? level->head : 0;
    for (uint32_t slot = m->cursor; slot; slot = LINKS(c, slot)->next) {
        mirror_queue *q = QUEUE(c, slot);
        mirror_sum *sum = &c->far.sums[ORDER(c, slot)->seat];
        if (q->ahead == AHEAD_UNKNOWN) continue;
        int64_t left = e->lots > q->ahead ? e->lots - q->ahead : 0, got = sum->stamp == stamp ? sum->lots : 0;
        q->ahead = q->ahead > e->lots ? q->ahead - e->lots : 0;
        if (left <= got) continue;
        q->due = left - got < ORDER(c, slot)->remaining ? left - got : ORDER(c, slot)->remaining;
        *sum = (mirror_sum){stamp, got + q->due};
    }
}

/* One order whose price the print went through, better prices first, bids before asks. */
static bool fill_through(core *c, core_mirror *m, int64_t at_ns)
{
    for (unsigned side = 0; side < 2; side++) {
        const core_book *b = &m->paper[side];
        if (!b->levels[side] || ladder_key(side, b->best[side]) <= ladder_key(side, m->print_ticks)) continue;
        uint32_t slot = book_level(c, b, side, b->best[side])->head;
        fill(c, m, slot, ORDER(c, slot)->remaining, at_ns);
        return true;
    }
    return false;
}

/* One order at the print's own price that has lots due. What follows from a fill may take others out of the queue. */
static bool fill_due(core *c, core_mirror *m, int64_t at_ns)
{
    const core_level *level =
        m->paper[m->print_side].levels[m->print_side] ? book_level(c, &m->paper[m->print_side], m->print_side, m->print_ticks) : NULL;
    if (level == NULL) return false;
    const core_order *o = ORDER(c, m->cursor);
    bool there = m->cursor && o->in_book && !(o->flags & FLAG_ENTRY) && o->instrument == m->instrument && o->side == m->print_side &&
                 o->price_ticks == m->print_ticks;
    for (uint32_t slot = there ? m->cursor : level->head; slot; slot = LINKS(c, slot)->next) {
        int64_t due = QUEUE(c, slot)->due;
        if (due == 0) continue;
        QUEUE(c, slot)->due = 0;
        m->cursor = LINKS(c, slot)->next;
        fill(c, m, slot, due < ORDER(c, slot)->remaining ? due : ORDER(c, slot)->remaining, at_ns);
        return true;
    }
    return false;
}

/* The nearest entry against an order of this side and price of which the seat may still have something. */
static uint32_t reachable(const core *c, const core_book *b, unsigned side, int64_t ticks, uint32_t seat)
{
    unsigned other = 1u - side;
    int64_t price = b->best[other];
    for (bool more = book_crosses(b, side, ticks); more; more = book_next(c, b, other, &price)) {
        if (side == SIDE_BUY ? price > ticks : price < ticks) return 0;
        uint32_t entry = mirror_entry(c, b, other, price);
        if (available(c, seat, entry) > 0) return entry;
    }
    return 0;
}

/* One order that the market's entries have come up to. A seat that may have no more at a price may have none at a worse. */
static bool fill_reached(core *c, uint32_t mirror, int64_t at_ns)
{
    core_mirror *m = MIRROR(c, mirror);
    const core_book *b = &INSTRUMENT(c, m->instrument)->book;
    for (unsigned side = 0; side < 2; side++) {
        int64_t price = m->paper[side].best[side];
        bool more = m->paper[side].levels[side] != 0;
        for (; more && book_crosses(b, side, price); more = book_next(c, &m->paper[side], side, &price))
            for (uint32_t slot = book_level(c, &m->paper[side], side, price)->head; slot; slot = LINKS(c, slot)->next) {
                uint32_t seat = ORDER(c, slot)->seat;
                if (c->far.sums[seat].stamp == m->spent[side]) continue;
                uint32_t entry = reachable(c, b, side, price, seat);
                if (entry == 0 || !mirror_reserve(c, 1)) {
                    c->far.sums[seat].stamp = m->spent[side];
                    continue;
                }
                int64_t lots = available(c, seat, entry);
                if (lots > ORDER(c, slot)->remaining) lots = ORDER(c, slot)->remaining;
                lots = may_fill(c, slot, lots);
                if (lots) remember(c, mirror, seat, entry, lots);
                fill(c, m, slot, lots, at_ns);
                return true;
            }
    }
    return false;
}

/* Fills what is due, one order at a time, and after the last the stops that the print reached. */
bool mirror_work(core *c, uint32_t mirror, int64_t now_ns)
{
    core_mirror *m = MIRROR(c, mirror);
    while (m->work != WORK_NONE) {
        if (!command_ready(c, now_ns)) return false; /* what a fill or a print set off runs before the next fill */
        if (c->broken != NULL || !ring_reserve(c, MIRROR_REPORTS) || !tape_reserve(c, 1)) return false;
        bool filled = false;
        if (m->work == WORK_THROUGH) filled = fill_through(c, m, now_ns);
        if (m->work == WORK_DUE) filled = fill_due(c, m, now_ns);
        if (m->work == WORK_REACHED) filled = fill_reached(c, mirror, now_ns);
        if (m->work == WORK_PRINTED && c->watching) trip_price(c, INSTRUMENT(c, m->instrument), m->print_ticks, now_ns);
        if (m->work == WORK_PRINTED) trigger_print(c, m->instrument, m->print_ticks, now_ns);
        if (filled) continue;
        m->work = m->work == WORK_THROUGH ? WORK_DUE : m->work == WORK_DUE ? WORK_PRINTED : WORK_NONE;
    }
    return command_ready(c, now_ns);
}

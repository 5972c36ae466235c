/* A mirror looked at: what a caller may ask of it, the queues that outlive a process, and what must always hold. */
#include "state.h"

bool core_mirror_look(const core *c, uint32_t instrument, core_mirror_view *out)
{
    uint32_t slot = table_get(&c->instrument_ids, instrument);
    if (slot == 0 || INSTRUMENT(c, slot)->mirror == 0) return false;
    const core_mirror *m = MIRROR(c, INSTRUMENT(c, slot)->mirror);
    const core_book *b = &INSTRUMENT(c, slot)->book;
    *out = (core_mirror_view){.seq = m->seq,
                              .gaps = m->gaps,
                              .heard_ns = m->heard_ns,
                              .clock_ns = m->clock_ns,
                              .state = m->state,
                              .held = m->held_used,
                              .levels = b->levels[SIDE_BUY] + b->levels[SIDE_SELL],
                              .orders = m->paper[SIDE_BUY].orders[SIDE_BUY] + m->paper[SIDE_SELL].orders[SIDE_SELL],
                              .front_ppm = m->front_ppm};
    return true;
}

/* ---- queues ---- */

static bool queued(const core *c, uint32_t slot)
{
    const core_order *o = ORDER(c, slot);
    return o->in_book && o->in_account && INSTRUMENT(c, o->instrument)->mirror && QUEUE(c, slot)->ahead != AHEAD_UNKNOWN;
}

size_t core_queues(const core *c, core_queue_view *out, size_t room)
{
    size_t count = 0;
    if (c->far.queues == NULL) return 0;
    for (uint32_t slot = 1; slot < c->orders.used && slot < c->far.queues_room; slot++) {
        if (!queued(c, slot)) continue;
        if (count < room) out[count] = (core_queue_view){ORDER(c, slot)->order_no, ORDER(c, slot)->arrival, QUEUE(c, slot)->ahead};
        count++;
    }
    return count;
}

bool core_set_queue(core *c, const core_queue_view *saved)
{
    uint32_t slot = order_find(c, saved->order_no);
    if (slot == 0 || saved->ahead < 0 || !ORDER(c, slot)->in_book || ORDER(c, slot)->arrival != saved->arrival) return false;
    if (ORDER(c, slot)->flags & FLAG_AGENT || INSTRUMENT(c, ORDER(c, slot)->instrument)->mirror == 0) return false;
    if (saved->ahead < QUEUE(c, slot)->ahead) QUEUE(c, slot)->ahead = saved->ahead;
    return true;
}

/* ---- what must hold ---- */

static const char *verify_entries(const core *c, const core_book *b)
{
    for (unsigned side = 0; side < 2; side++) {
        int64_t price = b->best[side];
        for (bool more = b->levels[side] != 0; more; more = book_next(c, b, side, &price)) {
            const core_level *level = book_level(c, b, side, price);
            if (level->count != 1 || !(ORDER(c, level->head)->flags & FLAG_ENTRY)) return "somebody's order stands in a mirrored market";
            for (uint32_t t = QUEUE(c, level->head)->takings; t; t = TAKING(c, t)->level_next)
                if (TAKING(c, t)->entry != level->head || TAKING(c, t)->lots <= 0 || TAKING(c, t)->lots > level->lots)
                    return "more was taken of a mirrored level than stands";
        }
    }
    return NULL;
}

static const char *verify_paper(const core *c, const core_mirror *m)
{
    for (unsigned side = 0; side < 2; side++) {
        const core_book *b = &m->paper[side];
        if (b->levels[1u - side]) return "an order rests on the wrong side of a mirror";
        int64_t price = b->best[side];
        for (bool more = b->levels[side] != 0; more; more = book_next(c, b, side, &price))
            for (uint32_t slot = book_level(c, b, side, price)->head; slot; slot = LINKS(c, slot)->next) {
                if (ORDER(c, slot)->flags & FLAG_AGENT) return "the market rests among the orders that mirror it";
                if (QUEUE(c, slot)->ahead < 0 || QUEUE(c, slot)->due < 0) return "an order has less than nothing in front of it";
            }
    }
    return NULL;
}

static const char *verify_one(const core *c, const core_mirror *m)
{
    const core_book *b = &INSTRUMENT(c, m->instrument)->book;
    if (m->held_used > m->held_room || m->held_room > MIRROR_HELD_MAX) return "more waits in a mirror than it has room for";
    bool crossed = b->levels[SIDE_BUY] && b->levels[SIDE_SELL] && b->best[SIDE_BUY] >= b->best[SIDE_SELL];
    if (crossed && m->state == MIRROR_WHOLE) return "a mirrored market is crossed and believed";
    const char *why = verify_entries(c, b);
    return why ? why : verify_paper(c, m);
}

const char *mirror_verify(const core *c)
{
    for (uint32_t mirror = 1; mirror < c->far.mirrors.used; mirror++) {
        const core_mirror *m = MIRROR(c, mirror);
        if (m->instrument == 0) continue;
        if (INSTRUMENT(c, m->instrument)->mirror != mirror) return "a mirror of nothing";
        const char *why = verify_one(c, m);
        if (why) return why;
    }
    return NULL;
}

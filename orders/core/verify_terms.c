/* What must always hold of orders with terms: each waits in exactly one queue, knows its sibling and is known by it, and
 * the two legs share one hold. While something is due, or before books are rebuilt, the queues are not complete yet. */
#include "state.h"

static const char *verify_hold(const core *c, const core_order *o, const terms_row *t)
{
    i128 required = 0;
    bool waits = type_waits(o->type) && !(o->flags & FLAG_TRIGGERED), counted = waits || type_has_limit(o->type) || o->side == SIDE_SELL;
    if (!counted) return NULL; /* a market buy holds what its walk of the book cost */
    if (!terms_required(c, o, t, o->limit_ticks, o->qty_lots - o->filled_lots, &required)) return "an order's hold cannot be counted";
    if (o->hold == required) return NULL;
    /* Children hold what there was, at most what they require; and an exchange may tell dearer fills than were held for. */
    bool shared = o->flags & FLAG_CHILD || t->sibling || (waits && o->filled_lots);
    if (c->due_head) return NULL;
    return shared && o->hold < required && !(terms_paired(c, t) && o->order_no & CHILD_STOP_LOSS)
               ? NULL
               : "an order's hold is not what its terms require";
}

static const char *verify_queues(const core *c, const core_order *o, const terms_row *t)
{
    bool waits = type_waits(o->type) && !(o->flags & FLAG_TRIGGERED);
    if (t->at[HEAP_TRIGGER] && (!waits || o->in_book)) return "an order waits for a price and does not";
    if (c->due_head || c->rebuild_owed) return NULL;
    if (waits && !t->at[HEAP_TRIGGER]) return "an order that waits for a price stands in no queue";
    return (t->expires_at_ns != 0) == (t->at[HEAP_EXPIRY] != 0) ? NULL : "an order that expires is not among those that do";
}

static const char *verify_sibling(const core *c, uint32_t slot, const core_order *o, const terms_row *t)
{
    if (!t->sibling) return NULL;
    const core_order *s = ORDER(c, t->sibling);
    if (s->terms == 0 || TERMS(c, s->terms)->sibling != slot) return "an order's sibling does not know it";
    if (s->position != o->position || s->side != o->side) return "an order and its sibling are not of one position";
    if (c->due_head || c->rebuild_owed || !s->in_account) return NULL;
    return s->qty_lots - s->filled_lots == o->qty_lots - o->filled_lots ? NULL : "two legs are not of one size";
}

const char *verify_terms(const core *c, uint32_t slot)
{
    const core_order *o = ORDER(c, slot);
    const terms_row *t = TERMS(c, o->terms);
    if (t->order != slot) return "an order's terms are another's";
    const char *why = verify_hold(c, o, t);
    if (why == NULL) why = verify_queues(c, o, t);
    return why ? why : verify_sibling(c, slot, o, t);
}

/* Queues and counts as a whole. */
const char *verify_waiting(const core *c)
{
    uint32_t promised = 0;
    const char *why = heap_verify(c, &c->expiry, HEAP_EXPIRY);
    if (why == NULL && c->expires_next != (c->expiry.used ? c->expiry.entries[0].key : INT64_MAX)) why = "the next to expire is not noted";
    for (uint32_t i = 1; i < c->instruments.used && why == NULL; i++) {
        const core_instrument *in = INSTRUMENT(c, i);
        uint32_t trailing = 0;
        why = heap_verify(c, &in->trigger[0], HEAP_TRIGGER);
        if (why == NULL) why = heap_verify(c, &in->trigger[1], HEAP_TRIGGER);
        if (why == NULL && in->waiting != in->trigger[0].used + in->trigger[1].used) why = "an instrument counts what waits wrongly";
        for (unsigned side = 0; side < 2; side++)
            for (uint32_t t = in->trailing[side]; t && trailing <= in->waiting; t = TERMS(c, t)->trail_next) trailing++;
        if (why == NULL && trailing > in->waiting) why = "more orders trail than wait";
    }
    for (uint32_t i = 1; i < c->orders.used; i++) {
        const core_order *o = ORDER(c, i);
        if ((o->in_account || o->in_book) && o->terms) promised += (uint32_t)__builtin_popcount(terms_unborn(o, TERMS(c, o->terms)));
    }
    if (why == NULL && c->due_head == 0 && promised != c->promised) why = "room is kept for other children than can be born";
    return why;
}

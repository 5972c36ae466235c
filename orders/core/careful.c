/* Matching where an order may not simply meet the next: some order of the instrument is reduce-only, the taker was
 * triggered, its owner wants their own resting orders out of its way, or the market is elsewhere. Plain orders in plain
 * books never come here. */
#include "state.h"

#define POSITIONS_WATCHED 32

typedef struct { /* how far the walk would have moved the positions it met */
    uint32_t position[POSITIONS_WATCHED];
    i128 lots[POSITIONS_WATCHED]; /* bought less sold */
    unsigned count;
} walk_moves;

static i128 *moved(walk_moves *w, uint32_t position)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->position[i] == position) return &w->lots[i];
    if (w->count == POSITIONS_WATCHED) return NULL;
    w->position[w->count] = position;
    w->lots[w->count] = 0;
    return &w->lots[w->count++];
}

/* What the maker would trade of so many lots. A position too many counts as flat: the walk then goes deeper than the
 * match will, and what it finds is enough. */
static int64_t would_trade(const core *c, walk_moves *w, const core_order *o, int64_t lots)
{
    if (!o->in_account) return lots;
    i128 *so_far = moved(w, o->position);
    if (so_far == NULL) return o->flags & FLAG_REDUCE_ONLY ? 0 : lots;
    if (o->flags & FLAG_REDUCE_ONLY) {
        i128 room = (i128)terms_room(c, o->position, o->side) + (o->side == SIDE_BUY ? -*so_far : *so_far);
        if (room < lots) lots = room > 0 ? (int64_t)room : 0;
    }
    *so_far += o->side == SIDE_BUY ? lots : -lots;
    return lots;
}

static bool is_of(const core *c, const core_order *o, uint32_t owner)
{
    return !(o->flags & FLAG_AGENT) && ACCOUNT(c, SEAT(c, o->seat)->account)->owner == owner;
}

void walk_carefully(const core *c, const core_instrument *in, const core_command *m, uint32_t owner, uint32_t fee_ppm, match_preview *out)
{
    const core_book *b = &in->book;
    unsigned other = 1u - m->side;
    int64_t limit = match_limit(m->side, m->type, m->price_ticks), price = b->best[other];
    walk_moves w = {.count = 0};
    *out = (match_preview){.gives_way = out->gives_way, .position = out->position};
    if (!book_crosses(b, m->side, limit)) return;
    do {
        if (m->side == SIDE_BUY ? price > limit : price < limit) return;
        for (uint32_t slot = book_level(c, b, other, price)->head; slot && out->lots < m->qty_lots; slot = LINKS(c, slot)->next) {
            const core_order *o = ORDER(c, slot);
            int64_t wanted = m->qty_lots - out->lots, lots = o->remaining < wanted ? o->remaining : wanted;
            bool own = is_of(c, o, owner);
            i128 notional = 0, *mine = NULL;
            out->orders++;
            if (own && out->gives_way) continue;
            lots = would_trade(c, &w, o, lots);
            if (lots && out->position && (mine = moved(&w, out->position)) != NULL) *mine += m->side == SIDE_BUY ? lots : -lots;
            fixed_worth(&in->spec, m->side, price, lots, &notional);
            out->lots += lots;
            if (lots) out->worst = price;
            out->cost += notional;
            out->fees += fixed_fee(notional, fee_ppm);
            if (own && lots && !out->has_own) {
                out->has_own = true;
                out->own_order = o->order_no;
            }
        }
    } while (out->lots < m->qty_lots && book_next(c, b, other, &price));
}

/* The lots that both may trade; 0 when the maker went, or the taker may no more: *stop. */
static int64_t may_trade(core *c, uint32_t taker_slot, uint32_t maker_slot, int64_t at_ns, bool *stop, bool *capped)
{
    const core_order *taker = ORDER(c, taker_slot), *maker = ORDER(c, maker_slot);
    int64_t lots = taker->remaining < maker->remaining ? taker->remaining : maker->remaining;
    if (taker->flags & FLAG_REDUCE_ONLY) {
        int64_t room = terms_room(c, taker->position, taker->side);
        *stop = room == 0;
        if (room < lots) lots = room;
    }
    if (*stop) return 0;
    if (taker->gives_way && is_of(c, maker, ACCOUNT(c, SEAT(c, taker->seat)->account)->owner)) {
        order_withdraw(c, maker_slot, '4', REASON_SELF_TRADE, at_ns, CORE_NO_COMMAND);
        return 0;
    }
    if (maker->flags & FLAG_REDUCE_ONLY) {
        int64_t room = terms_room(c, maker->position, maker->side);
        *capped = room < lots;
        if (room < lots) lots = room;
        if (room == 0) order_withdraw(c, maker_slot, '4', REASON_REDUCE_ONLY_VIOLATION, at_ns, CORE_NO_COMMAND);
    }
    return lots;
}

void run_carefully(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *taker = ORDER(c, slot);
    core_book *b = &INSTRUMENT(c, taker->instrument)->book;
    unsigned side = taker->side;
    int64_t limit = match_limit(side, taker->type, taker->price_ticks);
    bool stop = false;
    while (taker->remaining > 0 && !stop && book_crosses(b, side, limit) && c->broken == NULL) {
        uint32_t maker_slot = book_level(c, b, 1u - side, b->best[1u - side])->head;
        const core_order *maker = ORDER(c, maker_slot);
        bool capped = false; /* it trades what it may, once: against its own position that would never bring it to flat */
        int64_t lots = may_trade(c, slot, maker_slot, at_ns, &stop, &capped);
        if (lots == 0) continue;
        bool reduces = maker->flags & FLAG_REDUCE_ONLY && maker->remaining > lots;
        match_execute(c, slot, maker_slot, lots, at_ns, index);
        if (reduces && (capped || terms_room(c, maker->position, maker->side) == 0))
            order_withdraw(c, maker_slot, '4', REASON_REDUCE_ONLY_VIOLATION, at_ns, CORE_NO_COMMAND);
    }
}

/* A market that is elsewhere: nothing is met while it cannot be believed, and a reduce-only order meets no more than it may. */
void mirror_carefully(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    int64_t room = o->flags & FLAG_REDUCE_ONLY ? terms_room(c, o->position, o->side) : INT64_MAX;
    int64_t beyond = o->remaining > room ? o->remaining - room : 0;
    if (!mirror_is_usable(c, INSTRUMENT(c, o->instrument), at_ns)) return;
    o->remaining -= beyond;
    mirror_run(c, slot, at_ns, index);
    ORDER(c, slot)->remaining += beyond;
}

/* After a careful match: what is left stands in the book, or is over for a reason. */
void settle_carefully(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    if (!o->in_account) {
        order_drop_if_gone(c, slot);
        return;
    }
    bool limited = type_has_limit(o->type), flat = o->flags & FLAG_REDUCE_ONLY && terms_room(c, o->position, o->side) == 0;
    unsigned reason = REASON_NONE;
    if (flat)
        reason = REASON_REDUCE_ONLY_VIOLATION;
    else if (o->remaining == 0)
        reason = REASON_BALANCE_INSUFFICIENT;
    else if (limited && tif_rests(o->tif)) {
        book_add(c, book_of(c, slot), slot);
        mirror_stands(c, slot);
        return;
    } else if (o->flags & FLAG_TRIGGERED)
        reason = REASON_NO_LIQUIDITY;
    order_withdraw(c, slot, '4', reason, at_ns, index);
}

bool own_rests(const core *c, uint32_t seat, uint32_t account, uint32_t instrument, unsigned side)
{
    if (seat == 0) seat = table_get(&c->owner_seats, (uint64_t)ACCOUNT(c, account)->owner << 32 | instrument);
    if (seat == 0) return false;
    uint32_t at = seat;
    do {
        const core_seat *s = SEAT(c, at);
        if (s->open_lots[side] || s->reducing) return true;
        at = s->owner_next;
    } while (at != seat);
    return false;
}

bool own_gives_way(const core *c, const core_order *o)
{
    const core_seat *s = SEAT(c, o->seat);
    limits_view limits;
    if (o->flags & FLAG_ALLOW_SELF_TRADE || !own_rests(c, o->seat, s->account, s->instrument, 1u - o->side)) return false;
    limits_look(c, ACCOUNT(c, s->account), INSTRUMENT(c, s->instrument), POSITION(c, o->position)->strategy, terms_key(c, o), &limits);
    return limits.limits->self_trade != SELF_TRADE_ALLOW;
}

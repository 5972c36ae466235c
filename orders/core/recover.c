/* Recovery: folding stored reports, and putting open orders back into books. */
#include "state.h"

#include <stdlib.h>

/* Refusals changed nothing and change nothing now. A told '8' ends an order, so the flag tells the two apart. */
static bool changes_something(const core_report *r) { return r->exec_type != 'I' && (r->exec_type != '8' || r->flags & FLAG_TOLD); }

static bool is_amount(i128 x) { return x >= 0 && x <= CORE_AMOUNT_MAX * 2; } /* a notional and its fee */

static bool is_fee(const core_report *r) /* an exchange may give one back, and in any asset */
{
    if (r->exec_type != 'F' || !(r->flags & FLAG_TOLD)) return is_amount(r->last_fee);
    return r->last_fee >= -CORE_AMOUNT_MAX && r->last_fee <= CORE_AMOUNT_MAX && r->fee_asset <= UINT32_MAX;
}

/* Of an order that is open: it must be that order's, and its numbers possible. */
static const char *follows(const core *c, const core_report *r, const core_order *o)
{
    const core_seat *seat = SEAT(c, o->seat);
    i128 amount;
    if (r->side != o->side || r->account != ACCOUNT(c, seat->account)->id || r->instrument != INSTRUMENT(c, seat->instrument)->id)
        return "a report that is not of the order it names";
    if (r->exec_type == 'F') {
        if (r->last_lots <= 0 || r->last_lots > o->qty_lots - o->filled_lots || r->cum_cost < o->cum_cost)
            return "an execution of an impossible size";
        if (!fixed_amount(r->last_lots, INSTRUMENT(c, seat->instrument)->spec.base_unit, &amount)) return "an execution out of range";
    }
    if (r->exec_type == '5' && (r->qty_lots <= o->filled_lots || (type_has_limit(o->type) && r->price_ticks <= 0)))
        return "an amend that leaves nothing open";
    if (r->exec_type == 'D' && (!(r->flags & FLAG_TERMS) || r->stop_ticks <= 0)) return "a stop that moved to no price";
    return NULL;
}

/* Stored bytes are believed when they are whole, never when they would break the arithmetic. The fold checks the order of
 * events; here are the numbers. Live reports are made of checked numbers and do not come this way. */
static const char *report_fault(const core *c, const core_report *r, uint32_t slot)
{
    if (r->side > SIDE_SELL || r->liquidity > LIQUIDITY_TAKER) return "a report of no side";
    if (r->type > TYPE_TRAILING_STOP || r->tif > TIF_GTD) return "a report of no type";
    if (!is_amount(r->hold)) return "a report of an impossible amount";
    if (r->exec_type == 'F' && (!is_amount(r->cum_cost) || !is_fee(r))) return "a report of an impossible amount";
    if (r->exec_type == '0') {
        const terms_row terms = {.stop_ticks = r->stop_ticks,
                                 .trail = r->trail,
                                 .expires_at_ns = r->expires_at_ns,
                                 .tp_ticks = r->tp_ticks,
                                 .sl_stop_ticks = r->sl_stop_ticks,
                                 .sl_limit_ticks = r->sl_limit_ticks},
                        none = {0};
        if (r->qty_lots <= 0 || r->filled_lots != 0 || (type_has_limit(r->type) && r->price_ticks <= 0) ||
            !terms_possible(r->flags & FLAG_TERMS ? &terms : &none, r->type, r->flags))
            return "a NEW report of an impossible order";
        bool possible = r->maker_fee_ppm <= CORE_FEE_UNIT && r->taker_fee_ppm <= CORE_FEE_UNIT;
        return possible ? NULL : "a NEW report with an impossible fee";
    }
    if (r->exec_type == 'F' && r->flags & FLAG_LATE) return r->last_lots <= 0 ? "an execution of an impossible size" : NULL;
    return slot && ORDER(c, slot)->in_account ? follows(c, r, ORDER(c, slot)) : NULL;
}

static const char *fold(core *c, core_report *r)
{
    uint32_t room = r->flags & FLAG_TERMS ? 3 : 1; /* the order's own, and that of the children it may bear */
    if (!account_reserve(c, room) || !terms_reserve(c, room) || !limits_reserve(c)) return "no room for one more order";
    uint32_t slot = order_find(c, r->order_no);
    const char *why = report_fault(c, r, slot);
    if (why) return why;
    if (slot == 0 && r->exec_type == '0') slot = order_create(c, r->order_no);
    c->replaying = true;
    why = account_apply(c, r, slot);
    c->replaying = false;
    c->rebuild_owed = true;
    if (slot) order_drop_if_gone(c, slot);
    return why;
}

/* The report at the start of so many bytes, copied out: bytes of others need not lie where 128 bits may. */
static const char *read_report(const uint8_t *from, size_t bytes, core_report *r)
{
    const char *cut = "reports that are cut short or not reports", *other = "reports of another layout, which this version cannot read";
    if (bytes < CORE_REPORT_HEAD) return cut;
    memcpy(r, from, CORE_REPORT_HEAD);
    memset((uint8_t *)r + CORE_REPORT_HEAD, 0, sizeof *r - CORE_REPORT_HEAD);
    if (r->layout != CORE_REPORT_LAYOUT) return other;
    if (r->size != (report_is_whole(r->exec_type, r->flags) ? sizeof *r : CORE_REPORT_HEAD) || r->size > bytes) return cut;
    memcpy(r, from, r->size);
    return NULL;
}

const char *core_apply(core *c, const uint8_t *reports, size_t bytes)
{
    core_report r;
    for (size_t at = 0; at < bytes; at += r.size) {
        const char *unread = read_report(reports + at, bytes - at, &r);
        if (unread) return unread;
        if (r.seq <= c->seq) continue; /* applied before: twice is once */
        const char *why = changes_something(&r) ? fold(c, &r) : NULL;
        if (why) return why;
        c->seq = r.seq;
    }
    return c->broken;
}

static int by_arrival(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (a[0] > b[0]) - (a[0] < b[0]);
}

/* An order that would cross is left out: its execution was lost, and asking the market about it is the mend. */
static bool stand(core *c, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    bool mirrored = INSTRUMENT(c, o->instrument)->mirror;
    core_book *b = book_of(c, slot);
    int64_t open = o->qty_lots - o->filled_lots, sum;
    if (type_waits(o->type) && !(o->flags & FLAG_TRIGGERED)) {
        o->remaining = open;
        if (!terms_reserve_waiting(c, o->instrument, 1)) return false;
        trigger_wait(c, slot, 0);
        return true;
    }
    if (!book_reserve(c, b, o->limit_ticks) || (mirrored ? !mirror_reserve(c, 0) : book_crosses(b, o->side, o->limit_ticks))) return false;
    if (__builtin_add_overflow(b->lots[o->side], open, &sum)) return false;
    o->price_ticks = o->limit_ticks;
    o->remaining = open;
    book_add(c, b, slot);
    mirror_stands(c, slot);
    return true;
}

/* When it expires, and that its children were sized when it was filled. */
static bool rebuild_terms(core *c, uint32_t slot)
{
    const core_order *o = ORDER(c, slot);
    TERMS(c, o->terms)->sized = o->filled_lots;
    if (!heap_reserve(c, &c->expiry, 1)) return false;
    if (terms_unborn(o, TERMS(c, o->terms)) && !terms_reserve_waiting(c, o->instrument, 1)) return false;
    if (TERMS(c, o->terms)->at[HEAP_EXPIRY] == 0) expiry_enter(c, slot);
    return true;
}

const char *core_rebuild_books(core *c, size_t *placed)
{
    *placed = 0;
    if (c->orders_market) return "books are rebuilt only when they are empty";
    size_t count = 0, bytes = (c->orders_open + 1) * 2 * sizeof(uint64_t);
    uint64_t *queue = pool_array(c, NULL, 0, bytes);
    if (queue == NULL) return "no memory to sort the open orders";
    for (uint32_t a = 1; a < c->accounts.used; a++)
        for (uint32_t slot = ACCOUNT(c, a)->first_order; slot; slot = LINKS(c, slot)->account_next) {
            const core_order *o = ORDER(c, slot);
            bool waits = type_waits(o->type) && !(o->flags & FLAG_TRIGGERED);
            if (o->terms && !rebuild_terms(c, slot)) return "no room for what expires";
            if (!waits && !(type_has_limit(o->type) && tif_rests(o->tif))) continue;
            queue[2 * count] = ORDER(c, slot)->arrival;
            queue[2 * count++ + 1] = slot;
        }
    qsort(queue, count, 2 * sizeof *queue, by_arrival);
    for (size_t i = 0; i < count; i++) *placed += stand(c, (uint32_t)queue[2 * i + 1]);
    pool_array(c, queue, bytes, 0);
    c->rebuild_owed = false;
    return NULL;
}

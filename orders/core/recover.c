/* Recovery: folding stored reports, and putting open orders back into books. */
#include "state.h"

#include <stdlib.h>

/* Refusals changed nothing and change nothing now. A told '8' ends an order, so the flag tells the two apart. */
static bool changes_something(const core_report *r) { return r->exec_type != 'I' && (r->exec_type != '8' || r->flags & FLAG_TOLD); }

const char *core_apply(core *c, const core_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        core_report r = reports[i];
        if (r.seq <= c->seq) continue; /* applied before: twice is once */
        if (changes_something(&r)) {
            if (!account_reserve(c, 1)) return "no room for one more order";
            uint32_t slot = order_find(c, r.order_no);
            if (slot == 0 && r.exec_type == '0') slot = order_create(c, r.order_no);
            const char *why = account_apply(c, &r, slot);
            if (slot) order_drop_if_gone(c, slot);
            if (why != NULL) return why;
        }
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
    core_book *b = &INSTRUMENT(c, o->instrument)->book;
    int64_t open = o->qty_lots - o->filled_lots, sum;
    if (!book_reserve(c, b, o->limit_ticks) || book_crosses(b, o->side, o->limit_ticks)) return false;
    if (__builtin_add_overflow(b->lots[o->side], open, &sum)) return false;
    o->price_ticks = o->limit_ticks;
    o->remaining = open;
    book_add(c, b, slot);
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
            if (ORDER(c, slot)->type != TYPE_LIMIT || ORDER(c, slot)->tif != TIF_GTC) continue;
            queue[2 * count] = ORDER(c, slot)->arrival;
            queue[2 * count++ + 1] = slot;
        }
    qsort(queue, count, 2 * sizeof *queue, by_arrival);
    for (size_t i = 0; i < count; i++) *placed += stand(c, (uint32_t)queue[2 * i + 1]);
    pool_array(c, queue, bytes, 0);
    return NULL;
}

/* A binary heap of orders with terms: the least key first, then the earlier arrival. Each order knows where it lies in
 * each heap, so leaving one costs no search. */
#include "state.h"

#define HEAP_FIRST_ROOM 16u

static bool before(const heap_entry *a, const heap_entry *b) { return a->key != b->key ? a->key < b->key : a->tie < b->tie; }

static void lay(core *c, core_heap *h, unsigned which, uint32_t at, heap_entry e)
{
    h->entries[at] = e;
    TERMS(c, e.terms)->at[which] = at + 1;
}

static void rise(core *c, core_heap *h, unsigned which, uint32_t at, heap_entry e)
{
    for (uint32_t up; at && before(&e, &h->entries[up = (at - 1) / 2]); at = up) lay(c, h, which, at, h->entries[up]);
    lay(c, h, which, at, e);
}

static void sink(core *c, core_heap *h, unsigned which, uint32_t at, heap_entry e)
{
    for (uint32_t down; (down = 2 * at + 1) < h->used; at = down) {
        if (down + 1 < h->used && before(&h->entries[down + 1], &h->entries[down])) down++;
        if (!before(&h->entries[down], &e)) break;
        lay(c, h, which, at, h->entries[down]);
    }
    lay(c, h, which, at, e);
}

bool heap_reserve(core *c, core_heap *h, uint32_t count)
{
    uint64_t needed = (uint64_t)h->used + count, room = h->room ? h->room : HEAP_FIRST_ROOM;
    if (needed <= h->room) return true;
    while (room < needed) room *= 2;
    if (room > UINT32_MAX) return false;
    void *entries = pool_array(c, h->entries, h->room * sizeof *h->entries, room * sizeof *h->entries);
    if (entries == NULL) return false;
    h->entries = entries;
    h->room = (uint32_t)room;
    return true;
}

void heap_add(core *c, core_heap *h, unsigned which, uint32_t terms, int64_t key, uint64_t tie)
{
    rise(c, h, which, h->used++, (heap_entry){.key = key, .tie = tie, .terms = terms});
}

void heap_remove(core *c, core_heap *h, unsigned which, uint32_t terms)
{
    uint32_t at = TERMS(c, terms)->at[which];
    if (at-- == 0) return;
    TERMS(c, terms)->at[which] = 0;
    heap_entry last = h->entries[--h->used];
    if (at == h->used) return;
    if (at && before(&last, &h->entries[(at - 1) / 2]))
        rise(c, h, which, at, last);
    else
        sink(c, h, which, at, last);
}

const char *heap_verify(const core *c, const core_heap *h, unsigned which)
{
    for (uint32_t i = 0; i < h->used; i++) {
        const terms_row *t = TERMS(c, h->entries[i].terms);
        if (t->at[which] != i + 1 || ORDER(c, t->order)->terms != h->entries[i].terms)
            return "an order with terms lies elsewhere than it knows";
        if (i && before(&h->entries[i], &h->entries[(i - 1) / 2])) return "a queue of orders with terms is out of order";
    }
    return NULL;
}

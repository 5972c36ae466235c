/* Order number -> slot, the table that every command asks. An entry is 8 bytes: the upper half of the number's hash, and
 * the slot. The hash says where an entry belongs, so moving entries never touches an order; a look-up that finds an equal
 * hash looks at the order itself. Open addressing, load at most a third; removal shifts followers back. */
#include "state.h"

#define INDEX_FIRST_BITS 6u

static void put_hash(order_index *t, uint32_t hash, uint32_t slot)
{
    uint32_t i = hash >> t->shift;
    while (t->entries[i]) i = (i + 1) & t->mask;
    t->entries[i] = (uint64_t)hash << 32 | slot;
}

static bool index_grow(core *c, uint64_t wanted)
{
    order_index *t = &c->order_ids;
    uint32_t bits = t->entries ? 32 - t->shift : INDEX_FIRST_BITS;
    while ((uint64_t)1 << bits < wanted * 3) bits++;
    size_t size = (size_t)1 << bits, old_size = t->entries ? (size_t)t->mask + 1 : 0;
    uint64_t *old = t->entries, *entries = pool_array(c, NULL, 0, size * sizeof *entries);
    if (entries == NULL) return false;
    t->entries = entries;
    t->shift = 32 - bits;
    t->mask = (uint32_t)(size - 1);
    for (size_t i = 0; i < old_size; i++)
        if (old[i]) put_hash(t, (uint32_t)(old[i] >> 32), (uint32_t)old[i]);
    if (old != NULL) pool_array(c, old, old_size * sizeof *old, 0);
    t->spare = (uint32_t)(size / 3) - t->count;
    return true;
}

bool index_reserve(core *c, uint32_t extra) { return c->order_ids.spare >= extra || index_grow(c, (uint64_t)c->order_ids.count + extra); }

void index_put(core *c, uint64_t order_no, uint32_t slot)
{
    put_hash(&c->order_ids, index_hash(order_no), slot);
    c->order_ids.count++;
    c->order_ids.spare--;
}

void index_remove(core *c, uint64_t order_no, uint32_t slot)
{
    order_index *t = &c->order_ids;
    uint32_t hash = index_hash(order_no), hole = hash >> t->shift;
    uint64_t own = (uint64_t)hash << 32 | slot, e;
    while (t->entries[hole] != own) hole = (hole + 1) & t->mask;
    for (uint32_t i = (hole + 1) & t->mask; (e = t->entries[i]) != 0; i = (i + 1) & t->mask) {
        uint32_t distance = (i - (uint32_t)(e >> 32 >> t->shift)) & t->mask;
        if (distance >= ((i - hole) & t->mask)) { /* the hole lies on its way: it may move there */
            t->entries[hole] = e;
            hole = i;
        }
    }
    t->entries[hole] = 0;
    t->count--;
    t->spare++;
}

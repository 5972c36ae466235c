/* u64 -> slot by open addressing with linear probing. Removal shifts followers back, so there are no tombstones and the
 * cost stays that of the load, which is at most a half. Multiplying by the golden ratio spreads ids given in sequence. */
#include "state.h"

#define TABLE_FIRST_BITS 6u

static void place(core_table *t, uint64_t key, uint32_t slot)
{
    uint32_t i = table_home(t, key);
    while (t->entries[i].slot) i = (i + 1) & t->mask;
    t->entries[i] = (table_entry){key, slot};
}

static bool table_grow(core *c, core_table *t, uint64_t wanted)
{
    uint32_t bits = t->entries ? 64 - t->shift : TABLE_FIRST_BITS;
    while ((uint64_t)1 << bits < wanted * 2) bits++;
    size_t size = (size_t)1 << bits, old_size = t->entries ? (size_t)t->mask + 1 : 0;
    table_entry *old = t->entries, *entries = pool_array(c, NULL, 0, size * sizeof *entries);
    if (entries == NULL) return false;
    t->entries = entries;
    t->shift = 64 - bits;
    t->mask = (uint32_t)(size - 1);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].slot) place(t, old[i].key, old[i].slot);
    if (old != NULL) pool_array(c, old, old_size * sizeof *old, 0);
    return true;
}

bool table_reserve(core *c, core_table *t, uint32_t extra)
{
    uint64_t wanted = (uint64_t)t->count + extra;
    if (t->entries != NULL && wanted * 2 <= (uint64_t)t->mask + 1) return true;
    return table_grow(c, t, wanted);
}

void table_put(core_table *t, uint64_t key, uint32_t slot)
{
    place(t, key, slot);
    t->count++;
}

void table_remove(core_table *t, uint64_t key)
{
    if (t->entries == NULL) return;
    uint32_t hole = table_home(t, key);
    while (t->entries[hole].slot && t->entries[hole].key != key) hole = (hole + 1) & t->mask;
    if (t->entries[hole].slot == 0) return;
    for (uint32_t i = (hole + 1) & t->mask; t->entries[i].slot; i = (i + 1) & t->mask) {
        uint32_t distance = (i - table_home(t, t->entries[i].key)) & t->mask;
        if (distance >= ((i - hole) & t->mask)) { /* the hole lies on its way: it may move there */
            t->entries[hole] = t->entries[i];
            hole = i;
        }
    }
    t->entries[hole] = (table_entry){0, 0};
    t->count--;
}

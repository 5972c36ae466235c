/* Sorted levels for prices outside the window: a directory of chunks, each a short sorted array. Find is two binary
 * searches; insert and remove move at most one chunk's keys, and the directory when a chunk splits or goes. */
#include "state.h"

#include <string.h>

/* The last chunk that starts at or before key; the first one for a key before all. The directory is not empty. */
static uint32_t chunk_of(const core_ladder *l, int64_t key)
{
    uint32_t low = 0, high = l->used;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (l->entries[middle].first <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* How many keys of the chunk are less than key. */
static uint32_t rank_in(const ladder_chunk *k, int64_t key)
{
    uint32_t low = 0, high = k->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (k->key[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ladder_reserve(core *c, core_ladder *l, uint32_t inserts)
{
    uint32_t chunks = inserts / (LADDER_CHUNK / 2) + 2; /* splits leave half-full chunks */
    if (!pool_reserve(c, &c->levels, inserts) || !pool_reserve(c, &c->chunks, chunks)) return false;
    if (l->used + chunks <= l->room) return true;
    uint32_t room = l->room ? l->room * 2 : 8;
    while (room < l->used + chunks) room *= 2;
    void *entries = pool_array(c, l->entries, l->room * sizeof *l->entries, room * sizeof *l->entries);
    if (entries == NULL) return false;
    l->entries = entries;
    l->room = room;
    return true;
}

core_level *ladder_find(core *c, core_ladder *l, int64_t key)
{
    if (l->used == 0) return NULL;
    ladder_chunk *k = CHUNK(c, l->entries[chunk_of(l, key)].chunk);
    uint32_t at = rank_in(k, key);
    return at < k->count && k->key[at] == key ? LEVEL(c, k->level[at]) : NULL;
}

static void directory_insert(core_ladder *l, uint32_t at, int64_t first, uint32_t chunk)
{
    memmove(&l->entries[at + 1], &l->entries[at], (l->used - at) * sizeof *l->entries);
    l->entries[at] = (ladder_entry){first, chunk, 0};
    l->used++;
}

static void directory_remove(core *c, core_ladder *l, uint32_t at)
{
    pool_give(&c->chunks, l->entries[at].chunk);
    l->used--;
    memmove(&l->entries[at], &l->entries[at + 1], (l->used - at) * sizeof *l->entries);
}

static void split(core *c, core_ladder *l, uint32_t at)
{
    uint32_t slot = pool_take(&c->chunks);
    ladder_chunk *left = CHUNK(c, l->entries[at].chunk), *right = CHUNK(c, slot);
    uint32_t half = LADDER_CHUNK / 2;
    memcpy(right->key, left->key + half, half * sizeof *left->key);
    memcpy(right->level, left->level + half, half * sizeof *left->level);
    left->count = right->count = half;
    directory_insert(l, at + 1, right->key[0], slot);
}

core_level *ladder_insert(core *c, core_ladder *l, int64_t key)
{
    if (l->used == 0) directory_insert(l, 0, key, pool_take(&c->chunks));
    uint32_t at = chunk_of(l, key);
    if (CHUNK(c, l->entries[at].chunk)->count == LADDER_CHUNK) {
        split(c, l, at);
        at += key >= l->entries[at + 1].first;
    }
    ladder_chunk *k = CHUNK(c, l->entries[at].chunk);
    uint32_t i = rank_in(k, key), after = k->count - i, slot = pool_take(&c->levels);
    memmove(&k->key[i + 1], &k->key[i], after * sizeof *k->key);
    memmove(&k->level[i + 1], &k->level[i], after * sizeof *k->level);
    k->key[i] = key;
    k->level[i] = slot;
    k->count++;
    l->levels++;
    if (key < l->entries[at].first) l->entries[at].first = key;
    return LEVEL(c, slot);
}

/* Joins a thin chunk to its right neighbour, so that chunks stay a quarter full on average and the bound means something. */
static void join(core *c, core_ladder *l, uint32_t at)
{
    if (at + 1 >= l->used) return;
    ladder_chunk *left = CHUNK(c, l->entries[at].chunk), *right = CHUNK(c, l->entries[at + 1].chunk);
    if (left->count + right->count > LADDER_CHUNK / 2) return;
    memcpy(left->key + left->count, right->key, right->count * sizeof *left->key);
    memcpy(left->level + left->count, right->level, right->count * sizeof *left->level);
    left->count += right->count;
    directory_remove(c, l, at + 1);
}

void ladder_remove(core *c, core_ladder *l, int64_t key)
{
    if (l->used == 0) return;
    uint32_t at = chunk_of(l, key);
    ladder_chunk *k = CHUNK(c, l->entries[at].chunk);
    uint32_t i = rank_in(k, key);
    if (i == k->count || k->key[i] != key) return;
    uint32_t after = k->count - i - 1;
    pool_give(&c->levels, k->level[i]);
    memmove(&k->key[i], &k->key[i + 1], after * sizeof *k->key);
    memmove(&k->level[i], &k->level[i + 1], after * sizeof *k->level);
    k->count--;
    l->levels--;
    if (k->count == 0)
        directory_remove(c, l, at);
    else
        join(c, l, at);
}

bool ladder_last(const core *c, const core_ladder *l, int64_t *key)
{
    if (l->used == 0) return false;
    const ladder_chunk *k = CHUNK(c, l->entries[l->used - 1].chunk);
    *key = k->key[k->count - 1];
    return true;
}

bool ladder_below(const core *c, const core_ladder *l, int64_t key, int64_t *below)
{
    if (l->used == 0) return false;
    uint32_t at = chunk_of(l, key);
    const ladder_chunk *k = CHUNK(c, l->entries[at].chunk);
    uint32_t i = rank_in(k, key);
    if (i == 0) {
        if (at == 0) return false;
        k = CHUNK(c, l->entries[at - 1].chunk);
        i = k->count;
    }
    *below = k->key[i - 1];
    return true;
}

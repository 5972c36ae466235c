/* All memory of the core. Pools of equal records double when asked to reserve, up to their bound; taking never allocates. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#define POOL_FIRST_ROOM 64u
#define CACHE_LINE 64u
#define SMALL_BYTES 16384u /* below it an array is all touched soon; it starts on a cache line, as every array that grows */

void *pool_array(core *c, void *old, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes == 0) {
        free(old);
        c->memory -= old_bytes;
        return NULL;
    }
    size_t rounded = (new_bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *fresh;
    if (old == NULL && rounded > SMALL_BYTES) { /* calloc leaves untouched pages untouched, so an idle book costs little */
        uint8_t *zeroed = calloc(1, rounded);
        if (zeroed == NULL) return NULL;
        c->memory += new_bytes;
        return zeroed;
    }
    fresh = aligned_alloc(CACHE_LINE, rounded);
    if (fresh == NULL) return NULL;
    if (old != NULL) memcpy(fresh, old, old_bytes);
    memset((uint8_t *)fresh + old_bytes, 0, rounded - old_bytes);
    free(old);
    c->memory += new_bytes - old_bytes;
    return fresh;
}

void pool_init(core_pool *p, uint32_t record, uint32_t bound) { *p = (core_pool){.record = record, .bound = bound, .used = 1}; }

static bool pool_grow(core *c, core_pool *p, uint64_t needed)
{
    uint64_t bound = (uint64_t)p->bound + 1; /* slot 0 is nobody's */
    uint64_t room = p->room ? (uint64_t)p->room * 2 : POOL_FIRST_ROOM;
    while (room < needed) room *= 2;
    if (room > bound) room = bound;
    if (needed > room) return false;
    void *data = pool_array(c, p->data, (size_t)p->room * p->record, (size_t)room * p->record);
    if (data == NULL) return false;
    p->data = data;
    p->room = (uint32_t)room;
    return true;
}

bool pool_reserve(core *c, core_pool *p, uint32_t count)
{
    uint64_t needed = (uint64_t)p->used + (count > p->free_count ? count - p->free_count : 0);
    return needed <= p->room || pool_grow(c, p, needed);
}

/* Freed records are a list threaded through their first four bytes. */
uint32_t pool_take_as_it_lies(core_pool *p)
{
    uint32_t slot = p->free_head;
    if (slot == 0) return p->used < p->room ? p->used++ : 0;
    memcpy(&p->free_head, p->data + (size_t)slot * p->record, sizeof p->free_head);
    p->free_count--;
    return slot;
}

uint32_t pool_take(core_pool *p)
{
    bool fresh = p->free_head == 0; /* never used before, so still zero */
    uint32_t slot = pool_take_as_it_lies(p);
    if (!fresh) memset(p->data + (size_t)slot * p->record, 0, p->record);
    return slot;
}

void pool_give(core_pool *p, uint32_t slot)
{
    memcpy(p->data + (size_t)slot * p->record, &p->free_head, sizeof p->free_head);
    p->free_head = slot;
    p->free_count++;
}

#include "bare.h"

#include <stdlib.h>

#define TICKS 4096u
#define WORDS (TICKS / 64)

typedef struct {
    uint64_t id;
    uint32_t qty, prev, next, tick;
    uint16_t symbol;
    uint8_t side;
} bare_order;
typedef struct {
    uint32_t head, tail;
} bare_level;
typedef struct {
    bare_level levels[2][TICKS];
    uint64_t bits[2][WORDS], summary[2];
} bare_book;
typedef struct {
    uint64_t id;
    uint32_t slot;
} bare_entry;
struct bare {
    bare_book *books;
    bare_order *orders;
    bare_entry *ids;
    uint64_t base, hash;
    uint32_t free, mask, shift;
};

static bare *sized(uint64_t base, uint32_t symbols, size_t most)
{
    bare *b = calloc(1, sizeof *b);
    if (b == NULL) return NULL;
    uint32_t bits = 10;
    while (((size_t)1 << bits) * 3 < most * 10) bits++; /* a load of 0.3 */
    b->base = base;
    b->shift = 64 - bits;
    b->mask = (1u << bits) - 1;
    b->books = calloc(symbols, sizeof *b->books);
    b->orders = calloc(most + 2, sizeof *b->orders);
    b->ids = calloc((size_t)1 << bits, sizeof *b->ids);
    for (uint32_t i = 1; b->orders && i <= most; i++) b->orders[i].next = i + 1;
    b->free = 1;
    if (b->books && b->orders && b->ids) return b;
    bare_destroy(b);
    return NULL;
}

/* The limit deserves tables of the right size: a first run, not timed, tells how many orders ever rest at once. */
bare *bare_create(const stream_record *records, size_t count, uint32_t symbols)
{
    uint64_t low = UINT64_MAX, high = 0;
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most += records[i].op == STREAM_LIMIT;
        if (records[i].op == STREAM_MARKET || records[i].op == STREAM_CANCEL) continue;
        if (records[i].price < low) low = records[i].price;
        if (records[i].price > high) high = records[i].price;
    }
    if (most == 0 || high - low >= TICKS) return NULL;
    bare *trial = sized(low, symbols, most);
    if (trial == NULL) return NULL;
    bare_run(trial, records, count);
    while (most > 1 && trial->orders[most].id == 0) most--; /* slots are taken from the lowest */
    bare_destroy(trial);
    return sized(low, symbols, most);
}

void bare_destroy(bare *b)
{
    free(b->books);
    free(b->orders);
    free(b->ids);
    free(b);
}

uint64_t bare_hash(const bare *b) { return b->hash; }

static uint32_t home(const bare *b, uint64_t id) { return (uint32_t)((id * 0x9E3779B97F4A7C15u) >> b->shift); }

static uint32_t find(const bare *b, uint64_t id)
{
    uint32_t i = home(b, id);
    while (b->ids[i].id != id) i = (i + 1) & b->mask;
    return b->ids[i].slot;
}

static void forget(bare *b, uint64_t id)
{
    uint32_t hole = home(b, id);
    while (b->ids[hole].id != id) hole = (hole + 1) & b->mask;
    for (uint32_t i = (hole + 1) & b->mask; b->ids[i].slot; i = (i + 1) & b->mask)
        if (((i - home(b, b->ids[i].id)) & b->mask) >= ((i - hole) & b->mask)) {
            b->ids[hole] = b->ids[i];
            hole = i;
        }
    b->ids[hole] = (bare_entry){0, 0};
}

static void rest(bare *b, uint32_t slot)
{
    bare_order *o = &b->orders[slot];
    bare_book *k = &b->books[o->symbol];
    bare_level *l = &k->levels[o->side][o->tick];
    o->prev = l->tail;
    o->next = 0;
    if (l->tail) {
        b->orders[l->tail].next = slot;
    } else {
        l->head = slot;
        k->bits[o->side][o->tick >> 6] |= (uint64_t)1 << (o->tick & 63);
        k->summary[o->side] |= (uint64_t)1 << (o->tick >> 6);
    }
    l->tail = slot;
}

static void unlink_order(bare *b, uint32_t slot)
{
    bare_order *o = &b->orders[slot];
    bare_book *k = &b->books[o->symbol];
    bare_level *l = &k->levels[o->side][o->tick];
    if (o->prev)
        b->orders[o->prev].next = o->next;
    else
        l->head = o->next;
    if (o->next)
        b->orders[o->next].prev = o->prev;
    else
        l->tail = o->prev;
    if (l->head) return;
    k->bits[o->side][o->tick >> 6] &= ~((uint64_t)1 << (o->tick & 63));
    if (!k->bits[o->side][o->tick >> 6]) k->summary[o->side] &= ~((uint64_t)1 << (o->tick >> 6));
}

static void release(bare *b, uint32_t slot)
{
    b->orders[slot].next = b->free;
    b->free = slot;
}

static int best(const bare_book *k, unsigned side)
{
    if (!k->summary[side]) return -1;
    unsigned word = side == 0 ? 63u - (unsigned)__builtin_clzll(k->summary[side]) : (unsigned)__builtin_ctzll(k->summary[side]);
    uint64_t bits = k->bits[side][word];
    return (int)(word * 64 + (side == 0 ? 63u - (unsigned)__builtin_clzll(bits) : (unsigned)__builtin_ctzll(bits)));
}

static uint32_t match(bare *b, const stream_record *r)
{
    bare_book *k = &b->books[r->symbol];
    unsigned other = 1u - r->side;
    int64_t limit = r->op == STREAM_MARKET ? (r->side == 0 ? (int64_t)TICKS : -1) : (int64_t)(r->price - b->base);
    uint32_t left = r->qty;
    while (left) {
        int tick = best(k, other);
        if (tick < 0 || (r->side == 0 ? tick > limit : tick < limit)) break;
        uint32_t slot = k->levels[other][tick].head;
        bare_order *o = &b->orders[slot];
        uint32_t lots = left < o->qty ? left : o->qty;
        b->hash = b->hash * 0x9E3779B97F4A7C15u + (31 * r->id + 17 * o->id + 7 * (b->base + (uint64_t)tick) + lots);
        left -= lots;
        o->qty -= lots;
        if (o->qty) continue;
        unlink_order(b, slot);
        forget(b, o->id);
        release(b, slot);
    }
    return left;
}

static void add(bare *b, const stream_record *r, uint32_t qty)
{
    uint32_t slot = b->free, i = home(b, r->id);
    bare_order *o = &b->orders[slot];
    b->free = o->next;
    *o = (bare_order){.id = r->id, .qty = qty, .tick = (uint32_t)(r->price - b->base), .symbol = r->symbol, .side = r->side};
    while (b->ids[i].slot) i = (i + 1) & b->mask;
    b->ids[i] = (bare_entry){r->id, slot};
    rest(b, slot);
}

static void amend(bare *b, const stream_record *r)
{
    uint32_t slot = find(b, r->id);
    bare_order *o = &b->orders[slot];
    uint32_t tick = (uint32_t)(r->price - b->base);
    bool keeps = tick == o->tick && r->qty <= o->qty;
    if (!keeps) unlink_order(b, slot);
    o->qty = r->qty;
    o->tick = tick;
    if (!keeps) rest(b, slot);
}

void bare_run(bare *b, const stream_record *records, size_t count)
{
    for (const stream_record *r = records; r < records + count; r++) {
        if (r->op == STREAM_CANCEL) {
            uint32_t slot = find(b, r->id);
            unlink_order(b, slot);
            forget(b, r->id);
            release(b, slot);
        } else if (r->op == STREAM_AMEND) {
            amend(b, r);
        } else {
            uint32_t left = match(b, r);
            if (left && r->op == STREAM_LIMIT) add(b, r, left);
        }
    }
}

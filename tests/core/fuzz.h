/* What the fuzz targets share: bytes as numbers, a digest of all that anybody can see, and a twin that knows only reports.
 *
 * Each target is one function over bytes. With clang it is linked to libFuzzer (`make -C tests/core fuzz`); without, to
 * fuzz_plain.c, which feeds it seeded bytes and every file of the corpus. */
#ifndef MERIDIAN_FUZZ_H
#define MERIDIAN_FUZZ_H

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *at, *end;
} feed;

static inline bool more(const feed *f) { return f->at < f->end; }

/* The next so many bytes as a number, zeros after the end. */
static inline uint64_t number(feed *f, unsigned bytes)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < bytes; i++) x |= (uint64_t)(more(f) ? *f->at++ : 0) << 8 * i;
    return x;
}

/* Mostly near what is usual, sometimes at an edge, sometimes anything. */
static inline int64_t wild(feed *f, int64_t usual, unsigned spread)
{
    static const int64_t EDGES[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 4096, (int64_t)1 << 40, (int64_t)1 << 62};
    uint64_t how = number(f, 1);
    if (how < 232) return usual + (int64_t)(how % spread);
    if (how < 250) return EDGES[how % (sizeof EDGES / sizeof *EDGES)];
    return (int64_t)number(f, 8);
}

static inline uint64_t fold_in(uint64_t h, uint64_t x) { return fixed_mix(h ^ x) + 0x9E3779B97F4A7C15u; }

/* Both halves: the hash of the account half, and every level and count of the books. */
static inline uint64_t digest(const core *c)
{
    core_quote levels[64];
    core_counters s;
    core_stats(c, &s);
    uint64_t h = fold_in(core_hash(c), s.orders_market);
    h = fold_in(fold_in(h, s.orders_open), s.trade_hash);
    for (uint32_t instrument = 1; instrument <= 2; instrument++)
        for (unsigned side = 0; side < 2; side++) {
            size_t count = core_depth(c, instrument, side, levels, sizeof levels / sizeof *levels);
            for (size_t i = 0; i < count; i++) h = fold_in(fold_in(h, (uint64_t)levels[i].price_ticks), (uint64_t)levels[i].qty_lots);
        }
    return h;
}

/* Only refusals were reported, so nothing may have changed. */
static inline bool nothing_but_refusals(const core_report *first, size_t bytes)
{
    const uint8_t *end = (const uint8_t *)first + bytes;
    for (const core_report *r = first; (const uint8_t *)r < end; r = core_report_next(r))
        if (r->exec_type != 'I' && (r->exec_type != '8' || r->flags & FLAG_TOLD)) return false;
    return true;
}

#endif

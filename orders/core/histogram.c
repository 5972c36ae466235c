/* How long things took, as counts: a bucket for each value below 64, then 32 buckets for each power of two, so that a value
 * is known to a thirty-second part whatever its size, in fixed memory. Recording is a shift and an increment; merging adds.
 * No clock is read here: who records says how long it took. */
#include "histogram.h"

uint32_t histogram_bucket(uint64_t value)
{
    if (value < 2 * HISTOGRAM_PARTS) return (uint32_t)value;
    uint32_t power = 63 - (uint32_t)__builtin_clzll(value);
    if (power > HISTOGRAM_POWER_MAX) return HISTOGRAM_BUCKETS - 1;
    uint32_t shift = power - HISTOGRAM_PART_BITS;
    return shift * HISTOGRAM_PARTS + (uint32_t)(value >> shift);
}

uint64_t histogram_least(uint32_t bucket)
{
    if (bucket < 2 * HISTOGRAM_PARTS) return bucket;
    uint32_t shift = bucket / HISTOGRAM_PARTS - 1;
    return (uint64_t)(bucket - shift * HISTOGRAM_PARTS) << shift;
}

void histogram_record(histogram *h, uint64_t value)
{
    h->count++;
    h->total += value;
    if (value > h->most) h->most = value;
    h->buckets[histogram_bucket(value)]++;
}

void histogram_merge(histogram *into, const histogram *from)
{
    into->count += from->count;
    into->total += from->total;
    if (from->most > into->most) into->most = from->most;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

uint64_t histogram_at(const histogram *h, uint32_t permyriad)
{
    uint64_t rank = (uint64_t)((unsigned __int128)h->count * permyriad / 10000), seen = 0;
    if (h->count && rank >= h->count) return h->most;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > rank) return histogram_least(i);
    }
    return 0;
}

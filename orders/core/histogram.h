/* Counts of durations, HDR layout: see histogram.c. */
#ifndef MERIDIAN_HISTOGRAM_H
#define MERIDIAN_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PART_BITS 5u
#define HISTOGRAM_PARTS (1u << HISTOGRAM_PART_BITS) /* buckets a power of two */
#define HISTOGRAM_POWER_MAX 39u                     /* 2^40 ns are 18 minutes; anything longer is in the last bucket */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_POWER_MAX - HISTOGRAM_PART_BITS + 2) * HISTOGRAM_PARTS)

typedef struct {
    uint64_t count, total, most;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram;

uint32_t histogram_bucket(uint64_t value);
uint64_t histogram_least(uint32_t bucket); /* the least value of a bucket; its values end before the next one's */
void histogram_record(histogram *h, uint64_t value);
void histogram_merge(histogram *into, const histogram *from);
/* The least value of the bucket in which, all sorted, the one lies that permyriad / 10000 of them are below; 10000 = the most. */
uint64_t histogram_at(const histogram *h, uint32_t permyriad);

#endif

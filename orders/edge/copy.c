/* Rows as PostgreSQL reads them in COPY … (FORMAT binary): big-endian, each field after its length. */
#include "edge.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 65536u
#define US_1970_TO_2000 946684800000000ll
#define UNIT 1000000000000000000ull
#define GROUP 10000u       /* PostgreSQL's numeric counts in groups of four digits */
#define FRACTION_GROUPS 5  /* of eighteen digits, two zeros behind them */
#define WHOLE_GROUPS_MAX 6 /* of what is left of 128 bits before the point */
#define NUMERIC_NEGATIVE 0x4000u
#define NUMERIC_PLACES 18u

static uint8_t *room_for(copy_buffer *b, size_t size)
{
    if (b->failed) return NULL;
    if (b->room - b->used < size) {
        size_t room = b->room ? b->room : FIRST_ROOM;
        while (room - b->used < size) room *= 2;
        uint8_t *bytes = realloc(b->bytes, room);
        if (bytes == NULL) {
            b->failed = true;
            return NULL;
        }
        b->bytes = bytes;
        b->room = room;
    }
    uint8_t *at = b->bytes + b->used;
    b->used += size;
    return at;
}

static inline uint8_t *big_endian(uint8_t *at, uint64_t number, unsigned size)
{
    for (unsigned i = size; i-- > 0; number >>= 8) at[i] = (uint8_t)number;
    return at + size;
}

void copy_begin(copy_buffer *b)
{
    static const uint8_t signature[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* no flags, nothing more in the header */
    uint8_t *at = room_for(b, sizeof signature);
    if (at) memcpy(at, signature, sizeof signature);
}

void copy_end(copy_buffer *b)
{
    uint8_t *at = room_for(b, 2);
    if (at) big_endian(at, 0xFFFF, 2);
}

void copy_array(copy_buffer *b, uint32_t element_type, bool has_null, uint32_t count)
{
    uint8_t *at = room_for(b, 20);
    if (at == NULL) return;
    at = big_endian(at, 1, 4); /* one dimension */
    at = big_endian(at, has_null, 4);
    at = big_endian(at, element_type, 4);
    at = big_endian(at, count, 4);
    big_endian(at, 1, 4); /* its first index */
}

void copy_free(copy_buffer *b)
{
    free(b->bytes);
    *b = (copy_buffer){0};
}

void copy_row(copy_buffer *b, unsigned fields)
{
    uint8_t *at = room_for(b, 2);
    if (at) big_endian(at, fields, 2);
}

void copy_null(copy_buffer *b)
{
    uint8_t *at = room_for(b, 4);
    if (at) big_endian(at, 0xFFFFFFFF, 4);
}

void copy_whole(copy_buffer *b, uint64_t number, unsigned size)
{
    uint8_t *at = room_for(b, 4 + size);
    if (at) big_endian(big_endian(at, size, 4), number, size);
}

void copy_bytes(copy_buffer *b, const void *bytes, size_t size)
{
    uint8_t *at = room_for(b, 4 + size);
    if (at) memcpy(big_endian(at, size, 4), bytes, size);
}

void copy_jsonb(copy_buffer *b, const void *text, size_t size)
{
    uint8_t *at = room_for(b, 5 + size);
    if (at == NULL) return;
    at = big_endian(at, size + 1, 4);
    *at++ = 1; /* the layout's version: text */
    memcpy(at, text, size);
}

void copy_uuid(copy_buffer *b, uint64_t high, uint64_t low)
{
    uint8_t *at = room_for(b, 20);
    if (at) big_endian(big_endian(big_endian(at, 16, 4), high, 8), low, 8);
}

void copy_moment(copy_buffer *b, int64_t at_ns)
{
    int64_t us = at_ns / 1000 - (at_ns % 1000 < 0);
    copy_whole(b, (uint64_t)(us - US_1970_TO_2000), 8);
}

void copy_numeric(copy_buffer *b, i128 amount)
{
    uint16_t made[WHOLE_GROUPS_MAX + FRACTION_GROUPS], *groups = made + WHOLE_GROUPS_MAX;
    u128 size = amount < 0 ? -(u128)amount : (u128)amount, whole = size / UNIT, fraction = size % UNIT * 100;
    int first = 0, after = FRACTION_GROUPS; /* groups[i] is worth 10000^-(i + 1) */
    for (int i = FRACTION_GROUPS; i-- > 0; fraction /= GROUP) groups[i] = (uint16_t)(fraction % GROUP);
    for (; whole; whole /= GROUP) groups[--first] = (uint16_t)(whole % GROUP);
    while (after > first && groups[after - 1] == 0) after--;
    while (first < after && groups[first] == 0) first++;
    unsigned count = (unsigned)(after - first);
    uint8_t *at = room_for(b, 4 + 8 + 2 * (size_t)count);
    if (at == NULL) return;
    at = big_endian(at, 8 + 2 * count, 4);
    at = big_endian(at, count, 2);
    at = big_endian(at, count ? (uint64_t)(int64_t)(-first - 1) : 0, 2); /* the power of the first group */
    at = big_endian(at, amount < 0 ? NUMERIC_NEGATIVE : 0, 2);
    at = big_endian(at, NUMERIC_PLACES, 2);
    for (int i = first; i < after; i++) at = big_endian(at, groups[i], 2);
}

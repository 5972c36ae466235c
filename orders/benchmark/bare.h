/* The limit: a book that does nothing but match. No risk, accounts, reports or ownership; only the price window it was
 * given. What the core costs is measured against it, in the same run. */
#ifndef MERIDIAN_BARE_H
#define MERIDIAN_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAM_LIMIT = 0, STREAM_CANCEL, STREAM_AMEND, STREAM_IOC, STREAM_MARKET };
typedef struct {
    uint8_t op, side;
    uint16_t symbol;
    uint32_t qty;
    uint64_t price, id, zero;
} stream_record;

typedef struct bare bare;
bare *bare_create(const stream_record *records, size_t count, uint32_t symbols); /* NULL: no memory, or the prices do not fit a window */
void bare_destroy(bare *b);
void bare_run(bare *b, const stream_record *records, size_t count);
uint64_t bare_hash(const bare *b);

#endif

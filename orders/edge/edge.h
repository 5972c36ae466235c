/* Numbers at the edges: what the engine counts in, as the text of the API and as the bytes of PostgreSQL's binary COPY. Pure C;
 * module.c makes Python's functions of it. Amounts are of 10^-18, moments nanoseconds since 1970. */
#ifndef MERIDIAN_EDGE_H
#define MERIDIAN_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

/* ---- text.c: each writes at most its _TEXT_MAX bytes, no NUL, and returns how many ---- */

#define DECIMAL_TEXT_MAX 48u
#define ISO_TEXT_MAX 40u
#define UUID_TEXT_MAX 36u
/* Canonical decimal text: no exponent, no zeros behind. */
size_t decimal_text(i128 amount, char *out);
/* ISO 8601 in UTC with microseconds and a Z, cut and not rounded; years 1 to 9999, otherwise 0. */
size_t iso_text(int64_t at_ns, char *out);
size_t uuid_text(uint64_t high, uint64_t low, char *out);

/* ---- copy.c: a growing buffer of rows ---- */

typedef struct {
    uint8_t *bytes;
    size_t used, room;
    bool failed; /* there was no memory; nothing more is written */
} copy_buffer;

void copy_begin(copy_buffer *b);
void copy_end(copy_buffer *b);
/* The head of a parameter that is an array of one dimension; its fields follow. */
void copy_array(copy_buffer *b, uint32_t element_type, bool has_null, uint32_t count);
void copy_free(copy_buffer *b);
void copy_row(copy_buffer *b, unsigned fields);
void copy_null(copy_buffer *b);
/* A whole number of 1, 2, 4 or 8 bytes. */
void copy_whole(copy_buffer *b, uint64_t number, unsigned size);
void copy_bytes(copy_buffer *b, const void *bytes, size_t size);
void copy_jsonb(copy_buffer *b, const void *text, size_t size);
void copy_uuid(copy_buffer *b, uint64_t high, uint64_t low);
void copy_moment(copy_buffer *b, int64_t at_ns);
void copy_numeric(copy_buffer *b, i128 amount);

#endif

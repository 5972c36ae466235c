/* A second core that is this one now: both halves copied array by array, for asking "what if" without touching the first.
 * Nothing inside an array points anywhere but a book's arrays, so copying them all is all there is to it. */
#include "state.h"

#include <string.h>

#define PAGE 4096u

/* The room of pools is mostly zeros that nobody touched yet: such pages of the copy stay untouched as well. */
static void copy_pages(uint8_t *to, const uint8_t *from, size_t bytes)
{
    static const uint8_t zeros[PAGE];
    for (size_t at = 0; at < bytes; at += PAGE) {
        size_t size = bytes - at < PAGE ? bytes - at : PAGE;
        if (memcmp(from + at, zeros, size) != 0) memcpy(to + at, from + at, size);
    }
}

/* What still is the original's becomes the fork's own. One that fails is left empty, and the fork says so. */
static void *twin(core *f, void *array, size_t bytes)
{
    if (array == NULL || f->broken) return NULL;
    void *own = pool_array(f, NULL, 0, bytes);
    if (own == NULL)
        f->broken = "no memory for a fork";
    else
        copy_pages(own, array, bytes);
    return own;
}

core *core_fork(const core *c)
{
    if (c->broken) return NULL;
    core boot = {0};
    core *f = pool_array(&boot, NULL, 0, sizeof *f);
    if (f == NULL) return NULL;
    *f = *c;
    f->memory = sizeof *f;
    f->ring_used = f->ring_room = 0;
    f->tape_used = f->tape_first = f->tape_room = 0;
    f->ring = NULL;
    f->tape = NULL;
    core_each_array(f, twin);
    core_each_book_array(f, twin);
    size_t own = c->memory - c->ring_room - c->tape_room * sizeof *c->tape;
    if (!f->broken && f->memory == own) return f; /* an array that core_each_array() does not know would be shared */
    core_destroy(f);
    return NULL;
}

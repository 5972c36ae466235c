/* The way out: reports, which are never lost (a command that might not find room is refused before it changes anything),
 * and the tape of public prints, which overwrites its oldest and counts what was lost. */
#include "state.h"

#define RING_FIRST_ROOM (64u * sizeof(core_report))
#define TAPE_FIRST_ROOM 256u

static void return_to_own(core *c)
{
    c->lent_used = c->ring_used;
    c->ring = c->own_ring;
    c->ring_room = c->own_room;
    c->ring_used = 0;
    c->lent = false;
}

void core_lend(core *c, uint8_t *memory, size_t bytes)
{
    c->own_ring = c->ring;
    c->own_room = c->ring_room;
    c->ring = memory;
    c->ring_room = bytes;
    c->lent = true;
}

size_t core_take_back(core *c)
{
    if (c->lent) return_to_own(c);
    return c->lent_used;
}

bool ring_reserve(core *c, uint64_t reports)
{
    if (reports > c->ring_bound / sizeof(core_report)) return false;
    size_t more = reports * sizeof(core_report);
    if (c->ring_used + more <= c->ring_room) return true;
    if (c->lent) return_to_own(c);
    size_t needed = c->ring_used + more;
    if (needed <= c->ring_room) return true;
    if (needed > c->ring_bound) return false;
    size_t room = c->ring_room ? c->ring_room : RING_FIRST_ROOM;
    while (room < needed) room *= 2;
    if (room > c->ring_bound) room = c->ring_bound;
    void *ring = pool_array(c, c->ring, c->ring_room, room);
    if (ring == NULL) return false;
    c->ring = ring;
    c->ring_room = room;
    return true;
}

size_t core_reports(const core *c, const core_report **first)
{
    *first = (const core_report *)(const void *)c->ring;
    return c->ring_used;
}

void core_reports_clear(core *c) { c->ring_used = 0; }

bool tape_reserve(core *c, uint64_t prints)
{
    uint64_t needed = c->tape_used + prints, room = c->tape_room ? c->tape_room : TAPE_FIRST_ROOM;
    if (needed <= c->tape_room || c->tape_room == c->tape_bound) return true;
    while (room < needed) room *= 2;
    if (room > c->tape_bound) room = c->tape_bound;
    core_tape *tape = pool_array(c, NULL, 0, room * sizeof *tape);
    if (tape == NULL) return c->tape != NULL; /* a shorter tape is still a tape */
    for (uint32_t i = 0; i < c->tape_used; i++) tape[i] = c->tape[(c->tape_first + i) % c->tape_room];
    if (c->tape != NULL) pool_array(c, c->tape, c->tape_room * sizeof *tape, 0);
    c->tape = tape;
    c->tape_first = 0;
    c->tape_room = (uint32_t)room;
    return true;
}

void tape_push(core *c, const core_tape *t)
{
    uint32_t at = c->tape_first + c->tape_used;
    if (at >= c->tape_room) at -= c->tape_room;
    c->tape[at] = *t;
    c->tape[at].seq = ++c->tape_seq;
    if (c->tape_used < c->tape_room) {
        c->tape_used++;
        return;
    }
    c->tape_first = c->tape_first + 1 == c->tape_room ? 0 : c->tape_first + 1;
    c->tape_lost++;
}

size_t core_tape_count(const core *c) { return c->tape_used; }

size_t core_tape_take(core *c, core_tape *out, size_t room)
{
    size_t taken = 0;
    for (; taken < room && c->tape_used; taken++, c->tape_used--) {
        out[taken] = c->tape[c->tape_first];
        c->tape_first = c->tape_first + 1 == c->tape_room ? 0 : c->tape_first + 1;
    }
    if (c->tape_used == 0) c->tape_first = 0;
    return taken;
}

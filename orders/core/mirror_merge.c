/* Rule 7: trades and books come over two channels, each in its own order; what came first at the exchange goes first here.
 * An event waits until the other channel has passed its time, and no longer than MIRROR_HOLD_NS by either clock. So all
 * that waits at a moment is of one channel, and one queue holds it. At equal times the trade goes first: a book tells what
 * its trades have left. */
#include "state.h"

static bool is_trade(const mirror_event *e) { return e->kind == RECORD_TRADE; }
static mirror_event *head_of(const core_mirror *m) { return &m->held[m->held_first]; }

/* Of two events of different channels. */
static bool goes_before(const mirror_event *a, const mirror_event *b) { return is_trade(a) ? a->at_ns <= b->at_ns : a->at_ns < b->at_ns; }

/* What waits first is the rest of an event that has begun. */
static bool goes_on(const core_mirror *m) { return m->event_used && !is_trade(head_of(m)); }

/* The first of those that wait; false when the ring must be drained before it. */
static bool let_go(core *c, uint32_t mirror, int64_t now_ns)
{
    if (!mirror_work(c, mirror, now_ns)) return false;
    core_mirror *m = MIRROR(c, mirror);
    mirror_event e = *head_of(m);
    m->held_first = --m->held_used ? (m->held_first + 1) % m->held_room : 0;
    mirror_apply(c, mirror, &e);
    return true;
}

static bool held_reserve(core *c, core_mirror *m)
{
    if (m->held_used < m->held_room) return true;
    if (m->held_room == MIRROR_HELD_MAX) return false;
    uint32_t room = m->held_room ? m->held_room * 2 : 64;
    mirror_event *held = pool_array(c, NULL, 0, room * sizeof *held);
    if (held == NULL) return false;
    for (uint32_t i = 0; i < m->held_used; i++) held[i] = m->held[(m->held_first + i) % m->held_room];
    if (m->held != NULL) pool_array(c, m->held, m->held_room * sizeof *held, 0);
    m->held = held;
    m->held_first = 0;
    m->held_room = room;
    return true;
}

bool mirror_drain(core *c, uint32_t mirror, int64_t now_ns, bool all)
{
    core_mirror *m = MIRROR(c, mirror);
    while (m->held_used && (all || goes_on(m) || head_of(m)->heard_ns <= now_ns - MIRROR_HOLD_NS))
        if (!let_go(c, mirror, now_ns)) return false;
    return mirror_work(c, mirror, now_ns);
}

/* Whether nothing of the other channel can still come before it. */
static bool passed(const core_mirror *m, const mirror_event *e)
{
    if (m->held_used) return is_trade(head_of(m)) != is_trade(e); /* what waits is later than it */
    return m->event_used || (is_trade(e) ? m->reach_ns[CHANNEL_BOOK] >= e->at_ns : m->reach_ns[CHANNEL_TRADES] > e->at_ns);
}

bool mirror_merge(core *c, uint32_t mirror, const mirror_event *given, bool passes)
{
    core_mirror *m = MIRROR(c, mirror);
    mirror_event e = *given;
    int64_t *reach = &m->reach_ns[is_trade(&e) ? CHANNEL_TRADES : CHANNEL_BOOK], now_ns = e.heard_ns;
    if (e.at_ns < *reach) e.at_ns = *reach;
    int64_t other = m->reach_ns[is_trade(&e) ? CHANNEL_BOOK : CHANNEL_TRADES], newest = e.at_ns > other ? e.at_ns : other;
    while (!passes && m->held_used) {
        const mirror_event *head = head_of(m);
        bool before = is_trade(head) != is_trade(&e) && goes_before(head, &e);
        if (!before && !goes_on(m) && head->at_ns > newest - MIRROR_HOLD_NS) break;
        if (!let_go(c, mirror, now_ns)) return false;
    }
    if (!passes) passes = passed(m, &e);
    if (!passes && !held_reserve(c, m)) {
        if (!mirror_drain(c, mirror, now_ns, true)) return false;
        passes = true;
    }
    if (passes && !mirror_work(c, mirror, now_ns)) return false;
    *reach = e.at_ns;
    if (passes)
        mirror_apply(c, mirror, &e);
    else
        m->held[(m->held_first + m->held_used++) % m->held_room] = e;
    mirror_work(c, mirror, now_ns); /* what finds no room now is done by the next call */
    return true;
}

/* Market blocks in: which records can be believed, where the sequence broke, what heals it (rule 8). Any bytes may come: a
 * record that makes no sense loses the mirror of its instrument until the next snapshot, and touches nothing else. */
#include "state.h"

#include <string.h>

void mirror_lose(core *c, uint32_t mirror)
{
    core_mirror *m = MIRROR(c, mirror);
    m->gaps += m->state != MIRROR_LOST;
    m->state = MIRROR_LOST;
    if (m->telling) m->telling = m->told_used = 0;
    m->event_used = 0;
}

bool mirror_is_usable(const core *c, const core_instrument *in, int64_t at_ns)
{
    if (in->mirror == 0) return true;
    const core_mirror *m = MIRROR(c, in->mirror);
    return m->state == MIRROR_WHOLE && (in->spec.stale_after_ns == 0 || (i128)at_ns - m->heard_ns <= in->spec.stale_after_ns);
}

/* Records of one event are kept until it is whole. */
static bool keep(core *c, core_mirror *m, const mirror_event *e)
{
    if (m->event_used == m->event_room) {
        uint32_t room = m->event_room ? m->event_room * 2 : 32;
        if (m->event_room >= 2 * MIRROR_LEVELS_MAX + 1) return false;
        void *event = pool_array(c, m->event, m->event_room * sizeof *m->event, room * sizeof *m->event);
        if (event == NULL) return false;
        m->event = event;
        m->event_room = room;
    }
    m->event[m->event_used++] = *e;
    return true;
}

void mirror_apply(core *c, uint32_t mirror, const mirror_event *e)
{
    core_mirror *m = MIRROR(c, mirror);
    if (e->at_ns > m->clock_ns) m->clock_ns = e->at_ns;
    mirror_takings_expire(c, mirror);
    if (e->kind == RECORD_TRADE) {
        if (m->state == MIRROR_WHOLE) mirror_print(c, mirror, e);
        return;
    }
    if (m->state == MIRROR_LOST && m->event_used == 0 && e->kind != RECORD_SNAPSHOT) return;
    if (!keep(c, m, e))
        mirror_lose(c, mirror);
    else if (e->last)
        mirror_book(c, mirror);
}

/* ---- records ---- */

/* Whether a record says something of this market that can be kept and traded on without leaving the range of numbers. */
static bool sound(const core *c, const core_mirror *m, const mirror_record *r)
{
    const core_instrument_spec *spec = &INSTRUMENT(c, m->instrument)->spec;
    i128 amount;
    if (r->spec_version != (uint16_t)spec->spec_version || r->side > SIDE_SELL) return false;
    if (r->exchange_ns < 0 || r->exchange_ns > CORE_TIME_MAX) return false;
    if (r->kind == RECORD_SNAPSHOT) return r->lots >= 0 && r->lots <= 2 * MIRROR_LEVELS_MAX;
    if (r->kind == RECORD_PROOF || r->kind == RECORD_ANCHOR || r->kind == RECORD_BOOK) return true;
    if (r->kind != RECORD_TRADE && r->kind != RECORD_LEVEL && r->kind != RECORD_TOP) return false;
    if (r->kind == RECORD_TOP && r->lots == 0) return true;
    if (r->ticks <= 0 || r->lots < (r->kind == RECORD_LEVEL ? 0 : 1)) return false;
    if (r->kind == RECORD_LEVEL && m->telling && r->lots == 0) return false;
    return fixed_worth(spec, SIDE_SELL, r->ticks, r->lots, &amount) && fixed_amount(r->lots, spec->base_unit, &amount);
}

/* Whether the next record is part of the same event: differences of one moment, or the top of the asks after that of the
 * bids. */
static bool goes_on(const core *c, const core_mirror *m, const mirror_record *r, const mirror_record *next)
{
    return next != NULL && next->instrument == r->instrument && next->seq == r->seq + 1 && next->exchange_ns == r->exchange_ns &&
           next->kind == r->kind && (r->kind == RECORD_LEVEL || (r->kind == RECORD_TOP && r->side < next->side)) && sound(c, m, next);
}

/* A snapshot that is complete goes on its way; false when the ring must be drained first. */
static bool admit(core *c, uint32_t mirror, int64_t now_ns)
{
    core_mirror *m = MIRROR(c, mirror);
    if (m->telling) return true;
    for (; m->told_next < m->told_used; m->told_next++) {
        mirror_event e = m->told[m->told_next];
        e.last = m->told_next + 1 == m->told_used;
        e.at_ns = m->told[0].at_ns;
        e.heard_ns = now_ns;
        if (!mirror_merge(c, mirror, &e, m->direct)) return false;
    }
    m->told_used = m->told_next = 0;
    return true;
}

/* A snapshot that follows its market waits its turn; any other begins the market anew. */
static bool begin(core *c, uint32_t mirror, const mirror_record *r, const mirror_event *e)
{
    core_mirror *m = MIRROR(c, mirror);
    bool follows = r->seq == m->seq + 1 && m->telling == 0;
    bool direct = m->state == MIRROR_LOST || !follows || r->exchange_ns < m->reach_ns[CHANNEL_BOOK];
    uint32_t room = (uint32_t)r->lots + 1;
    if (direct && !mirror_drain(c, mirror, e->heard_ns, true)) return false;
    if (direct) mirror_lose(c, mirror);
    if (room > m->told_room) {
        void *told = pool_array(c, m->told, m->told_room * sizeof *m->told, room * sizeof *m->told);
        if (told == NULL) {
            mirror_lose(c, mirror);
            return true;
        }
        m->told = told;
        m->told_room = room;
    }
    if (direct) {
        m->reach_ns[CHANNEL_TRADES] = 0;
        m->reach_ns[CHANNEL_BOOK] = r->exchange_ns;
    }
    if (direct && r->exchange_ns < m->clock_ns) { /* played again from an earlier moment: nobody has taken anything yet */
        m->clock_ns = INT64_MAX;
        mirror_takings_expire(c, mirror);
        m->clock_ns = r->exchange_ns;
    }
    m->direct = direct;
    m->told[0] = *e;
    m->told_used = 1;
    m->told_next = 0;
    m->telling = (uint32_t)r->lots;
    return true;
}

/* One record of a mirrored instrument; false when the ring must be drained first, and then nothing of it was taken. */
static bool take(core *c, uint32_t mirror, const mirror_record *r, const mirror_record *next, int64_t now_ns)
{
    core_mirror *m = MIRROR(c, mirror);
    if (r->seq == 0 && (r->kind == RECORD_PROOF || r->kind == RECORD_ANCHOR || r->kind == RECORD_BOOK)) {
        m->heard_ns = now_ns;
        return true;
    }
    if (!admit(c, mirror, now_ns)) return false;
    bool makes_sense = r->seq != 0 && sound(c, m, r), begins = makes_sense && r->kind == RECORD_SNAPSHOT;
    mirror_event e = {.kind = r->kind, .side = r->side, .ticks = r->ticks, .lots = r->lots, .at_ns = r->exchange_ns, .heard_ns = now_ns};
    if (begins) {
        if (!begin(c, mirror, r, &e)) return false;
    } else if (!makes_sense || r->seq != m->seq + 1 || (m->telling && r->kind != RECORD_LEVEL)) {
        if (!mirror_drain(c, mirror, now_ns, true)) return false;
        mirror_lose(c, mirror);
    } else if (m->telling) {
        m->told[m->told_used++] = e;
        m->telling--;
    } else if (m->state != MIRROR_LOST && r->kind <= RECORD_TOP) {
        e.last = !goes_on(c, m, r, next);
        if (!mirror_merge(c, mirror, &e, false)) return false;
    }
    m->seq = r->seq;
    m->heard_ns = now_ns;
    admit(c, mirror, now_ns); /* what finds no room now goes in with the next call */
    return true;
}

size_t core_market(core *c, const uint8_t *block, size_t records, int64_t now_ns)
{
    size_t done = 0;
    mirror_record r, next;
    if (now_ns < 0 || now_ns > CORE_TIME_MAX || !command_ready(c, now_ns)) return 0;
    for (uint32_t mirror = 1; mirror < c->far.mirrors.used; mirror++)
        if (MIRROR(c, mirror)->instrument && (!admit(c, mirror, now_ns) || !mirror_drain(c, mirror, now_ns, false))) return 0;
    if (records) memcpy(&next, block, sizeof next);
    for (; done < records && c->broken == NULL; done++) {
        r = next;
        bool more = done + 1 < records;
        if (more) memcpy(&next, block + (done + 1) * sizeof next, sizeof next);
        uint32_t slot = table_get(&c->instrument_ids, r.instrument);
        if (slot == 0 || INSTRUMENT(c, slot)->mirror == 0) continue;
        if (!take(c, INSTRUMENT(c, slot)->mirror, &r, more ? &next : NULL, now_ns)) return done;
    }
    return done;
}

/* ---- what the core is told of a mirror ---- */

void mirror_forget(core *c, uint32_t mirror)
{
    core_mirror *m = MIRROR(c, mirror);
    for (unsigned side = 0; side < 2; side++) mirror_better_go(c, m, side, ladder_key(side, INT64_MIN));
    m->held_used = m->held_first = m->telling = m->told_used = m->told_next = 0;
    m->work = WORK_NONE;
    mirror_lose(c, mirror);
}

/* The orders of one side to another book, in the order of their queues. Room is reserved. */
static void move_orders(core *c, core_book *from, core_book *to, unsigned side)
{
    while (from->levels[side]) {
        uint32_t slot = book_level(c, from, side, from->best[side])->head;
        int64_t lots = ORDER(c, slot)->remaining;
        book_remove(c, from, slot);
        ORDER(c, slot)->remaining = lots;
        book_add(c, to, slot);
    }
}

static bool move_reserve(core *c, const core_book *from, core_book *to, unsigned side)
{
    if (from->levels[side] == 0) return true;
    return book_reserve(c, to, from->best[side]) && ladder_reserve(c, &to->ladder[side], 2 * from->levels[side] + 1);
}

static bool has_agents(const core *c, const core_book *b)
{
    for (unsigned side = 0; side < 2; side++) {
        int64_t price = b->best[side];
        for (bool more = b->levels[side] != 0; more; more = book_next(c, b, side, &price))
            for (uint32_t slot = book_level(c, b, side, price)->head; slot; slot = LINKS(c, slot)->next)
                if (ORDER(c, slot)->flags & FLAG_AGENT) return true;
    }
    return false;
}

static void *let_go_array(core *c, void *array, size_t bytes) { return array ? pool_array(c, array, bytes, 0) : NULL; }

static void mirror_drop(core *c, uint32_t mirror)
{
    mirror_each_array(c, MIRROR(c, mirror), let_go_array);
    *MIRROR(c, mirror) = (core_mirror){0};
    pool_give(&c->far.mirrors, mirror);
}

static const char *begin_mirror(core *c, core_instrument *in, uint32_t slot)
{
    if (has_agents(c, &in->book)) return "a mirror of an instrument in which agents stand; take them away first";
    if (!pool_reserve(c, &c->far.mirrors, 1) || !mirror_reserve(c, 0)) return "no room for one more mirror";
    uint32_t mirror = pool_take(&c->far.mirrors);
    core_mirror *m = MIRROR(c, mirror);
    m->instrument = slot;
    if (!move_reserve(c, &in->book, &m->paper[SIDE_BUY], SIDE_BUY) || !move_reserve(c, &in->book, &m->paper[SIDE_SELL], SIDE_SELL)) {
        mirror_drop(c, mirror);
        return "no room for one more mirror";
    }
    in->mirror = mirror;
    straight_market(in);
    for (unsigned side = 0; side < 2; side++) {
        move_orders(c, &in->book, &m->paper[side], side);
        int64_t price = m->paper[side].best[side];
        for (bool more = m->paper[side].levels[side] != 0; more; more = book_next(c, &m->paper[side], side, &price))
            for (uint32_t i = book_level(c, &m->paper[side], side, price)->head; i; i = LINKS(c, i)->next) mirror_stands(c, i);
    }
    return NULL;
}

/* Orders of ours never met each other; those that now would are canceled, the later of a pair. */
static void uncross(core *c, core_mirror *m, int64_t at_ns)
{
    core_book *bids = &m->paper[SIDE_BUY], *asks = &m->paper[SIDE_SELL];
    while (bids->levels[SIDE_BUY] && asks->levels[SIDE_SELL] && bids->best[SIDE_BUY] >= asks->best[SIDE_SELL] && c->broken == NULL) {
        uint32_t buy = book_level(c, bids, SIDE_BUY, bids->best[SIDE_BUY])->tail;
        uint32_t sell = book_level(c, asks, SIDE_SELL, asks->best[SIDE_SELL])->tail;
        uint32_t later = ORDER(c, buy)->arrival > ORDER(c, sell)->arrival ? buy : sell;
        order_withdraw(c, later, '4', REASON_NO_LIQUIDITY, at_ns, CORE_NO_COMMAND);
    }
}

static const char *end_mirror(core *c, core_instrument *in, int64_t at_ns)
{
    uint32_t mirror = in->mirror;
    core_mirror *m = MIRROR(c, mirror);
    uint64_t orders = (uint64_t)m->paper[SIDE_BUY].orders[SIDE_BUY] + m->paper[SIDE_SELL].orders[SIDE_SELL];
    if (!ring_reserve(c, orders)) return "the end of a mirror finds no room for its reports";
    mirror_forget(c, mirror);
    uncross(c, m, at_ns);
    for (unsigned side = 0; side < 2; side++)
        if (!move_reserve(c, &m->paper[side], &in->book, side)) return "no room for the orders of a mirror that ends";
    for (unsigned side = 0; side < 2; side++) move_orders(c, &m->paper[side], &in->book, side);
    in->mirror = 0;
    straight_market(in);
    mirror_drop(c, mirror);
    command_done(c);
    return NULL;
}

const char *core_set_mirror(core *c, uint32_t instrument, bool on, uint32_t front_ppm, int64_t at_ns)
{
    uint32_t slot = table_get(&c->instrument_ids, instrument);
    if (slot == 0) return "a mirror of an instrument that was never set";
    if (front_ppm > MIRROR_PPM) return "a mirror's front_ppm must be from 0 to 1000000";
    core_instrument *in = INSTRUMENT(c, slot);
    if (!on) return in->mirror ? end_mirror(c, in, at_ns) : NULL;
    const char *why = in->mirror ? NULL : begin_mirror(c, in, slot);
    if (why) return why;
    MIRROR(c, in->mirror)->front_ppm = front_ppm;
    return NULL;
}

void mirror_each_array(core *c, core_mirror *m, array_visitor *visit)
{
    for (unsigned side = 0; side < 2; side++) book_each_array(c, &m->paper[side], visit);
    m->told = visit(c, m->told, m->told_room * sizeof *m->told);
    m->event = visit(c, m->event, m->event_room * sizeof *m->event);
    m->held = visit(c, m->held, m->held_room * sizeof *m->held);
    m->touched = visit(c, m->touched, m->touched_room * sizeof *m->touched);
}

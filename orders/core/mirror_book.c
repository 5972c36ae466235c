/* The market's own entries: one nameless order a level, made larger and smaller as the feed tells. And what that means for
 * our orders that queue behind them (rules 3 and 5), and for whether the book can be believed at all (rule 8).
 *
 * Tops move the touch at once, because takers meet it; queues are judged by differences and snapshots alone, since a top
 * may come before the print that made it. */
#include "state.h"

static core_book *market_book(core *c, const core_mirror *m) { return &INSTRUMENT(c, m->instrument)->book; }

uint32_t mirror_entry(const core *c, const core_book *b, unsigned side, int64_t ticks)
{
    const core_level *level = b->levels[side] ? book_level(c, b, side, ticks) : NULL;
    return level ? level->head : 0;
}

static int64_t worst_of(core *c, core_mirror *m, unsigned side)
{
    const core_book *b = market_book(c, m);
    if (!m->worst_known[side]) {
        int64_t price = b->best[side];
        while (book_next(c, b, side, &price)) continue;
        m->worst[side] = price;
        m->worst_known[side] = true;
    }
    return m->worst[side];
}

bool mirror_shows(core *c, core_mirror *m, unsigned side, int64_t ticks)
{
    return market_book(c, m)->levels[side] && ladder_key(side, ticks) >= ladder_key(side, worst_of(c, m, side));
}

/* ---- entries; false: more than can be kept ---- */

static void entry_remove(core *c, core_mirror *m, uint32_t entry)
{
    const core_order *o = ORDER(c, entry);
    unsigned side = o->side;
    mirror_takings_above(c, entry, 0);
    if (m->worst_known[side] && m->worst[side] == o->price_ticks) m->worst_known[side] = false;
    book_remove(c, market_book(c, m), entry);
    pool_give(&c->orders, entry);
}

static bool entry_resize(core *c, core_mirror *m, uint32_t entry, int64_t lots)
{
    core_book *b = market_book(c, m);
    int64_t more = lots - ORDER(c, entry)->remaining, sum;
    if (__builtin_add_overflow(b->lots[ORDER(c, entry)->side], more, &sum)) return false;
    if (more > 0) book_grow(c, b, entry, more);
    if (more < 0) {
        book_take(c, b, entry, -more);
        mirror_takings_above(c, entry, lots);
    }
    return true;
}

static bool entry_create(core *c, core_mirror *m, const mirror_event *e)
{
    core_book *b = market_book(c, m);
    int64_t sum;
    if (mirror_entry(c, b, 1u - e->side, e->ticks)) return m->crossed = true; /* a book has one level a price */
    if (b->levels[e->side] >= MIRROR_LEVELS_MAX || __builtin_add_overflow(b->lots[e->side], e->lots, &sum)) return false;
    if (!order_reserve(c, 1) || !book_reserve(c, b, e->ticks) || !mirror_reserve(c, 0)) return false;
    uint32_t entry = pool_take_as_it_lies(&c->orders);
    *ORDER(c, entry) = (core_order){
        .price_ticks = e->ticks, .remaining = e->lots, .instrument = m->instrument, .flags = FLAG_AGENT | FLAG_ENTRY, .side = e->side};
    *QUEUE(c, entry) = (mirror_queue){.told = e->lots, .round = m->round};
    bool first = b->levels[e->side] == 0;
    if (first || (m->worst_known[e->side] && ladder_key(e->side, e->ticks) < ladder_key(e->side, m->worst[e->side]))) {
        m->worst[e->side] = e->ticks;
        m->worst_known[e->side] = true;
    }
    book_add(c, b, entry);
    return true;
}

/* ---- one event ---- */

/* Where orders of ours wait, what stood there before is kept until the event is whole. The first time counts. */
static bool touch(core *c, core_mirror *m, unsigned side, int64_t ticks, uint32_t entry)
{
    if (!m->paper[side].levels[side] || book_level(c, &m->paper[side], side, ticks) == NULL) return true;
    for (uint32_t i = 0; i < m->touched_used; i++)
        if (m->touched[i].ticks == ticks && m->touched[i].side == side) return true;
    if (m->touched_used == m->touched_room) {
        uint32_t room = m->touched_room ? m->touched_room * 2 : 16;
        if (m->touched_room == MIRROR_TOUCHED_MAX) return false;
        void *touched = pool_array(c, m->touched, m->touched_room * sizeof *m->touched, room * sizeof *m->touched);
        if (touched == NULL) return false;
        m->touched = touched;
        m->touched_room = room;
    }
    bool shown = m->shown_before[side] && ladder_key(side, ticks) >= ladder_key(side, m->worst_before[side]);
    int64_t before = m->healing ? -1 : entry ? QUEUE(c, entry)->told : shown ? 0 : -1;
    m->touched[m->touched_used++] = (mirror_touched){ticks, before, entry ? QUEUE(c, entry)->printed : 0, side};
    return true;
}

static bool level_goes(core *c, core_mirror *m, const mirror_event *e)
{
    uint32_t entry = mirror_entry(c, market_book(c, m), e->side, e->ticks);
    if (!touch(c, m, e->side, e->ticks, entry)) return false;
    if (entry) entry_remove(c, m, entry);
    return true;
}

static bool level_stands(core *c, core_mirror *m, const mirror_event *e)
{
    uint32_t entry = mirror_entry(c, market_book(c, m), e->side, e->ticks);
    if (!touch(c, m, e->side, e->ticks, entry)) return false;
    if (entry == 0) return entry_create(c, m, e);
    QUEUE(c, entry)->told = e->lots;
    QUEUE(c, entry)->printed = 0;
    return entry_resize(c, m, entry, e->lots);
}

static bool top_stands(core *c, core_mirror *m, const mirror_event *e)
{
    uint32_t entry = mirror_entry(c, market_book(c, m), e->side, e->ticks);
    if (entry == 0) return entry_create(c, m, e);
    if (QUEUE(c, entry)->told < e->lots) QUEUE(c, entry)->told = e->lots;
    return entry_resize(c, m, entry, e->lots);
}

void mirror_better_go(core *c, core_mirror *m, unsigned side, int64_t ticks)
{
    const core_book *b = market_book(c, m);
    while (b->levels[side] && ladder_key(side, b->best[side]) > ladder_key(side, ticks))
        entry_remove(c, m, mirror_entry(c, b, side, b->best[side]));
}

/* Entries that the snapshot does not name go. */
static bool sweep(core *c, core_mirror *m)
{
    m->round++;
    for (uint32_t i = 1; i < m->event_used; i++) {
        uint32_t entry = mirror_entry(c, market_book(c, m), m->event[i].side, m->event[i].ticks);
        if (entry) QUEUE(c, entry)->round = m->round;
    }
    for (unsigned side = 0; side < 2; side++) {
        const core_book *b = market_book(c, m);
        int64_t price = b->best[side], next = price;
        for (bool more = b->levels[side] != 0; more; price = next) {
            uint32_t entry = mirror_entry(c, b, side, price);
            more = book_next(c, b, side, &next);
            if (QUEUE(c, entry)->round == m->round) continue;
            if (!touch(c, m, side, price, entry)) return false;
            entry_remove(c, m, entry);
        }
    }
    return true;
}

/* What goes, goes first: so the book is not crossed on the way from one state to the next. */
static bool take_event(core *c, core_mirror *m)
{
    for (unsigned side = 0; side < 2; side++) {
        m->shown_before[side] = market_book(c, m)->levels[side] != 0;
        if (m->shown_before[side]) m->worst_before[side] = worst_of(c, m, side);
    }
    m->touched_used = 0;
    m->crossed = false;
    if (m->event[0].kind == RECORD_SNAPSHOT && !sweep(c, m)) return false;
    for (uint32_t i = 0; i < m->event_used; i++) {
        const mirror_event *e = &m->event[i];
        if (e->kind == RECORD_TOP) mirror_better_go(c, m, e->side, e->lots ? e->ticks : ladder_key(e->side, INT64_MIN));
        if (e->kind == RECORD_LEVEL && e->lots == 0 && !level_goes(c, m, e)) return false;
    }
    for (uint32_t i = 0; i < m->event_used; i++) {
        const mirror_event *e = &m->event[i];
        if (e->kind == RECORD_SNAPSHOT || e->lots == 0) continue;
        if (!(e->kind == RECORD_LEVEL ? level_stands(c, m, e) : top_stands(c, m, e))) return false;
    }
    return true;
}

/* ---- what the event means ---- */

/* Nobody queues behind more than stands; behind nothing where nothing stood; and `front` of those ahead have gone. */
static void move_queue(core *c, core_mirror *m, unsigned side, int64_t ticks, int64_t front, bool nothing_before)
{
    const core_level *level = book_level(c, &m->paper[side], side, ticks);
    uint32_t entry = mirror_entry(c, market_book(c, m), side, ticks);
    int64_t standing = entry ? ORDER(c, entry)->remaining : 0;
    for (uint32_t slot = level ? level->head : 0; slot; slot = LINKS(c, slot)->next) {
        mirror_queue *q = QUEUE(c, slot);
        if (nothing_before) q->ahead = 0;
        if (q->ahead != AHEAD_UNKNOWN) q->ahead = q->ahead > front ? q->ahead - front : 0;
        if (q->ahead > standing) q->ahead = standing;
    }
}

/* Rule 5: the part of a shrink that no print explains was canceled, in front of us as the parameter says. */
static void judge(core *c, core_mirror *m, const mirror_touched *t)
{
    uint32_t entry = mirror_entry(c, market_book(c, m), t->side, t->ticks);
    if (entry == 0 && !mirror_shows(c, m, t->side, t->ticks)) return; /* it only left what the feed shows */
    int64_t after = entry ? ORDER(c, entry)->remaining : 0, canceled = t->before - after;
    canceled = t->before <= after || t->printed >= canceled ? 0 : canceled - t->printed;
    move_queue(c, m, t->side, t->ticks, (int64_t)((i128)canceled * m->front_ppm / MIRROR_PPM), t->before == 0);
}

/* After a snapshot every queue inside what the feed shows is known to be no longer than its level. */
static void cap_queues(core *c, core_mirror *m)
{
    for (unsigned side = 0; side < 2; side++) {
        int64_t price = m->paper[side].best[side];
        bool more = m->paper[side].levels[side] != 0;
        for (; more && mirror_shows(c, m, side, price); more = book_next(c, &m->paper[side], side, &price))
            move_queue(c, m, side, price, 0, false);
    }
}

void mirror_book(core *c, uint32_t mirror)
{
    core_mirror *m = MIRROR(c, mirror);
    const core_book *b = market_book(c, m);
    bool whole = m->event[0].kind == RECORD_SNAPSHOT;
    m->healing = m->state == MIRROR_LOST;
    bool fits = take_event(c, m);
    if (b->levels[SIDE_BUY] && b->levels[SIDE_SELL] && b->best[SIDE_BUY] >= b->best[SIDE_SELL]) m->crossed = true;
    m->event_used = 0;
    if (!fits || m->crossed) {
        mirror_lose(c, mirror);
        return;
    }
    for (uint32_t i = 0; i < m->touched_used; i++) judge(c, m, &m->touched[i]);
    if (whole) cap_queues(c, m);
    m->state = MIRROR_WHOLE;
    if (m->paper[SIDE_BUY].orders[SIDE_BUY] + m->paper[SIDE_SELL].orders[SIDE_SELL] == 0) return;
    m->work = WORK_REACHED;
    m->spent[SIDE_BUY] = ++c->far.stamp;
    m->spent[SIDE_SELL] = ++c->far.stamp;
}

/* What the straight line (straight.c, straight_take.c) is made of: the plainest form of what book.c, index.c, account.c and
 * ring.c do, to be inlined where a command is done in one go. */
#ifndef MERIDIAN_STRAIGHT_H
#define MERIDIAN_STRAIGHT_H

#include "state.h"

/* The benchmark builds the core once without each of these, to tell what it costs; the product leaves nothing out. */
enum part { RISK = 1, POSITIONS = 2, REPORTS = 4 };
#ifndef LEAVE_OUT
#define LEAVE_OUT 0
#endif
#define HAS(part) (!(LEAVE_OUT & (part)))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The tests' build counts how often it was taken, by kind: else nobody would notice when it never is. */
enum straight { STRAIGHT_REST, STRAIGHT_TAKE, STRAIGHT_MEET, STRAIGHT_FILL, STRAIGHT_CANCEL, STRAIGHT_AMEND, STRAIGHTS };
#ifdef COUNT_STRAIGHT
extern uint64_t straight_taken[STRAIGHTS];
#define TAKEN(kind) (straight_taken[kind]++)
#else
#define TAKEN(kind) ((void)0)
#endif

#define PLAIN_FLAGS ((uint32_t)FLAG_ALLOW_SELF_TRADE)

/* Two neighbours of 32 bits, or half an amount, moved as one. Amounts go by halves on purpose: written so and read back whole,
 * or the other way round, they would wait for each other in the processor's store buffer. */
static inline uint64_t pair(const void *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return x;
}
static inline void put_pair(void *at, uint64_t x) { memcpy(at, &x, sizeof x); }
static inline void put_amount(i128 *at, i128 x)
{
    put_pair(at, (uint64_t)x);
    put_pair((uint8_t *)at + sizeof x / 2, (uint64_t)(x >> 64));
}

/* Of amounts whose highest bits say so, two can be added without a look: nothing here is more than 2^126. */
static inline uint64_t high(i128 x) { return (uint64_t)(x >> 64) + ((uint64_t)1 << 62); }
#define ROOMY(highs) ((highs) >> 63 == 0) /* of the highs of several, ORed */

/* ---- index ---- */

/* The slot of a number; 0, and where its entry would lie. The table has room. */
static inline uint32_t index_probe(const core *c, uint64_t order_no, uint32_t *at)
{
    const order_index *t = &c->order_ids;
    uint32_t hash = index_hash(order_no), i = hash >> t->shift;
    uint64_t e;
    for (; (e = t->entries[i]) != 0; i = (i + 1) & t->mask)
        if ((uint32_t)(e >> 32) == hash && ORDER(c, (uint32_t)e)->order_no == order_no) return (uint32_t)e;
    *at = i;
    return 0;
}
static inline void index_put_at(core *c, uint64_t order_no, uint32_t at, uint32_t slot)
{
    c->order_ids.entries[at] = (uint64_t)index_hash(order_no) << 32 | slot;
    c->order_ids.count++;
    c->order_ids.spare--;
}

/* ---- book ---- */

static inline bool book_is_near(const core_book *b, int64_t price) { return (uint64_t)price - (uint64_t)b->base < WINDOW_TICKS; }
static inline core_level *book_near(const core_book *b, int64_t price) { return &b->window[(uint64_t)price & (WINDOW_TICKS - 1)]; }

/* The order's number of lots joins the queue of its price, which is in the window. */
static inline void book_join(core *c, core_book *b, uint32_t slot, unsigned side, int64_t price, int64_t lots)
{
    core_level *level = book_near(b, price);
    order_links *own = LINKS(c, slot);
    uint32_t tail = level->tail;
    if (level->count++ == 0) book_level_begins(b, side, price);
    own->prev = tail;
    own->next = 0;
    LINKS(c, tail)->next = slot; /* of slot 0 nobody reads it: cheaper than to ask */
    level->head = first(tail, level->head, slot);
    level->tail = slot;
    level->lots += lots;
    b->lots[side] += lots;
    b->orders[side]++;
    c->orders_market++;
}

/* The order leaves it, with so many lots. */
static inline void book_part(core *c, core_book *b, uint32_t slot, unsigned side, int64_t price, int64_t lots)
{
    core_level *level = book_near(b, price);
    uint32_t prev = LINKS(c, slot)->prev, next = LINKS(c, slot)->next;
    LINKS(c, prev)->next = next;
    LINKS(c, next)->prev = prev;
    level->head = first(prev, level->head, next);
    level->tail = first(next, level->tail, prev);
    level->lots -= lots;
    b->lots[side] -= lots;
    b->orders[side]--;
    c->orders_market--;
    if (--level->count == 0) book_level_ends(c, b, side, price);
}

/* The record of an order that is in no list and no table any more is free for the next one. */
static inline void let_go(core *c, uint32_t slot)
{
    const uint32_t nowhere = 0; /* not in the book, not in the account */
    memcpy(&ORDER(c, slot)->in_book, &nowhere, sizeof nowhere);
    pool_give(&c->orders, slot);
}

/* ---- account ---- */

/* An open order joins its account's, with so many lots; and leaves. */
static inline void account_join(core *c, uint32_t slot, core_account *a, core_seat *seat, core_instrument *in, unsigned side, int64_t lots)
{
    order_links *own = LINKS(c, slot);
    own->account_prev = 0;
    own->account_next = a->first_order;
    LINKS(c, a->first_order)->account_prev = slot;
    a->first_order = slot;
    a->open_orders++;
    seat->open_orders++;
    seat->open_lots[side] += lots;
    in->open_orders++;
    c->orders_open++;
}
static inline void account_part(core *c, uint32_t slot, core_account *a, core_seat *seat, core_instrument *in, unsigned side, int64_t lots)
{
    uint32_t prev = LINKS(c, slot)->account_prev, next = LINKS(c, slot)->account_next;
    LINKS(c, prev)->account_next = next;
    LINKS(c, next)->account_prev = prev;
    a->first_order = first(prev, a->first_order, next);
    a->open_orders--;
    seat->open_orders--;
    seat->open_lots[side] -= lots;
    in->open_orders--;
    c->orders_open--;
}

/* ---- amounts ---- */

#define SMALL_AMOUNT ((i128)1 << 43) /* times a fee in parts per million it still fits 64 bits */

static inline i128 fee_of(i128 notional, uint32_t ppm)
{
    if (__builtin_expect(notional >= SMALL_AMOUNT, 0)) return fixed_fee(notional, ppm);
    return (i128)(((uint64_t)notional * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT);
}

static inline uint32_t greater(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* ---- reports ---- */

/* What is the same of an order in all the reports of one command. */
typedef struct {
    uint64_t strategy;
    uint32_t account, instrument; /* ids */
    int64_t at_ns;
    uint64_t index;
} report_of;

/* The next report of an order, but for what it holds. The order has its new status already. */
ALWAYS_INLINE core_report *claim(core *c, size_t size, uint8_t exec_type, uint8_t liquidity, const core_order *o, const report_of *of)
{
    core_report *r = (core_report *)(void *)(c->ring + c->ring_used);
    c->ring_used += HAS(REPORTS) ? size : 0;
    c->ring_total++;
    r->seq = ++c->seq;
    if (!HAS(REPORTS)) return r;
    uint32_t states; /* ord_status, side, type, tif */
    memcpy(&states, &o->ord_status, sizeof states);
    r->at_ns = of->at_ns;
    r->order_no = o->order_no;
    r->strategy = of->strategy;
    r->account = of->account;
    r->instrument = of->instrument;
    put_pair(&r->exec_type, exec_type | (uint64_t)states << 8 | (uint64_t)liquidity << 40); /* no reason */
    put_pair(&r->flags, pair(&o->flags));
    r->price_ticks = o->limit_ticks;
    r->qty_lots = o->qty_lots;
    r->filled_lots = o->filled_lots;
    put_pair(&r->command_index, (uint32_t)of->index | (uint64_t)size << 32 | (uint64_t)CORE_REPORT_LAYOUT << 48);
    put_pair(&r->maker_fee_ppm, 0);
    return r;
}

_Static_assert(offsetof(core_report, exec_type) + 5 == offsetof(core_report, liquidity), "the states in between, as in an order");
_Static_assert(offsetof(core_report, exec_type) + 6 == offsetof(core_report, reason), "the states and the reason are eight bytes");
_Static_assert(offsetof(core_order, tif) == offsetof(core_order, ord_status) + 3, "the states of an order as those of a report");
_Static_assert(offsetof(core_report, layout) == offsetof(core_report, command_index) + 6, "index, size and layout are eight bytes");

/* ---- a plain place, once its questions are answered ---- */

typedef struct {
    core_account *account;
    core_instrument *instrument;
    core_seat *seat;
    core_balance_row *held;
    uint32_t account_slot, instrument_slot, seat_slot, position, index_at;
    bool crosses;
    int64_t tokens; /* left in the bucket when it is taken */
    i128 hold;
} plain_place;

/* straight_take.c: it meets the other side. False: there may be no room, and nothing has changed. */
bool straight_take(core *c, const core_command *m, const plain_place *p, uint64_t index);

/* straight.c: the order's record, its hold and its NEW report; it is in no list and no table yet. */
uint32_t straight_begin(core *c, const core_command *m, const plain_place *p, const report_of *of);

#endif

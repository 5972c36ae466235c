/* What the core is made of: private to orders/core. Slots are numbers into pools, 0 is "none"; pools move when they
 * grow, so a pointer into one lives no longer than the command that took it. */
#ifndef MERIDIAN_STATE_H
#define MERIDIAN_STATE_H

/* There is no float here, and amounts written by halves and moved whole through vector registers make the processor wait. */
#if defined __x86_64__ && !defined __clang__
#pragma GCC target("general-regs-only")
#endif

#include "core.h"

#include <string.h>

#define FLAG_ENTRY (1u << 31) /* an entry of a mirrored market: nobody's order, found by no number */

typedef struct {
    uint8_t *data;
    uint32_t record, used, room, bound; /* used counts slots ever taken, slot 0 included */
    uint32_t free_head, free_count;
} core_pool;

typedef struct {
    uint64_t key;
    uint32_t slot;
} table_entry;
typedef struct {
    table_entry *entries;
    uint32_t shift; /* 64 - log2(size) */
    uint32_t mask, count;
} core_table;

typedef struct { /* index.c: order numbers */
    uint64_t *entries;
    uint32_t shift;              /* 32 - log2(size) */
    uint32_t mask, count, spare; /* spare: so many more before it grows */
} order_index;

#include "book.h"

typedef struct {   /* an instrument's mark: a position of qty is worth qty * num / den in its settle asset */
    i128 num, den; /* den 0: there is none */
    int64_t ticks_num, ticks_den, at_ns;
} core_mark_state;
#define SWING_SECONDS 128
typedef struct {    /* the lowest and highest price of each of the last seconds, a second at its number mod SWING_SECONDS */
    int64_t newest; /* second */
    int64_t last;   /* price; 0: none yet */
    int64_t low[SWING_SECONDS], high[SWING_SECONDS]; /* high 0: no price in that second */
} core_swing;

#include "terms.h"

/* A spec as plain orders meet it, drawn when it is told: what a limit order may be, as bounds of its lots and of ticks times
 * lots, each a least and how far the most lies above it (so one comparison is both). The units fit 64 bits, or none is plain. */
#define NOT_PLAIN UINT64_MAX
typedef struct {
    uint64_t version; /* of the spec; NOT_PLAIN: no order is */
    int64_t lots_min, worth_min;
    uint64_t lots_span, worth_span;
    int64_t quote_unit, base_unit;
    uint32_t maker_fee_ppm, taker_fee_ppm;
} plain_market;

typedef struct {
    plain_market plain; /* a cache line, and so is what follows up to the book */
    uint32_t id, open_orders;
    uint32_t mirror;   /* 0: its market is here; else its book holds the entries of a market elsewhere (mirror.h) */
    uint32_t reducing; /* open reduce-only orders */
    uint32_t waiting;  /* orders that wait for a price */
    uint32_t pad;
    int64_t last_ticks;    /* of the last print; 0: none yet */
    int64_t trail_edge[2]; /* a print no better than this moves no trailing stop; 0: not known */
    uint32_t trailing[2];  /* by side: the trailing stops, a list by terms slot */
    uint64_t pad_to_line;
    core_book book;
    core_instrument_spec spec;
    core_heap trigger[2]; /* by a print at or below the stop, at or above it */
    core_mark_state mark;
    core_swing swing; /* kept while any limit asks for it */
} core_instrument;

typedef struct { /* one unit of asset is num / den units of into, says source (an exchange; 0 = nobody's in particular) */
    i128 num, den;
    int64_t at_ns, stale_after_ns;
    uint32_t asset, into, source, next_same_pair;
} core_rate_row;

typedef struct { /* money that came or went and could not be valued yet */
    i128 amount;
    uint32_t asset, next_of_account;
} core_flow_row;

typedef struct { /* see core_equity_view */
    i128 equity, day_open, peak, flows;
    bool known, day_known, peak_known;
} core_worth;

typedef struct {
    int64_t at_ns;
    i128 tokens; /* times 10^9 */
} core_bucket;

enum limits_on { /* kinds of limits: a row without one costs no look at it */
                 ON_PRICES = 1,
                 ON_EXPOSURE = 2,
                 ON_DUPLICATE = 4,
                 ON_MESSAGES = 8,
                 ON_FILLS = 16,
                 ON_REJECTS = 32,
                 ON_EQUITY = 64,
                 ON_WATCH = 128, /* prices are watched */
                 ON_QUANTITY = 256,
                 ON_COUNTED = ON_DUPLICATE | ON_FILLS | ON_REJECTS, /* room is needed to count */
};
typedef struct { /* the limits of one scope, and what is counted against them */
    core_bucket orders;
    core_limits limits;
    core_bucket messages;
    uint64_t key;
    uint32_t scope, on;
    bool set;
    uint32_t open_orders; /* an account's own are in its record */
} core_limit_row;

/* What a plain order reads comes first, a cache line and the first limit: the bounds below are its own limits', drawn when
 * they are told, and no bound when there is no such limit. */
typedef struct {
    uint32_t id, owner;
    uint32_t open_orders, first_order;
    uint32_t orders_max, orders_here_max; /* open orders; orders_max 0: its orders are not plain */
    uint32_t rate, burst;                 /* rate 0: none */
    core_limit_row own;
    uint32_t exchange, reporting_asset, margin; /* see core_account_spec */
    bool late;                                  /* a fill came after the end, free may be below zero */
    uint32_t first_position, first_balance, first_seat, first_flow;
    core_worth worth;
} core_account;

#define WINDOW_EVENTS 64 /* the most events any window is asked to count */
typedef struct {         /* the newest events of one kind in one scope */
    uint64_t key;
    uint32_t scope, kind, next, count;
    int64_t at_ns[WINDOW_EVENTS];
} core_window;

typedef struct { /* a new order that was taken a moment ago, by what makes two of them the same */
    uint64_t print;
    int64_t at_ns;
    uint32_t next, pad;
} core_recent;

typedef struct {
    i128 total, hold;
    i128 walked; /* core_verify's sum */
    uint32_t account, asset, next_of_account, pad;
} core_balance_row;

/* How a fill moves money. CASH: base and quote, open orders hold them. BORROW: the same on a margin account, where orders
 * hold nothing and balances may be negative. Contracts: only what was realised and fees, in the settle asset. */
enum seat_way { WAY_CASH = 0, WAY_BORROW, WAY_LINEAR, WAY_INVERSE };

typedef struct { /* an account at an instrument: what every order of the pair shares, in one cache line */
    uint32_t account, instrument;
    uint32_t balance[2];  /* by the side of the order that holds of it: a buy holds quote, a sell base */
    uint64_t strategy;    /* of the position below */
    uint32_t recent;      /* the position used last: most orders of a pair are of one strategy */
    uint32_t sum;         /* the account's own position here: the only one, or a row apart with the sums of all; 0 = none yet */
    int64_t open_lots[2]; /* of its open orders by side, but for those that only reduce */
    uint32_t open_orders;
    uint32_t reducing;   /* open orders that only reduce */
    uint32_t owner_next; /* the ring of all seats of one owner at the instrument */
    uint32_t way;        /* enum seat_way */

    uint32_t next_of_account;
    uint32_t walked;         /* core_verify's count */
    uint64_t walked_lots[2]; /* and its sums */
    uint64_t pad_to_line[5];
} core_seat;

typedef struct {
    i128 qty, cost, realised, fees; /* a cache line: what fills change */
    uint64_t strategy;
    uint32_t seat, next_same_key, next_of_account;
    uint32_t is_sum; /* no strategy's: the sums of a seat with several */
    uint64_t pad_to_line[5];
} core_position_row;

/* One record for both halves, freed when neither needs it. Two cache lines: what matching touches, and the account half. */
typedef struct {
    uint64_t order_no;
    int64_t price_ticks;                 /* market half */
    int64_t remaining;                   /* market half: lots standing */
    uint32_t instrument, seat, position; /* slots */
    uint32_t terms;                      /* slot; 0: it has none */
    uint32_t flags, spec_version;
    uint8_t ord_status, side, type, tif; /* as they lie in a report */
    bool in_book, in_account;
    bool gives_way; /* as taker: its owner's own resting orders are canceled rather than met */
    uint8_t pad0;
    uint32_t maker_fee_ppm, taker_fee_ppm;

    int64_t limit_ticks, qty_lots; /* account half from here */
    int64_t filled_lots;
    uint64_t arrival; /* seq of the report that gave its place in the queue */
    i128 hold, cum_cost;
} core_order;

/* An order's neighbours in its level and in its account's list, under the order's own slot. Apart from the order, because
 * joining and leaving a list touches neighbours that are needed for nothing else: many of them fit one cache line. */
typedef struct {
    uint32_t prev, next, account_prev, account_next;
} order_links;

_Static_assert(sizeof(core_order) == 128 && offsetof(core_order, limit_ticks) == 64, "two cache lines");
_Static_assert(offsetof(core_instrument, id) == 64 && offsetof(core_instrument, book) == 128, "a cache line each");
_Static_assert(offsetof(core_book, summary) == 64 && offsetof(core_account, own.limits) == 64, "a cache line each");
_Static_assert(sizeof(core_seat) == 128 && offsetof(core_seat, next_of_account) == 64, "a cache line, and one for the rest");
_Static_assert(sizeof(core_position_row) == 128, "a cache line, and one for the rest");

typedef struct {
    uint64_t key;
    uint32_t scope;
    uint8_t state, gates; /* gates: the closed ones */
    uint16_t reason;      /* of the trip that set it, or none */
    int64_t until_ns;     /* 0: until it is lifted */
    i128 limit, value;    /* of the trip */
} core_halt_row;

#include "mirror.h"
#define TRIPS_ROOM 64u

/* Slots found lately, at a place that the key says by itself. A guess: the row says whether it is the one meant. */
#define ACCOUNTS_SEEN 1024u
#define INSTRUMENTS_SEEN 1024u
#define SEATS_SEEN 8192u

struct core {
    core_pool orders, levels, chunks, instruments, accounts, balances, seats, positions, halts, rates, flows, limits, windows, recents,
        terms;
    order_links *links;
    uint32_t links_room; /* that of orders, once reserved */
    order_index order_ids;
    core_table instrument_ids, account_ids, balance_ids, seat_ids, position_ids, halt_ids, rate_ids, limit_ids, window_ids, recent_ids;
    core_table owner_seats;
    core_heap expiry;
    int64_t expires_next;        /* when the next order expires; INT64_MAX: none does */
    uint32_t due_head, due_tail; /* terms slots */
    uint32_t promised;           /* children not yet born, for whom room is kept */
    bool rebuild_owed;           /* reports were folded and rebuild_books has not run since */
    uint32_t bridges[CORE_BRIDGES];
    int64_t valued_at_ns; /* the newest time that a mark or a rate was told of */
    int64_t day_start_ns;
    uint32_t halts_on;     /* halts not ACTIVE and gates closed: zero spares a look-up a scope and order */
    uint32_t limit_scopes; /* bits of the scopes that have limits, ACCOUNT left out: zero spares their look-ups */
    uint32_t rows_on;      /* limits_on of the rows that are no account's */
    bool watching;         /* some limit asks how prices move */
    bool replaying;        /* stored reports are being folded: what trips leaves no record */
    uint32_t recent_first, recent_last;
    core_trip trips[TRIPS_ROOM];
    uint32_t trips_used;
    uint8_t *ring; /* reports one after the other, each of its own size */
    size_t ring_used, ring_room, ring_bound;
    uint8_t *own_ring; /* while the ring above is lent memory */
    size_t own_room, lent_used;
    bool lent;
    core_tape *tape;
    uint32_t tape_first, tape_used, tape_room, tape_bound;
    uint64_t seq, trade_no, tape_seq, tape_lost;
    uint64_t commands, checks, trades, quantity, trade_hash, orders_open, orders_market, ring_total;
    uint64_t fail_report; /* failpoint: executions left until one is dropped; 0 = off */
    bool fail_kills;      /* the process ends there instead */
    core_mirrors far;
    size_t memory;
    bool careful; /* for tests: nobody takes the straight line */
    uint32_t account_seen[ACCOUNTS_SEEN], instrument_seen[INSTRUMENTS_SEEN], seat_seen[SEATS_SEEN]; /* see seen_account() */
    const char *broken;
};

#define ORDER(c, slot) (&((core_order *)(void *)(c)->orders.data)[slot])
#define LINKS(c, slot) (&(c)->links[slot])
#define LEVEL(c, slot) (&((core_level *)(void *)(c)->levels.data)[slot])
#define CHUNK(c, slot) (&((ladder_chunk *)(void *)(c)->chunks.data)[slot])
#define INSTRUMENT(c, slot) (&((core_instrument *)(void *)(c)->instruments.data)[slot])
#define ACCOUNT(c, slot) (&((core_account *)(void *)(c)->accounts.data)[slot])
#define BALANCE(c, slot) (&((core_balance_row *)(void *)(c)->balances.data)[slot])
#define SEAT(c, slot) (&((core_seat *)(void *)(c)->seats.data)[slot])
#define POSITION(c, slot) (&((core_position_row *)(void *)(c)->positions.data)[slot])
#define TERMS(c, slot) (&((terms_row *)(void *)(c)->terms.data)[slot])
#define RATE(c, slot) (&((core_rate_row *)(void *)(c)->rates.data)[slot])
#define FLOW(c, slot) (&((core_flow_row *)(void *)(c)->flows.data)[slot])
#define HALT(c, slot) (&((core_halt_row *)(void *)(c)->halts.data)[slot])
#define LIMIT_ROW(c, slot) (&((core_limit_row *)(void *)(c)->limits.data)[slot])
#define WINDOW(c, slot) (&((core_window *)(void *)(c)->windows.data)[slot])
#define RECENT(c, slot) (&((core_recent *)(void *)(c)->recents.data)[slot])

/* core.c: every array the core took (or NULL) and its size; what the visitor returns takes its place. For end and fork. */
typedef void *array_visitor(core *c, void *array, size_t bytes);
void core_each_array(core *c, array_visitor *visit);
void core_each_book_array(core *c, array_visitor *visit);

/* fixed.c: exact arithmetic. bool results are true when the answer fits. */
bool fixed_amount(int64_t lots, i128 unit, i128 *out);                                              /* |result| <= CORE_AMOUNT_MAX */
bool fixed_notional(int64_t ticks, int64_t lots, i128 unit, i128 *out);                             /* same */
bool fixed_inverse(int64_t ticks, int64_t lots, i128 lot_unit, i128 tick_unit, bool up, i128 *out); /* see there */
i128 fixed_fee(i128 notional, uint32_t ppm);                                                        /* ceil, notional >= 0 */
i128 fixed_share(i128 whole, i128 part, i128 of);             /* floor(whole * part / of), 0 <= part <= of, of > 0 */
bool fixed_ratio(i128 amount, i128 num, i128 den, i128 *out); /* amount * num / den, halves to even; num >= 0, den > 0 */
uint64_t fixed_mix(uint64_t x);

/* What a trade is worth: in quote, of an inverse contract in base, where the remainder is rounded against who trades. */
static inline bool fixed_worth(const core_instrument_spec *s, unsigned side, int64_t ticks, int64_t lots, i128 *out)
{
    if (__builtin_expect(s->kind == KIND_INVERSE, 0)) return fixed_inverse(ticks, lots, s->base_unit, s->quote_unit, side != SIDE_BUY, out);
    return fixed_notional(ticks, lots, s->quote_unit, out);
}

/* pool.c: the only place that takes memory. */
void pool_init(core_pool *p, uint32_t record, uint32_t bound);
bool pool_reserve(core *c, core_pool *p, uint32_t count); /* after it, count takes cannot fail */
uint32_t pool_take(core_pool *p);                         /* zeroed; 0 when nothing was reserved */
uint32_t pool_take_as_it_lies(core_pool *p);              /* the same, for a caller that writes all of it */
void pool_give(core_pool *p, uint32_t slot);
void *pool_array(core *c, void *old, size_t old_bytes, size_t new_bytes); /* zeroed beyond old; NULL when memory fails, old kept */

/* table.c: u64 -> slot, open addressing, load at most a half. */
bool table_reserve(core *c, core_table *t, uint32_t extra);
static inline uint32_t table_home(const core_table *t, uint64_t key) { return (uint32_t)((key * 0x9E3779B97F4A7C15u) >> t->shift); }
static inline uint32_t table_get(const core_table *t, uint64_t key) /* 0 = not there */
{
    if (t->entries == NULL) return 0;
    for (uint32_t i = table_home(t, key);; i = (i + 1) & t->mask) {
        const table_entry *e = &t->entries[i];
        if (e->slot == 0 || e->key == key) return e->slot;
    }
}
void table_put(core_table *t, uint64_t key, uint32_t slot); /* key is new, room is reserved */
void table_remove(core_table *t, uint64_t key);

/* The slots of ids; 0 = not there. What was seen lately is found without asking the table. */
static inline uint32_t seen_account(core *c, uint32_t id)
{
    uint32_t *seen = &c->account_seen[id % ACCOUNTS_SEEN];
    if (*seen && ACCOUNT(c, *seen)->id == id) return *seen;
    return *seen = table_get(&c->account_ids, id);
}
static inline uint32_t seen_instrument(core *c, uint32_t id)
{
    uint32_t *seen = &c->instrument_seen[id % INSTRUMENTS_SEEN];
    if (*seen && INSTRUMENT(c, *seen)->id == id) return *seen;
    return *seen = table_get(&c->instrument_ids, id);
}
static inline uint32_t seen_seat(core *c, uint32_t account, uint32_t instrument)
{
    uint32_t *seen = &c->seat_seen[(account + instrument * 61) % SEATS_SEEN];
    if (*seen && SEAT(c, *seen)->account == account && SEAT(c, *seen)->instrument == instrument) return *seen;
    return *seen = table_get(&c->seat_ids, (uint64_t)account << 32 | instrument);
}

/* index.c: order numbers -> slots. */
bool index_reserve(core *c, uint32_t extra);
void index_put(core *c, uint64_t order_no, uint32_t slot); /* the number is new, room is reserved */
void index_remove(core *c, uint64_t order_no, uint32_t slot);
static inline uint32_t index_hash(uint64_t order_no) { return (uint32_t)((order_no * 0x9E3779B97F4A7C15u) >> 32); }

/* a when there is such a slot, else b; asked without a branch, for where orders stand is random */
static inline uint32_t first(uint32_t slot, uint32_t a, uint32_t b) { return b ^ ((a ^ b) & -(uint32_t)(slot != 0)); }

#include "book.h"

static inline uint32_t order_fee(const core_order *o) { return o->maker_fee_ppm > o->taker_fee_ppm ? o->maker_fee_ppm : o->taker_fee_ppm; }

/* match.c */
typedef struct {
    uint32_t position; /* asked: the taker's, 0 when it has none */
    bool gives_way;    /* asked: its owner's own resting orders are canceled, not met */
    int64_t lots;
    i128 cost, fees;
    uint64_t orders;    /* how many it would meet */
    uint64_t own_order; /* the first of the owner's own, when has_own */
    int64_t worst;      /* the last price it would meet */
    bool has_own;
} match_preview;
void match_walk(const core *c, const core_instrument *in, const core_command *m, uint32_t owner, uint32_t fee_ppm, match_preview *out);
bool match_reserve(core *c, const core_instrument *in, const core_command *m, match_preview *p); /* room for all it may meet */
void match_enter(core *c, uint32_t slot, int64_t at_ns, uint64_t index); /* taker not in the book: meets, then stands or is over */
void match_execute(core *c, uint32_t taker, uint32_t maker, int64_t lots, int64_t at_ns, uint64_t index);
static inline int64_t match_limit(unsigned side, unsigned type, int64_t price)
{
    if (type_has_limit(type)) return price;
    return side == SIDE_BUY ? INT64_MAX : INT64_MIN;
}

/* risk.c: an approved order, or a reason with limit and value. */
typedef struct {
    uint32_t account, instrument, seat, position; /* slots, 0 when unknown */
    i128 hold, limit, value;
    match_preview preview;
    unsigned reason;
    const core_terms *terms; /* of a place that has any, or NULL */
} risk_decision;

void match_trade(core *c, core_tape *t); /* numbers and counts a print, and puts it on the tape */
void match_report(core *c, uint32_t slot, const core_tape *t, uint8_t liquidity, uint64_t index); /* its order's execution */

/* The book an order of this instrument rests in; and the one this very order stands in. */
static inline core_book *rest_book(core *c, core_instrument *in, unsigned side)
{
    return in->mirror ? &MIRROR(c, in->mirror)->paper[side] : &in->book;
}
static inline core_book *book_of(core *c, uint32_t slot)
{
    core_instrument *in = INSTRUMENT(c, ORDER(c, slot)->instrument);
    return ORDER(c, slot)->flags & FLAG_ENTRY ? &in->book : rest_book(c, in, ORDER(c, slot)->side);
}

/* process.c: what all commands share. */
unsigned command_refused(core *c, const core_command *m, uint32_t slot, unsigned reason, i128 limit, i128 value, uint64_t index);
void command_fold(core *c, core_report *r, uint32_t slot); /* one report of a live command; a misfit breaks the core */

/* straight.c, straight_take.c: plain commands; false: not one, and nothing has changed. */
bool straight_place(core *c, const core_command *m, uint64_t index);
bool straight_cancel(core *c, const core_command *m, uint64_t index);
bool straight_amend(core *c, const core_command *m, uint64_t index);
void straight_market(core_instrument *in); /* its spec was told, or where its market is */
void straight_account(core_account *a);    /* its limits were */
bool straight_fill(core *c, uint32_t slot, const core_tape *t, i128 notional, i128 amount, uint8_t liquidity, uint64_t index);

/* order.c: the one state table. 0 when the event is not allowed in that state. */
uint8_t order_next(uint8_t ord_status, uint8_t exec_type, bool filled);
bool order_is_final(uint8_t ord_status);
static inline uint32_t order_find(const core *c, uint64_t order_no)
{
    const order_index *t = &c->order_ids;
    if (t->entries == NULL) return 0;
    uint32_t hash = index_hash(order_no);
    for (uint32_t i = hash >> t->shift;; i = (i + 1) & t->mask) {
        uint64_t e = t->entries[i];
        if (e == 0 || ((uint32_t)(e >> 32) == hash && ORDER(c, (uint32_t)e)->order_no == order_no)) return (uint32_t)e;
    }
}
bool order_reserve(core *c, uint32_t orders);
uint32_t order_create(core *c, uint64_t order_no); /* room is reserved */
void order_drop_if_gone(core *c, uint32_t slot);
core_report *order_report(core *c, uint32_t slot, uint8_t exec_type, int64_t at_ns, uint64_t index); /* all but the state after */

/* risk.c */
#define RISK_CONTROLS 27                                                /* those of a new order that passes them all */
void risk_find(const core *c, const core_command *m, risk_decision *d); /* the look-ups, once a command */
void risk_place(core *c, const core_command *m, risk_decision *d);      /* after risk_find */
void risk_amend(core *c, const core_command *m, const core_order *o, int64_t new_total, risk_decision *d);
bool risk_hold(const core_instrument *in, unsigned side, int64_t ticks, int64_t lots, uint32_t fee_ppm, i128 *hold);

/* halts.c: halts and gates by scope. */
uint64_t scope_key(unsigned scope, uint64_t key);
uint32_t halt_find(const core *c, unsigned scope, uint64_t key, uint64_t *table_key); /* 0, and the key to put it under */
uint64_t scope_of(unsigned scope, const core_account *a, const core_instrument *in, uint64_t strategy, uint32_t key);
typedef struct {
    const core_halt_row *worst[HALT_HALTED + 1]; /* of each state, the widest scope; NULL = none */
    const core_halt_row *closed[3];              /* by gate */
} halt_view;
void halt_look(const core *c, const core_account *a, const core_instrument *in, const core_command *m, halt_view *out);

/* limits.c: limits by scope, and what is counted against them. */
typedef struct {
    const core_limits *limits; /* the strictest of all rows, but what is counted is compared row by row */
    const core_limit_row *row[SCOPE_COUNT];
    uint32_t count, on;
    core_limits merged;
} limits_view;
void limits_look(const core *c, const core_account *a, const core_instrument *in, uint64_t strategy, uint32_t key, limits_view *out);
bool limits_reserve(core *c);
i128 limits_tokens(const core_bucket *b, uint32_t per_second, uint32_t burst, int64_t at_ns); /* times 10^9 */
void limits_opened(core *c, uint32_t slot, int64_t at_ns);                                    /* a NEW that is not restored */
void limits_message(core *c, uint32_t slot, const core_report *r); /* an amend or a cancel that somebody asked for */
void limits_counted(core *c, uint32_t slot, int32_t by);           /* an order joins or leaves the open ones */
uint64_t limits_print(uint32_t account, uint32_t instrument, unsigned side, unsigned type, int64_t price, int64_t lots, int64_t waits_for);
int64_t limits_waits_for(unsigned type, int64_t stop_ticks, int64_t trail); /* what tells apart two orders that wait for a price */
const char *limits_restore(core *c, unsigned scope, uint64_t key, const core_limit_row *saved);
void limits_remember(core *c, uint64_t print, int64_t at_ns);
const core_recent *limits_recent(const core *c, uint64_t print);         /* NULL: no such order lately */
core_limit_row *limits_row(const core *c, unsigned scope, uint64_t key); /* NULL: never set */
uint32_t limits_count(const core *c, const core_limit_row *row);         /* its open orders, walked */
#define BUCKET_TOKEN 1000000000

/* trips.c: what stops a scope by itself. Events are counted in the fold; only a live core trips. */
void trip_price(core *c, core_instrument *in, int64_t ticks, int64_t at_ns);
void trip_filled(core *c, uint32_t slot, const core_report *r, i128 realised); /* before the order leaves */
void trip_rejected(core *c, uint32_t slot, int64_t at_ns);
void trip_equity(core *c, core_account *a);              /* its worth was counted anew */
void trip_forget(core *c, unsigned scope, uint64_t key); /* a person let it go on: counting starts anew */
bool trip_reserve(core *c);
core_window *trip_window(core *c, uint32_t kind, uint32_t scope, uint64_t key); /* NULL: no room */
int64_t swing_bp(const core_swing *s, int64_t at_ns, uint32_t window_s, uint32_t pause_s, uint32_t limit_bp);

/* account.c: the fold. */
const char *account_apply(core *c, core_report *r, uint32_t slot); /* fills the state after; NULL or why the report does not fit */
void account_open(core *c, core_report *r, uint32_t slot, uint32_t seat, uint32_t position); /* its NEW, where all has been found */
void account_terms(const core *c, const core_order *o, core_report *r); /* price of a fill: cum_cost, last_fee, hold after it */
uint32_t account_balance_slot(core *c, uint32_t account, uint32_t asset);
uint32_t account_seat_slot(core *c, uint32_t account, uint32_t instrument);
void account_link(core *c, uint32_t slot);       /* an order whose fields are set joins its account's open ones */
bool account_reserve(core *c, uint32_t reports); /* room for whatever so many NEW reports may create */
void account_view(const core *c, const core_seat *seat, const core_position_row *p, core_report *r); /* the state after */

/* position.c: false when a number does not fit (nothing changed). */
bool position_fill(core *c, uint32_t slot, unsigned side, i128 amount, i128 notional, i128 fee);         /* it, and its account's sum */
bool position_add(core_position_row *sum, const core_position_row *more, const core_position_row *less); /* less may be NULL */
bool position_apply(core_position_row *p, unsigned side, i128 amount, i128 notional, i128 fee);
uint32_t position_slot(core *c, uint32_t seat, uint64_t strategy); /* finds or makes; room is reserved */
uint32_t position_find(const core *c, uint32_t seat, uint64_t strategy);
uint32_t position_used(core *c, uint32_t seat, uint32_t slot); /* the next of its strategy need not look for it */

/* value.c */
bool value_convert(const core *c, uint32_t asset, uint32_t into, uint32_t exchange, i128 amount, i128 *out); /* false: unknown */
bool value_unrealised(const core *c, const core_position_row *p, i128 *out);       /* in the settle asset; false: no fresh mark */
bool value_at_mark(const core *c, const core_instrument *in, i128 qty, i128 *out); /* same, without its cost */
bool value_mark(core_instrument *in, int64_t num, int64_t den, int64_t at_ns);     /* false: no mark can be so */
bool value_fresh(const core *c, int64_t at_ns, int64_t stale_after_ns);
const char *value_flow(core *c, uint32_t account, uint32_t asset, i128 amount); /* came in or went out, not yet valued */
void value_refresh(core *c, uint32_t account);
void value_forget(core *c, uint32_t account); /* as one whose worth was never known */

/* margin.c: every way but CASH, and the worst that open orders could make of a margin account. */
typedef struct {
    bool raises; /* the order makes the worst case here worse; one that does not needs no margin */
    bool known;  /* the amounts below, all in the reporting asset: */
    i128 equity;
    i128 here, exposure; /* the worst positions at their marks, the order's filled too: in its instrument, in all of them */
    i128 margin;         /* what of it must be there at the account's leverage; all of it of a cash account */
} margin_worst;
unsigned margin_way(const core_account *a, const core_instrument *in);
void margin_turn(core *c, uint32_t account);                           /* its margin changed: so do the ways of its seats */
void margin_terms(const core *c, const core_order *o, core_report *r); /* account_terms, every other way */
bool margin_move(core *c, const core_seat *seat, uint32_t position, core_report *r, i128 notional); /* told fills too, whatever the way */
void margin_with(const core *c, uint32_t account, uint32_t instrument, unsigned side, int64_t more_lots, margin_worst *out);

/* ring.c */
bool ring_reserve(core *c, uint64_t reports); /* room for so many whole ones */
/* Whether a report has more than its head: what moves money, refuses, or carries the terms of an order. */
static inline bool report_is_whole(uint8_t exec_type, uint32_t flags)
{
    bool plain = exec_type == '0' || exec_type == '4' || exec_type == '5' || exec_type == 'C';
    return !plain || flags & (FLAG_TERMS | FLAG_KEYED);
}
/* The next report, numbered, with nothing else in it yet. Cannot fail after ring_reserve. */
static inline core_report *ring_push(core *c, uint8_t exec_type, uint32_t flags)
{
    core_report *r = (core_report *)(void *)(c->ring + c->ring_used);
    bool whole = report_is_whole(exec_type, flags);
    memset(r, 0, CORE_REPORT_HEAD);
    if (whole) memset((uint8_t *)r + CORE_REPORT_HEAD, 0, sizeof *r - CORE_REPORT_HEAD);
    r->size = whole ? (uint16_t)sizeof *r : CORE_REPORT_HEAD;
    r->layout = CORE_REPORT_LAYOUT;
    r->exec_type = exec_type;
    r->seq = ++c->seq;
    c->ring_total++;
    c->ring_used += r->size;
    return r;
}
bool tape_reserve(core *c, uint64_t prints);
void tape_push(core *c, const core_tape *t);

#include "mirror.h"
#include "terms.h"

#endif

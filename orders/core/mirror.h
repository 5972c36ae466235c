/* An instrument whose market is elsewhere: what the core keeps of it. Private to orders/core; state.h includes
 * the types before the core, the rest at its end.
 *
 * The market's own entries stand in the instrument's book, one nameless order a level; orders of accounts rest in a book
 * beside it, which nobody sees. The eight rules are in tests/oracle/mirror.py in words.
 *
 *   mirror.c        records in: sequence, soundness, snapshots, gaps; what the core is told of a mirror
 *   mirror_merge.c  rule 7: trades and books in the order of their exchange's time
 *   mirror_book.c   the market's entries; rule 5: how a queue moves when its level shrinks; rule 8: crossed
 *   mirror_fill.c   rules 1, 3, 4 and 6: who is filled by what
 */
#ifndef MERIDIAN_MIRROR_TYPES
#define MERIDIAN_MIRROR_TYPES

#define MIRROR_LEVELS_MAX 512u      /* a side; a feed tells 50 */
#define MIRROR_HELD_MAX 4096u       /* records that wait for the other channel */
#define MIRROR_TOUCHED_MAX 1024u    /* prices with orders of ours that one event may change */
#define MIRROR_HOLD_NS 250000000    /* rule 7 */
#define MIRROR_MEMORY_NS 1000000000 /* rule 6 */
#define MIRROR_PPM 1000000
#define MIRROR_REPORTS 8        /* room one fill may need in the ring, with all that follows from it */
#define AHEAD_UNKNOWN INT64_MAX /* queued at a price the feed has not shown since */

enum mirror_record_kind {
    RECORD_TRADE = 1,
    RECORD_LEVEL,
    RECORD_SNAPSHOT,
    RECORD_TOP,
    RECORD_PROOF,
    RECORD_ANCHOR,
    RECORD_GAP,
    RECORD_BOOK
};
enum mirror_state { MIRROR_LOST = 0, MIRROR_WHOLE };
enum mirror_channel { CHANNEL_TRADES = 0, CHANNEL_BOOK };
enum mirror_work { WORK_NONE = 0, WORK_THROUGH, WORK_DUE, WORK_PRINTED, WORK_REACHED };

/* One record of a market block (marketdata/blocks.py), as its bytes lie. */
typedef struct {
    uint32_t instrument;
    uint16_t spec_version;
    uint8_t kind, side;
    int64_t ticks, lots, exchange_ns;
    uint64_t seq;
} mirror_record;
_Static_assert(sizeof(mirror_record) == 40, "packed market record");

typedef struct {
    uint8_t kind, side;
    bool last;                            /* of the records that are one event */
    int64_t ticks, lots, at_ns, heard_ns; /* the exchange's time; ours */
} mirror_event;

typedef struct {                    /* a price where orders of ours wait, and what stood there before the event that changes it */
    int64_t ticks, before, printed; /* before -1: not shown */
    unsigned side;
} mirror_touched;

/* Beside each order, under its slot: where an order of ours stands in the queue, or what was told of an entry. */
typedef struct {
    int64_t ahead, due;    /* ours: lots in front of it; lots of the print at work that are its own */
    int64_t told, printed; /* entry: lots by its last difference; lots printed there since */
    uint64_t round;        /* entry: the snapshot that last named it */
    uint32_t takings, pad; /* entry: what accounts took of it */
} mirror_queue;

/* Rule 6: what one seat took of one entry. */
typedef struct {
    uint32_t seat, entry, mirror;
    uint32_t level_prev, level_next, older, newer, pad;
    int64_t lots, at_ns;
} mirror_taking;

typedef struct { /* what a seat has got of one print, or whether it has had all it may of the entries */
    uint64_t stamp;
    int64_t lots;
} mirror_sum;

typedef struct {
    core_book paper[2];             /* orders of ours, a book a side: they may stand at the prices of each other's */
    uint32_t instrument, front_ppm; /* the instrument's slot; rule 5 */
    int64_t heard_ns, clock_ns;     /* when its source last proved alive, by our clock; how far its market has been applied */
    uint64_t seq, round, gaps;
    uint32_t telling; /* levels of a snapshot still to come */
    bool direct;      /* that snapshot begins the market anew: it waits for nothing */
    uint8_t state, work;
    bool healing, crossed; /* the event being taken: it ends a loss; it leaves the market crossed */
    bool worst_known[2], shown_before[2];
    int64_t worst[2], worst_before[2];
    int64_t reach_ns[2]; /* how far each channel has come */
    mirror_event *told;  /* a snapshot on its way: it goes in whole or not at all */
    uint32_t told_used, told_next, told_room;
    mirror_event *event; /* of the book, not yet whole */
    uint32_t event_used, event_room;
    mirror_event *held;
    uint32_t held_first, held_used, held_room;
    mirror_touched *touched;
    uint32_t touched_used, touched_room;
    uint32_t oldest, newest; /* takings, by their time */
    int64_t print_ticks;     /* the print at work, and whose orders it may meet at its price */
    unsigned print_side;
    uint32_t cursor;   /* where in that queue the work goes on */
    uint64_t spent[2]; /* stamps: seats so marked have had all they may of the entries, this event */
} core_mirror;

typedef struct {
    core_pool mirrors, takings;
    core_table taking_ids;
    mirror_queue *queues;
    mirror_sum *sums;
    uint32_t queues_room, sums_room; /* those of orders and of seats, once reserved */
    uint64_t stamp;
} core_mirrors;

#define MIRROR(c, slot) (&((core_mirror *)(void *)(c)->far.mirrors.data)[slot])
#define TAKING(c, slot) (&((mirror_taking *)(void *)(c)->far.takings.data)[slot])
#define QUEUE(c, slot) (&(c)->far.queues[slot])

#elif !defined MERIDIAN_MIRROR_H
#define MERIDIAN_MIRROR_H

/* mirror*.c */
bool mirror_reserve(core *c, uint64_t meets); /* room for an order that may take of so many entries */
void mirror_walk(const core *c, const core_instrument *in, const core_command *m, uint32_t fee_ppm, match_preview *out); /* as match_walk */
int64_t mirror_run(core *c, uint32_t slot, int64_t at_ns, uint64_t index);                                               /* as match_run */
void mirror_stands(core *c, uint32_t slot);                                     /* an order of ours has just joined its queue */
bool mirror_is_usable(const core *c, const core_instrument *in, int64_t at_ns); /* rule 8; true where the market is here */
void mirror_forget(core *c, uint32_t mirror);                                   /* the market's entries go */
bool mirror_work(core *c, uint32_t mirror, int64_t now_ns); /* fills what is due; false: the ring must be drained first */
bool mirror_merge(core *c, uint32_t mirror, const mirror_event *e, bool passes); /* rule 7; false likewise, and e was not taken */
bool mirror_drain(core *c, uint32_t mirror, int64_t now_ns, bool all);           /* what has waited long enough; all: whatever waits */
void mirror_apply(core *c, uint32_t mirror, const mirror_event *e);
void mirror_lose(core *c, uint32_t mirror);
void mirror_print(core *c, uint32_t mirror, const mirror_event *e);
void mirror_book(core *c, uint32_t mirror);                                             /* the event that is now whole */
void mirror_better_go(core *c, core_mirror *m, unsigned side, int64_t ticks);           /* entries better than that price */
uint32_t mirror_entry(const core *c, const core_book *b, unsigned side, int64_t ticks); /* the market's order there, or 0 */
bool mirror_shows(core *c, core_mirror *m, unsigned side, int64_t ticks);               /* whether the feed would tell of that price */
void mirror_takings_above(core *c, uint32_t entry, int64_t lots); /* forgets those of more lots than stand there now */
void mirror_takings_expire(core *c, uint32_t mirror);
void mirror_each_array(core *c, core_mirror *m, array_visitor *visit);
const char *mirror_verify(const core *c);

/* What rests of a side of orders of ours, or, where the market is here, of everybody's. */
static inline int64_t rest_lots(const core *c, const core_instrument *in, unsigned side)
{
    return in->mirror ? MIRROR(c, in->mirror)->paper[side].lots[side] : in->book.lots[side];
}

#endif

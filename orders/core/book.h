/* A book: what it is made of, and what ladder.c and book.c offer the others. Private to orders/core; state.h includes the types
 * before the core, the rest after it. */
#ifndef MERIDIAN_BOOK_TYPES
#define MERIDIAN_BOOK_TYPES

#define WINDOW_TICKS 4096 /* one summary word of 64 covers 64 words of 64 bits */
#define WINDOW_WORDS (WINDOW_TICKS / 64)
#define LADDER_CHUNK 64
#define MISSES_BEFORE_MOVE 128

typedef struct { /* orders of one price, first come first served */
    int64_t lots;
    uint32_t head, tail, count, pad;
} core_level;

typedef struct { /* up to LADDER_CHUNK levels, keys ascending */
    int64_t key[LADDER_CHUNK];
    uint32_t level[LADDER_CHUNK];
    uint32_t count, pad;
} ladder_chunk;

typedef struct {
    int64_t first;
    uint32_t chunk, pad;
} ladder_entry;
typedef struct { /* the levels of one side outside the window; keys ascend towards the best price */
    ladder_entry *entries;
    uint32_t used, room;
    uint32_t levels, pad;
} core_ladder;

typedef struct {  /* one instrument's book; the window is a ring of levels, a price lives at price mod WINDOW_TICKS */
    int64_t base; /* the window holds [base, base + WINDOW_TICKS) */
    core_level *window;
    int64_t best[2];
    uint32_t levels[2]; /* 0: that side is empty and best means nothing */
    uint32_t orders[2];
    int64_t lots[2]; /* so far one cache line: all that most commands read of a book */
    uint64_t summary[2];
    uint32_t misses, pad; /* levels touched outside the window since it last moved */
    core_ladder ladder[2];
    uint64_t bits[2][WINDOW_WORDS];
} core_book;

#elif !defined MERIDIAN_BOOK_H
#define MERIDIAN_BOOK_H

/* ladder.c: sorted levels outside the window. */
static inline int64_t ladder_key(unsigned side, int64_t price)
{
    return price ^ -(int64_t)(side != SIDE_BUY);
} /* sides are random: no branch */
bool ladder_reserve(core *c, core_ladder *l, uint32_t inserts); /* room for so many new levels */
core_level *ladder_find(core *c, core_ladder *l, int64_t key);
core_level *ladder_insert(core *c, core_ladder *l, int64_t key); /* key is new */
void ladder_remove(core *c, core_ladder *l, int64_t key);
bool ladder_last(const core *c, const core_ladder *l, int64_t *key);
bool ladder_below(const core *c, const core_ladder *l, int64_t key, int64_t *below); /* greatest key < key */

/* book.c: price-time queues. */
bool book_reserve(core *c, core_book *b, int64_t price);            /* room for one order more; moves the window when it pays */
void book_add(core *c, core_book *b, uint32_t slot);                /* order's side, price_ticks, remaining are set */
void book_take(core *c, core_book *b, uint32_t slot, int64_t lots); /* lots leave; the order too when nothing is left */
void book_remove(core *c, core_book *b, uint32_t slot);
void book_grow(core *c, core_book *b, uint32_t slot, int64_t lots); /* more of an order stands, in its place */
const core_level *book_level(const core *c, const core_book *b, unsigned side, int64_t price);
bool book_next(const core *c, const core_book *b, unsigned side, int64_t *price); /* the next worse price of that side */
void book_each_array(core *c, core_book *b, array_visitor *visit);
void book_level_begins(core_book *b, unsigned side, int64_t price);        /* its first order comes; the price is in the window */
void book_level_ends(core *c, core_book *b, unsigned side, int64_t price); /* its last one went */
/* An order at that price comes soon, or one leaves. */
static inline void book_expect(const core_book *b, int64_t price)
{
    if (b->window) __builtin_prefetch(&b->window[(uint64_t)price & (WINDOW_TICKS - 1)]);
}
/* Whether an order at that price needs nothing of book_reserve. */
static inline bool book_has_room(const core_book *b, int64_t price)
{
    return b->window && (b->levels[0] | b->levels[1]) && (uint64_t)price - (uint64_t)b->base < WINDOW_TICKS &&
           b->misses < MISSES_BEFORE_MOVE;
}
static inline bool book_crosses(const core_book *b, unsigned side, int64_t price)
{
    unsigned other = 1u - side;
    return b->levels[other] && ladder_key(side, b->best[other]) <= ladder_key(side, price);
}

#endif

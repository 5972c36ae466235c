/* Price-time queues of one instrument, for any int64 price. Prices near the touch live in a ring of WINDOW_TICKS levels
 * (price mod WINDOW_TICKS, so moving the window moves only the levels that enter or leave it) under a two-level bitmap
 * for each side; the others in the side's ladder. The best price of each side is kept. */
#include "state.h"

#define INDEX_MASK (WINDOW_TICKS - 1)
#define WORTH_MOVING (WINDOW_TICKS / 8)

static uint32_t index_of(int64_t price) { return (uint32_t)((uint64_t)price & INDEX_MASK); }
static bool in_window(const core_book *b, int64_t price) { return (uint64_t)price - (uint64_t)b->base < WINDOW_TICKS; }
static int64_t window_last(const core_book *b) { return b->base + (WINDOW_TICKS - 1); }

/* The nearest set bit at or below `from`, going round; -1 when none is set. */
static int bit_below(const uint64_t *bits, uint64_t summary, uint32_t from)
{
    uint32_t word = from >> 6;
    uint64_t here = bits[word] & (UINT64_MAX >> (63 - (from & 63)));
    if (here) return (int)(word * 64 + 63 - (uint32_t)__builtin_clzll(here));
    uint64_t below = summary & (((uint64_t)1 << word) - 1);
    if (below == 0) below = summary;
    if (below == 0) return -1;
    word = 63 - (uint32_t)__builtin_clzll(below);
    return (int)(word * 64 + 63 - (uint32_t)__builtin_clzll(bits[word]));
}

static int bit_above(const uint64_t *bits, uint64_t summary, uint32_t from)
{
    uint32_t word = from >> 6;
    uint64_t here = bits[word] & (UINT64_MAX << (from & 63));
    if (here) return (int)(word * 64 + (uint32_t)__builtin_ctzll(here));
    uint64_t above = word == 63 ? 0 : summary & (UINT64_MAX << (word + 1));
    if (above == 0) above = summary;
    if (above == 0) return -1;
    word = (uint32_t)__builtin_ctzll(above);
    return (int)(word * 64 + (uint32_t)__builtin_ctzll(bits[word]));
}

static void bit_set(core_book *b, unsigned side, uint32_t i)
{
    b->bits[side][i >> 6] |= (uint64_t)1 << (i & 63);
    b->summary[side] |= (uint64_t)1 << (i >> 6);
}

static void bit_clear(core_book *b, unsigned side, uint32_t i)
{
    b->bits[side][i >> 6] &= ~((uint64_t)1 << (i & 63));
    if (b->bits[side][i >> 6] == 0) b->summary[side] &= ~((uint64_t)1 << (i >> 6));
}

/* The best level of the side inside the window at `start` or worse; start is inside. */
static bool window_from(const core_book *b, unsigned side, int64_t start, int64_t *price)
{
    uint32_t from = index_of(start);
    int found = side == SIDE_BUY ? bit_below(b->bits[side], b->summary[side], from) : bit_above(b->bits[side], b->summary[side], from);
    if (found < 0) return false;
    uint64_t distance = side == SIDE_BUY ? (from - (uint32_t)found) & INDEX_MASK : ((uint32_t)found - from) & INDEX_MASK;
    uint64_t room = side == SIDE_BUY ? (uint64_t)start - (uint64_t)b->base : (uint64_t)window_last(b) - (uint64_t)start;
    if (distance > room) return false; /* it went round: only better ones are there */
    *price = side == SIDE_BUY ? start - (int64_t)distance : start + (int64_t)distance;
    return true;
}

static void best_find(const core *c, core_book *b, unsigned side)
{
    int64_t price, key;
    bool near = window_from(b, side, side == SIDE_BUY ? window_last(b) : b->base, &price);
    if (near) b->best[side] = price;
    if (ladder_last(c, &b->ladder[side], &key) && (!near || key > ladder_key(side, price))) b->best[side] = ladder_key(side, key);
}

bool book_next(const core *c, const core_book *b, unsigned side, int64_t *price)
{
    int64_t key, near_price, from = *price;
    bool near = false;
    if (side == SIDE_BUY && from > b->base)
        near = window_from(b, side, from > window_last(b) ? window_last(b) : from - 1, &near_price);
    else if (side == SIDE_SELL && from < window_last(b))
        near = window_from(b, side, from < b->base ? b->base : from + 1, &near_price);
    if (near) *price = near_price;
    if (!ladder_below(c, &b->ladder[side], ladder_key(side, from), &key)) return near;
    if (!near || key > ladder_key(side, near_price)) *price = ladder_key(side, key);
    return true;
}

static core_level *level_at(core *c, core_book *b, unsigned side, int64_t price)
{
    if (in_window(b, price)) return &b->window[index_of(price)];
    b->misses++;
    return ladder_find(c, &b->ladder[side], ladder_key(side, price));
}

const core_level *book_level(const core *c, const core_book *b, unsigned side, int64_t price)
{
    if (in_window(b, price)) {
        uint32_t i = index_of(price);
        return b->bits[side][i >> 6] >> (i & 63) & 1 ? &b->window[i] : NULL;
    }
    /* The ladder is only read here; the cast spares a second copy of the search. */
    return ladder_find((core *)c, (core_ladder *)&b->ladder[side], ladder_key(side, price));
}

static int64_t base_around(int64_t centre)
{
    if (centre < INT64_MIN + WINDOW_TICKS) return INT64_MIN;
    if (centre > INT64_MAX - WINDOW_TICKS) return INT64_MAX - (WINDOW_TICKS - 1);
    return centre - WINDOW_TICKS / 2;
}

static int64_t touch(const core_book *b)
{
    if (b->levels[SIDE_BUY] == 0) return b->best[SIDE_SELL];
    if (b->levels[SIDE_SELL] == 0) return b->best[SIDE_BUY];
    uint64_t spread = (uint64_t)b->best[SIDE_SELL] - (uint64_t)b->best[SIDE_BUY];
    if (spread < WINDOW_TICKS / 2) return b->best[SIDE_BUY] + (int64_t)(spread / 2);
    return in_window(b, b->best[SIDE_BUY]) ? b->best[SIDE_BUY] : b->best[SIDE_SELL];
}

static void move_out(core *c, core_book *b, unsigned side, int64_t new_base)
{
    int64_t price;
    bool more = window_from(b, side, side == SIDE_BUY ? window_last(b) : b->base, &price);
    while (more) {
        if ((uint64_t)price - (uint64_t)new_base >= WINDOW_TICKS) {
            uint32_t i = index_of(price);
            *ladder_insert(c, &b->ladder[side], ladder_key(side, price)) = b->window[i];
            b->window[i] = (core_level){0};
            bit_clear(b, side, i);
        }
        if (price == (side == SIDE_BUY ? b->base : window_last(b))) break;
        more = window_from(b, side, side == SIDE_BUY ? price - 1 : price + 1, &price);
    }
}

static void move_in(core *c, core_book *b, unsigned side)
{
    core_ladder *l = &b->ladder[side];
    int64_t top = ladder_key(side, side == SIDE_BUY ? window_last(b) : b->base), key = top;
    bool more = ladder_find(c, l, top) != NULL || ladder_below(c, l, top, &key);
    while (more && in_window(b, ladder_key(side, key))) {
        uint32_t i = index_of(ladder_key(side, key));
        b->window[i] = *ladder_find(c, l, key);
        bit_set(b, side, i);
        ladder_remove(c, l, key);
        more = ladder_below(c, l, key, &key);
    }
}

/* Moving costs the levels that move, so it is done at most once in MISSES_BEFORE_MOVE and only for a real distance. */
static bool window_move(core *c, core_book *b)
{
    b->misses = 0;
    if (b->levels[0] + b->levels[1] == 0) return true;
    int64_t base = base_around(touch(b));
    uint64_t distance = base > b->base ? (uint64_t)base - (uint64_t)b->base : (uint64_t)b->base - (uint64_t)base;
    if (distance < WORTH_MOVING) return true;
    uint32_t inside = b->levels[0] + b->levels[1] - b->ladder[0].levels - b->ladder[1].levels;
    uint32_t room = inside + 2 * LADDER_CHUNK; /* both sides draw on the same pools */
    if (!ladder_reserve(c, &b->ladder[0], room) || !ladder_reserve(c, &b->ladder[1], room)) return false;
    for (unsigned side = 0; side < 2; side++) move_out(c, b, side, base);
    b->base = base;
    for (unsigned side = 0; side < 2; side++) move_in(c, b, side);
    return ladder_reserve(c, &b->ladder[0], 1) && ladder_reserve(c, &b->ladder[1], 1);
}

bool book_reserve(core *c, core_book *b, int64_t price)
{
    if (b->window == NULL) {
        b->window = pool_array(c, NULL, 0, WINDOW_TICKS * sizeof *b->window);
        if (b->window == NULL) return false;
    }
    if (b->levels[0] + b->levels[1] == 0)
        b->base = base_around(price);
    else if (in_window(b, price) && b->misses < MISSES_BEFORE_MOVE)
        return true;
    if (!ladder_reserve(c, &b->ladder[0], 1) || !ladder_reserve(c, &b->ladder[1], 1)) return false;
    return b->misses < MISSES_BEFORE_MOVE || window_move(c, b);
}

void book_level_begins(core_book *b, unsigned side, int64_t price)
{
    if (in_window(b, price)) bit_set(b, side, index_of(price));
    if (b->levels[side]++ == 0 || ladder_key(side, price) > ladder_key(side, b->best[side])) b->best[side] = price;
}

void book_add(core *c, core_book *b, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    unsigned side = o->side;
    int64_t price = o->price_ticks;
    core_level *level = level_at(c, b, side, price);
    if (level == NULL) level = ladder_insert(c, &b->ladder[side], ladder_key(side, price));
    if (level->count == 0) book_level_begins(b, side, price);
    order_links *own = LINKS(c, slot);
    own->prev = level->tail;
    own->next = 0;
    LINKS(c, level->tail)->next = slot; /* of slot 0 nobody reads it: cheaper than to ask */
    level->head = first(level->head, level->head, slot);
    level->tail = slot;
    level->count++;
    level->lots += o->remaining;
    b->lots[side] += o->remaining;
    b->orders[side]++;
    o->in_book = true;
    c->orders_market++;
}

void book_level_ends(core *c, core_book *b, unsigned side, int64_t price)
{
    if (in_window(b, price))
        bit_clear(b, side, index_of(price));
    else
        ladder_remove(c, &b->ladder[side], ladder_key(side, price));
    b->levels[side]--;
    if (price == b->best[side]) best_find(c, b, side);
}

void book_take(core *c, core_book *b, uint32_t slot, int64_t lots)
{
    core_order *o = ORDER(c, slot);
    core_level *level = level_at(c, b, o->side, o->price_ticks);
    o->remaining -= lots;
    level->lots -= lots;
    b->lots[o->side] -= lots;
    if (o->remaining > 0) return;
    uint32_t prev = LINKS(c, slot)->prev, next = LINKS(c, slot)->next;
    LINKS(c, prev)->next = next; /* of slot 0 nobody reads it: cheaper than to ask */
    LINKS(c, next)->prev = prev;
    level->head = first(prev, level->head, next);
    level->tail = first(next, level->tail, prev);
    o->in_book = false;
    b->orders[o->side]--;
    c->orders_market--;
    if (--level->count == 0) book_level_ends(c, b, o->side, o->price_ticks);
}

void book_grow(core *c, core_book *b, uint32_t slot, int64_t lots)
{
    core_order *o = ORDER(c, slot);
    o->remaining += lots;
    level_at(c, b, o->side, o->price_ticks)->lots += lots;
    b->lots[o->side] += lots;
}

void book_remove(core *c, core_book *b, uint32_t slot) { book_take(c, b, slot, ORDER(c, slot)->remaining); }

void book_each_array(core *c, core_book *b, array_visitor *visit)
{
    b->window = visit(c, b->window, WINDOW_TICKS * sizeof *b->window);
    for (unsigned side = 0; side < 2; side++) {
        core_ladder *l = &b->ladder[side];
        l->entries = visit(c, l->entries, l->room * sizeof *l->entries);
    }
}

/* What must always hold, walked in full; and a hash of the account half that does not know how tables lie. Neither is on
 * the order path: verify is for tests, start and the idle engine; hash for replays. */
#include "state.h"

/* ---- market half ---- */

static const char *verify_level(const core *c, uint32_t instrument, unsigned side, int64_t price, const core_level *level)
{
    int64_t lots = 0;
    uint32_t count = 0, prev = 0;
    for (uint32_t slot = level->head; slot; prev = slot, slot = LINKS(c, slot)->next) {
        const core_order *o = ORDER(c, slot);
        if (!o->in_book || o->side != side || o->price_ticks != price || o->instrument != instrument)
            return "an order stands in a queue that is not its own";
        if (LINKS(c, slot)->prev != prev) return "a queue's links do not lead back";
        if (o->remaining <= 0) return "an order with nothing left stands in a book";
        lots += o->remaining;
        if (++count > level->count) return "a queue is longer than its count";
    }
    if (level->tail != prev || count != level->count || count == 0) return "a queue is not as long as its count";
    return lots == level->lots ? NULL : "a level's lots are not the sum of its orders";
}

static const char *verify_side(const core *c, uint32_t instrument, const core_book *b, unsigned side)
{
    uint32_t levels = 0, orders = 0;
    int64_t lots = 0, price = b->best[side], last = price;
    for (bool more = b->levels[side] != 0; more; more = book_next(c, b, side, &price)) {
        if (levels && ladder_key(side, price) >= ladder_key(side, last)) return "levels are not in the order of their prices";
        const core_level *level = book_level(c, b, side, price);
        if (level == NULL) return "a price has a mark but no level";
        const char *why = verify_level(c, instrument, side, price, level);
        if (why) return why;
        last = price;
        levels++;
        orders += level->count;
        lots += level->lots;
    }
    if (levels != b->levels[side]) return "a side has not as many levels as it counts";
    return orders == b->orders[side] && lots == b->lots[side] ? NULL : "a side's sums are not those of its levels";
}

static const char *verify_books(const core *c)
{
    uint64_t standing = 0;
    for (uint32_t slot = 1; slot < c->instruments.used; slot++) {
        const core_book *b = &INSTRUMENT(c, slot)->book;
        for (unsigned side = 0; side < 2; side++) {
            const core_mirror *m = INSTRUMENT(c, slot)->mirror ? MIRROR(c, INSTRUMENT(c, slot)->mirror) : NULL;
            const char *why = verify_side(c, slot, b, side);
            if (why == NULL && m) why = verify_side(c, slot, &m->paper[side], side);
            if (why) return why;
            standing += b->orders[side] + (m ? m->paper[side].orders[side] : 0);
        }
        if (INSTRUMENT(c, slot)->mirror == 0 && b->levels[0] && b->levels[1] && b->best[SIDE_BUY] >= b->best[SIDE_SELL])
            return "a book is crossed";
    }
    return standing == c->orders_market ? NULL : "the count of standing orders is not their sum";
}

/* ---- account half ---- */

static const char *verify_order(core *c, uint32_t slot)
{
    const core_order *o = ORDER(c, slot);
    const core_seat *seat = SEAT(c, o->seat);
    const core_instrument *in = INSTRUMENT(c, seat->instrument);
    i128 required = 0;
    int64_t open = o->qty_lots - o->filled_lots;
    if (!o->in_account || POSITION(c, o->position)->seat != o->seat) return "an order is in the list of an account that is not its own";
    if (o->filled_lots < 0 || open <= 0) return "an open order has nothing open";
    if (o->ord_status != (o->filled_lots ? '1' : '0')) return "an order's status does not say what was filled";
    if (o->hold < 0 || o->cum_cost < 0) return "an order holds less than nothing";
    if (seat->way != WAY_CASH && o->hold) return "an order of a margin account holds money";
    if (o->in_book && (o->price_ticks != o->limit_ticks || o->remaining > open)) return "the book has more of an order than is open";
    if (o->terms) return verify_terms(c, slot);
    bool counted = o->type == TYPE_LIMIT || o->side == SIDE_SELL; /* a market buy holds what its walk of the book cost */
    if (counted && seat->way == WAY_CASH && (!risk_hold(in, o->side, o->limit_ticks, open, order_fee(o), &required) || required != o->hold))
        return "an order's hold is not what its open lots require";
    return NULL;
}

static const char *verify_account(core *c, uint32_t account)
{
    const core_account *a = ACCOUNT(c, account);
    uint32_t count = 0, prev = 0;
    for (uint32_t slot = a->first_order; slot; prev = slot, slot = LINKS(c, slot)->account_next) {
        const core_order *o = ORDER(c, slot);
        const char *why = verify_order(c, slot);
        if (why) return why;
        core_seat *seat = SEAT(c, o->seat);
        if (seat->account != account || LINKS(c, slot)->account_prev != prev) return "an account's list of orders is broken";
        BALANCE(c, seat->balance[o->side])->walked += o->hold;
        seat->walked++;
        if (!(o->flags & FLAG_REDUCE_ONLY)) seat->walked_lots[o->side] += (uint64_t)(o->qty_lots - o->filled_lots);
        if (++count > a->open_orders) break;
    }
    return count == a->open_orders ? NULL : "an account has not as many open orders as it counts";
}

static const char *verify_accounts(core *c)
{
    uint64_t open = 0;
    for (uint32_t i = 1; i < c->balances.used; i++) BALANCE(c, i)->walked = 0;
    for (uint32_t i = 1; i < c->seats.used; i++) {
        core_seat *seat = SEAT(c, i);
        seat->walked = 0;
        seat->walked_lots[0] = seat->walked_lots[1] = 0;
    }
    for (uint32_t i = 1; i < c->accounts.used; i++) {
        const char *why = verify_account(c, i);
        if (why) return why;
        open += ACCOUNT(c, i)->open_orders;
    }
    if (open != c->orders_open) return "the count of open orders is not the sum of the accounts'";
    for (uint32_t i = 1; i < c->seats.used; i++) {
        const core_seat *seat = SEAT(c, i);
        if (seat->walked != seat->open_orders) return "an account counts its orders at an instrument wrongly";
        if (seat->walked_lots[0] != (uint64_t)seat->open_lots[0] || seat->walked_lots[1] != (uint64_t)seat->open_lots[1])
            return "an account counts its open lots at an instrument wrongly";
        if (seat->way != margin_way(ACCOUNT(c, seat->account), INSTRUMENT(c, seat->instrument))) return "a seat trades in another's way";
    }
    for (uint32_t i = 1; i < c->balances.used; i++) {
        const core_balance_row *b = BALANCE(c, i);
        if (b->walked != b->hold) return "a balance's hold is not the sum of its orders' holds";
        if (b->total < b->hold && !ACCOUNT(c, b->account)->late && !ACCOUNT(c, b->account)->margin)
            return "a balance holds more than it has";
    }
    return NULL;
}

static bool adds_up(const core *c, uint32_t row)
{
    const core_position_row *sum = POSITION(c, row);
    core_position_row found = {0};
    bool fits = true;
    for (uint32_t i = ACCOUNT(c, SEAT(c, sum->seat)->account)->first_position; i; i = POSITION(c, i)->next_of_account)
        if (POSITION(c, i)->seat == sum->seat) fits = fits && position_add(&found, POSITION(c, i), NULL);
    return fits && SEAT(c, sum->seat)->sum == row && found.qty == sum->qty && found.cost == sum->cost && found.realised == sum->realised &&
           found.fees == sum->fees;
}

static const char *verify_limits(const core *c)
{
    for (uint32_t i = 1; i < c->limits.used; i++) {
        const core_limit_row *row = LIMIT_ROW(c, i);
        uint32_t open = limits_count(c, row);
        if (open != row->open_orders) return "a scope has not as many open orders as its limits count";
        if (limits_row(c, row->scope, row->key) != row) return "a row of limits cannot be found by its key";
    }
    return NULL;
}

static const char *verify_positions(const core *c)
{
    for (uint32_t i = 1; i < c->positions.used; i++) {
        const core_position_row *p = POSITION(c, i);
        if (!p->is_sum && p->qty == 0 && p->cost != 0) return "a flat position has a cost";
        if (p->is_sum ? !adds_up(c, i) : SEAT(c, p->seat)->sum == 0) return "an account's position is not the sum of its strategies'";
        if (p->is_sum) continue;
        if ((p->qty > 0 && p->cost < 0) || (p->qty < 0 && p->cost > 0)) return "a position's cost has the wrong sign";
        if (!p->is_sum && position_find(c, p->seat, p->strategy) != i) return "a position cannot be found by its key";
    }
    return NULL;
}

static const char *verify_tables(const core *c)
{
    uint32_t orders = 0, halts = 0;
    for (uint32_t i = 1; i < c->orders.used; i++) {
        const core_order *o = ORDER(c, i);
        bool queued = o->terms && TERMS(c, o->terms)->order == i && TERMS(c, o->terms)->queued; /* over, with something left to do */
        if ((!o->in_book && !o->in_account && !queued) || o->flags & FLAG_ENTRY) continue;
        if (order_find(c, o->order_no) != i) return "an order cannot be found by its number";
        orders++;
    }
    if (orders != c->order_ids.count) return "a number leads to an order that is gone";
    for (uint32_t i = 1; i < c->halts.used; i++) halts += HALT(c, i)->state != HALT_ACTIVE || HALT(c, i)->gates;
    return halts == c->halts_on ? NULL : "the count of halts is wrong";
}

const char *core_verify(core *c)
{
    const char *why = verify_books(c);
    if (why == NULL) why = mirror_verify(c);
    if (why == NULL) why = verify_accounts(c);
    if (why == NULL) why = verify_positions(c);
    if (why == NULL) why = verify_limits(c);
    if (why == NULL) why = verify_tables(c);
    return why ? why : verify_waiting(c);
}

/* ---- hash: a sum over items, so their order does not matter ---- */

static uint64_t mix64(uint64_t h, uint64_t x) { return fixed_mix(h ^ fixed_mix(x + 0x9E3779B97F4A7C15u)) + h; }
static uint64_t mix128(uint64_t h, i128 x) { return mix64(mix64(h, (uint64_t)x), (uint64_t)(x >> 64)); }

static uint64_t hash_terms(uint64_t h, const terms_row *t)
{
    h = mix64(mix64(mix64(h, (uint64_t)t->stop_ticks), (uint64_t)t->trail), (uint64_t)t->expires_at_ns);
    h = mix64(mix64(mix64(h, (uint64_t)t->tp_ticks), (uint64_t)t->sl_stop_ticks), (uint64_t)t->sl_limit_ticks);
    return mix64(h, t->born);
}

static uint64_t hash_order(const core *c, const core_order *o)
{
    const core_seat *seat = SEAT(c, o->seat);
    uint64_t h = mix64(1, o->order_no);
    h = mix64(h, (uint64_t)ACCOUNT(c, seat->account)->id << 32 | INSTRUMENT(c, seat->instrument)->id);
    h = mix64(h, POSITION(c, o->position)->strategy);
    h = mix64(h, (uint64_t)o->side | (uint64_t)o->type << 8 | (uint64_t)o->tif << 16 | (uint64_t)o->ord_status << 24 |
                     (uint64_t)o->flags << 32);
    h = mix64(mix64(mix64(h, (uint64_t)o->limit_ticks), (uint64_t)o->qty_lots), (uint64_t)o->filled_lots);
    h = mix64(mix64(h, o->spec_version), (uint64_t)o->maker_fee_ppm << 32 | o->taker_fee_ppm);
    if (o->terms) h = hash_terms(h, TERMS(c, o->terms));
    return mix128(mix128(h, o->hold), o->cum_cost);
}

static uint64_t hash_position(const core *c, const core_position_row *p)
{
    if (p->is_sum || (!p->qty && !p->cost && !p->realised && !p->fees)) return 0;
    const core_seat *seat = SEAT(c, p->seat);
    uint64_t h = mix64(2, (uint64_t)ACCOUNT(c, seat->account)->id << 32 | INSTRUMENT(c, seat->instrument)->id);
    h = mix128(mix128(mix64(h, p->strategy), p->qty), p->cost);
    return mix128(mix128(h, p->realised), p->fees);
}

static uint64_t hash_balance(const core *c, const core_balance_row *b)
{
    if (!b->total && !b->hold) return 0;
    return mix128(mix128(mix64(3, (uint64_t)ACCOUNT(c, b->account)->id << 32 | b->asset), b->total), b->hold);
}

static uint64_t hash_limits(uint64_t h, const core_limits *l)
{
#define MIX(name) h = mix64(h, l->name);
    CORE_LIMIT_COUNTS(MIX)
#undef MIX
#define MIX(name) h = mix128(h, l->name);
    CORE_LIMIT_AMOUNTS(MIX)
#undef MIX
    return h;
}

static uint64_t hash_account(const core_account *a)
{
    uint64_t h = mix64(4, (uint64_t)a->id << 32 | a->owner);
    const core_worth *w = &a->worth;
    if (a->margin || a->reporting_asset) h = mix64(mix64(h, (uint64_t)a->exchange << 32 | a->reporting_asset), a->margin);
    if (w->known || w->day_known || w->peak_known || w->flows) {
        h = mix64(h, 1u + w->known + 2u * w->day_known + 4u * w->peak_known);
        h = mix128(mix128(mix128(mix128(h, w->equity), w->day_open), w->peak), w->flows);
    }
    return a->own.set ? hash_limits(h, &a->own.limits) : h;
}

static uint64_t hash_row(const core_limit_row *row)
{
    return row->set ? hash_limits(mix64(mix64(6, row->scope), row->key), &row->limits) : 0;
}

static uint64_t hash_halt(const core_halt_row *h)
{
    if (h->state == HALT_ACTIVE && h->gates == 0) return 0;
    uint64_t sum = mix64(mix64(mix64(5, h->scope), h->key), (uint64_t)h->state | (uint64_t)h->gates << 8 | (uint64_t)h->reason << 16);
    return mix128(mix128(mix64(sum, (uint64_t)h->until_ns), h->limit), h->value);
}

/* Marks, rates, and the flows that wait for them. */
static uint64_t hash_values(const core *c)
{
    uint64_t sum = c->valued_at_ns ? mix64(6, (uint64_t)c->valued_at_ns) : 0;
    if (c->day_start_ns) sum += mix64(9, (uint64_t)c->day_start_ns);
    for (uint32_t i = 1; i < c->instruments.used; i++) {
        const core_mark_state *m = &INSTRUMENT(c, i)->mark;
        if (m->den) sum += mix64(mix128(mix128(mix64(7, INSTRUMENT(c, i)->id), m->num), m->den), (uint64_t)m->at_ns);
    }
    for (uint32_t i = 1; i < c->rates.used; i++) {
        const core_rate_row *r = RATE(c, i);
        uint64_t h = mix64(mix64(8, (uint64_t)r->asset << 32 | r->into), r->source);
        sum += mix64(mix64(mix128(mix128(h, r->num), r->den), (uint64_t)r->at_ns), (uint64_t)r->stale_after_ns);
    }
    for (uint32_t i = 1; i < c->accounts.used; i++)
        for (uint32_t slot = ACCOUNT(c, i)->first_flow; slot; slot = FLOW(c, slot)->next_of_account)
            sum += mix128(mix64(10, (uint64_t)ACCOUNT(c, i)->id << 32 | FLOW(c, slot)->asset), FLOW(c, slot)->amount);
    return sum;
}

uint64_t core_hash(const core *c)
{
    uint64_t sum = hash_values(c);
    for (uint32_t i = 1; i < c->orders.used; i++)
        if (ORDER(c, i)->in_account) sum += hash_order(c, ORDER(c, i));
    for (uint32_t i = 1; i < c->positions.used; i++) sum += hash_position(c, POSITION(c, i));
    for (uint32_t i = 1; i < c->balances.used; i++) sum += hash_balance(c, BALANCE(c, i));
    for (uint32_t i = 1; i < c->accounts.used; i++) sum += hash_account(ACCOUNT(c, i));
    for (uint32_t i = 1; i < c->halts.used; i++) sum += hash_halt(HALT(c, i));
    for (uint32_t i = 1; i < c->limits.used; i++) sum += hash_row(LIMIT_ROW(c, i));
    return sum;
}

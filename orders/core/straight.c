/* The straight line: what most commands are, without a question that they do not raise. A plain limit or market order that
 * passes every control, a cancel of one, an execution of one. Each function first makes sure that the command is of that kind
 * and clearly allowed; of anything else it says false, has changed nothing, and the way of everybody decides. So no refusal is
 * made here, and what is done here is what place.c, change.c and account.c would do. tests/core/test_straight.c holds the
 * two ways against each other. */
#include "state.h"

/* The benchmark builds the core once without each of these, to tell what it costs; the product leaves nothing out. */
enum part { RISK = 1, POSITIONS = 2, REPORTS = 4 };
#ifndef LEAVE_OUT
#define LEAVE_OUT 0
#endif
#define HAS(part) (!(LEAVE_OUT & (part)))

#define PLAIN_FLAGS ((uint32_t)FLAG_ALLOW_SELF_TRADE)
#define SMALL_AMOUNT ((i128)1 << 43) /* times a fee in parts per million it still fits 64 bits */

static inline i128 fee_of(i128 notional, uint32_t ppm)
{
    if (notional >= SMALL_AMOUNT) return fixed_fee(notional, ppm);
    return (i128)(((uint64_t)notional * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT);
}

/* Sides are random, so a branch on one is guessed wrong every other time. */
static inline i128 either(bool first, i128 a, i128 b) { return b ^ ((a ^ b) & -(i128)first); }

static inline bool is_small(i128 unit) { return (u128)unit <= INT64_MAX; }

static inline uint32_t greater(uint32_t a, uint32_t b) { return a > b ? a : b; }

static inline core_report *claim(core *c, size_t size, uint8_t exec_type, int64_t at_ns, uint64_t index)
{
    core_report *r = (core_report *)(void *)(c->ring + c->ring_used);
    c->ring_used += HAS(REPORTS) ? size : 0;
    c->ring_total++;
    r->seq = ++c->seq;
    r->at_ns = at_ns;
    r->exec_type = exec_type;
    r->reason = 0;
    r->command_index = (uint32_t)index;
    r->size = (uint16_t)size;
    r->layout = CORE_REPORT_LAYOUT;
    return r;
}

static inline void describe(core_report *r, const core_order *o, uint64_t strategy, uint32_t account, uint32_t instrument)
{
    if (!HAS(REPORTS)) return;
    r->order_no = o->order_no;
    r->strategy = strategy;
    r->account = account;
    r->instrument = instrument;
    r->side = o->side;
    r->type = o->type;
    r->tif = o->tif;
    r->flags = o->flags;
    r->spec_version = o->spec_version;
    r->price_ticks = o->limit_ticks;
    r->qty_lots = o->qty_lots;
    r->maker_fee_ppm = r->taker_fee_ppm = 0;
}

/* ---- place ---- */

typedef struct {
    core_account *account;
    core_instrument *instrument;
    core_seat *seat;
    core_balance_row *held;
    uint32_t seat_slot, instrument_slot, position;
    bool crosses;
    i128 hold, bucket;
} plain_place;

/* Everything the command names is known and open for it. */
static inline bool found(core *c, const core_command *m, plain_place *p)
{
    uint32_t account = seen_account(c, m->account);
    p->instrument_slot = seen_instrument(c, m->instrument);
    if (account == 0 || p->instrument_slot == 0 || c->halts_on) return false;
    p->seat_slot = seen_seat(c, account, p->instrument_slot);
    p->account = ACCOUNT(c, account);
    p->instrument = INSTRUMENT(c, p->instrument_slot);
    p->seat = SEAT(c, p->seat_slot);
    p->position = p->seat->recent;
    if (p->seat_slot == 0 || p->position == 0 || POSITION(c, p->position)->strategy != m->strategy) return false;
    p->held = BALANCE(c, p->seat->balance[m->side]);
    const core_instrument_spec *spec = &p->instrument->spec;
    return p->instrument->mirror == 0 && p->seat->way == WAY_CASH && p->account->own.set && (p->account->own.on | c->limit_scopes) == 0 &&
           spec->status == INSTRUMENT_TRADING && spec->spec_version == m->spec_version;
}

/* Whether any order of the owner's could stand on that side; of more accounts than one it might. */
static inline bool own_may_rest(const plain_place *p, unsigned side)
{
    return p->seat->open_lots[side] || p->seat->reducing || p->seat->owner_next != p->seat_slot;
}

/* The account's own limits. */
static inline bool within_limits(const core_command *m, plain_place *p, i128 notional)
{
    const core_limits *l = &p->account->own.limits;
    if (l->notional_max && notional > l->notional_max) return false;
    if (l->open_orders_max && p->account->open_orders >= l->open_orders_max) return false;
    if (l->open_orders_instrument_max && p->seat->open_orders >= l->open_orders_instrument_max) return false;
    if (l->rate_per_second) p->bucket = limits_tokens(&p->account->own.orders, l->rate_per_second, l->rate_burst, m->at_ns);
    return p->bucket >= BUCKET_TOKEN;
}

/* All controls of risk.c, each of them clearly held. */
static inline bool allowed(const core *c, const core_command *m, plain_place *p)
{
    const core_instrument_spec *spec = &p->instrument->spec;
    const core_limits *l = &p->account->own.limits;
    const core_book *b = &p->instrument->book;
    int64_t ticks_lots, lots = m->qty_lots, sum;
    if (m->price_ticks <= 0 || lots <= 0 || lots < spec->qty_min_lots || (spec->qty_max_lots && lots > spec->qty_max_lots)) return false;
    if (__builtin_mul_overflow(m->price_ticks, lots, &ticks_lots) || !is_small(spec->quote_unit) || !is_small(spec->base_unit))
        return false;
    i128 notional = (i128)ticks_lots * (int64_t)spec->quote_unit, amount = (i128)lots * (int64_t)spec->base_unit;
    if (notional > CORE_AMOUNT_MAX || amount > CORE_AMOUNT_MAX || notional < spec->notional_min) return false;
    p->bucket = BUCKET_TOKEN;
    if (HAS(RISK) && !within_limits(m, p, notional)) return false;
    p->crosses = book_crosses(b, m->side, m->price_ticks);
    if (p->crosses && l->self_trade != SELF_TRADE_ALLOW && !(m->flags & FLAG_ALLOW_SELF_TRADE) && own_may_rest(p, 1u - m->side))
        return false;
    i128 with_fee = notional + fee_of(notional, greater(spec->maker_fee_ppm, spec->taker_fee_ppm));
    p->hold = either(m->side == SIDE_BUY, with_fee, amount);
    return p->hold <= p->held->total - p->held->hold && !__builtin_add_overflow(b->lots[m->side], lots, &sum) &&
           !__builtin_add_overflow(p->seat->open_lots[m->side], lots, &sum) && order_find(c, m->order_no) == 0;
}

/* Room for all it may become, without asking for memory unless it takes. */
static inline bool has_room(core *c, const core_command *m, plain_place *p)
{
    const core_pool *orders = &c->orders;
    if (orders->room - orders->used + orders->free_count <= c->promised || c->order_ids.spare <= c->promised) return false;
    if (c->links_room != orders->room) return false;
    if (!book_has_room(&p->instrument->book, m->price_ticks) && !book_reserve(c, &p->instrument->book, m->price_ticks)) return false;
    return c->ring_used + sizeof(core_report) <= c->ring_room;
}

static inline uint32_t stand_up(core *c, const core_command *m, const plain_place *p)
{
    uint32_t slot = pool_take_as_it_lies(&c->orders);
    const core_instrument_spec *spec = &p->instrument->spec;
    core_account *a = p->account;
    index_put(c, m->order_no, slot);
    *ORDER(c, slot) = (core_order){
        .order_no = m->order_no,
        .price_ticks = m->price_ticks,
        .remaining = m->qty_lots,
        .instrument = p->instrument_slot,
        .seat = p->seat_slot,
        .position = p->position,
        .flags = m->flags,
        .spec_version = m->spec_version,
        .side = m->side,
        .type = m->type,
        .tif = m->tif,
        .ord_status = '0',
        .in_account = true,
        .maker_fee_ppm = spec->maker_fee_ppm,
        .taker_fee_ppm = spec->taker_fee_ppm,
        .limit_ticks = m->price_ticks,
        .qty_lots = m->qty_lots,
        .arrival = c->seq + 1,
        .hold = p->hold,
    };
    order_links *own = LINKS(c, slot);
    own->account_prev = 0;
    own->account_next = a->first_order;
    LINKS(c, a->first_order)->account_prev = slot;
    a->first_order = slot;
    a->open_orders++;
    p->seat->open_orders++;
    p->seat->open_lots[m->side] += m->qty_lots;
    p->instrument->open_orders++;
    c->orders_open++;
    p->held->hold += p->hold;
    core_bucket *bucket = &a->own.orders;
    if (a->own.limits.rate_per_second) {
        bucket->tokens = p->bucket - BUCKET_TOKEN;
        bucket->at_ns = m->at_ns > bucket->at_ns ? m->at_ns : bucket->at_ns;
    }
    return slot;
}

static inline uint32_t begin(core *c, const core_command *m, const plain_place *p, uint64_t index)
{
    c->commands++;
    c->checks += RISK_CONTROLS;
    uint32_t slot = stand_up(c, m, p);
    core_report *restrict r = claim(c, CORE_REPORT_HEAD, '0', m->at_ns, index);
    describe(r, ORDER(c, slot), m->strategy, m->account, m->instrument);
    r->ord_status = '0';
    r->liquidity = LIQUIDITY_NONE;
    r->filled_lots = 0;
    r->maker_fee_ppm = p->instrument->spec.maker_fee_ppm;
    r->taker_fee_ppm = p->instrument->spec.taker_fee_ppm;
    r->hold = p->hold;
    r->held = p->held->hold;
    return slot;
}

__attribute__((noinline)) static bool take(core *c, const core_command *m, const plain_place *p, uint64_t index)
{
    match_preview none = {0};
    if (!match_reserve(c, p->instrument, m, &none)) return false;
    uint32_t slot = begin(c, m, p, index);
    match_enter(c, slot, m->at_ns, index);
    command_done(c);
    return true;
}

/* What a market order would cost in this book now stands where a limit order has its price. */
static inline bool affords(const core *c, const core_command *m, plain_place *p)
{
    const core_instrument_spec *spec = &p->instrument->spec;
    const core_limits *l = &p->account->own.limits;
    match_preview would = {0};
    int64_t lots = m->qty_lots, sum;
    if (lots <= 0 || lots < spec->qty_min_lots || (spec->qty_max_lots && lots > spec->qty_max_lots) || !is_small(spec->base_unit))
        return false;
    if (l->self_trade != SELF_TRADE_ALLOW && !(m->flags & FLAG_ALLOW_SELF_TRADE)) return false;
    match_walk(c, p->instrument, m, p->account->owner, spec->taker_fee_ppm, &would);
    if (would.lots == 0 || would.cost < spec->notional_min) return false;
    i128 worst; /* risk.c takes 2 % of slack on it: more than that here, so what is close is decided there */
    if (!fixed_notional(would.worst, lots, spec->quote_unit, &worst) || (l->notional_max && worst + worst / 32 + 1 > l->notional_max))
        return false;
    i128 amount = (i128)lots * (int64_t)spec->base_unit;
    p->bucket = BUCKET_TOKEN;
    p->crosses = true;
    p->hold = either(m->side == SIDE_BUY, would.cost + would.fees, amount);
    return amount <= CORE_AMOUNT_MAX && within_limits(m, p, would.cost) && p->hold <= p->held->total - p->held->hold &&
           !__builtin_add_overflow(p->instrument->book.lots[m->side], lots, &sum) &&
           !__builtin_add_overflow(p->seat->open_lots[m->side], lots, &sum) && order_find(c, m->order_no) == 0;
}

bool straight_place(core *c, const core_command *m, uint64_t index)
{
    plain_place p;
    if (c->careful || m->flags & ~PLAIN_FLAGS || m->type > TYPE_MARKET || m->tif > TIF_IOC || m->side > SIDE_SELL) return false;
    if (c->due_head || m->at_ns >= c->expires_next || m->order_no & (CHILD_STOP_LOSS | CHILD_TAKE_PROFIT)) return false;
    if (!found(c, m, &p) || p.instrument->reducing) return false;
    if (!(m->type == TYPE_LIMIT ? allowed(c, m, &p) : affords(c, m, &p)) || !has_room(c, m, &p)) return false;
    if (p.crosses) return take(c, m, &p, index);
    if (m->tif != TIF_GTC) return false;
    book_add(c, &p.instrument->book, begin(c, m, &p, index));
    return true;
}

/* ---- cancel ---- */

static inline void leave_account(core *c, uint32_t slot, core_order *o, core_account *a, core_seat *seat, core_instrument *in)
{
    const order_links *own = LINKS(c, slot);
    LINKS(c, own->account_prev)->account_next = own->account_next;
    LINKS(c, own->account_next)->account_prev = own->account_prev;
    a->first_order = first(own->account_prev, a->first_order, own->account_next);
    a->open_orders--;
    seat->open_orders--;
    seat->open_lots[o->side] -= o->qty_lots - o->filled_lots;
    in->open_orders--;
    c->orders_open--;
    o->in_account = false;
}

bool straight_cancel(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot = order_find(c, m->order_no);
    if (slot == 0) return false;
    core_order *o = ORDER(c, slot);
    if (c->careful || m->flags || o->flags & ~PLAIN_FLAGS || !o->in_book || !o->in_account) return false;
    core_seat *seat = SEAT(c, o->seat);
    core_account *a = ACCOUNT(c, seat->account);
    core_instrument *in = INSTRUMENT(c, o->instrument);
    uint8_t status = order_next(o->ord_status, '4', false);
    bool untold = o->qty_lots - o->remaining != o->filled_lots;
    if (c->due_head || m->at_ns >= c->expires_next) return false;
    if (in->mirror || untold || status == 0 || (m->account && a->id != m->account) || a->own.on | c->limit_scopes) return false;
    if (c->ring_used + sizeof(core_report) > c->ring_room) return false;
    c->commands++;
    book_remove(c, &in->book, slot);
    core_balance_row *held = BALANCE(c, seat->balance[o->side]);
    held->hold -= o->hold;
    core_report *restrict r = claim(c, CORE_REPORT_HEAD, '4', m->at_ns, index);
    describe(r, o, POSITION(c, o->position)->strategy, a->id, in->id);
    r->ord_status = status;
    r->liquidity = LIQUIDITY_NONE;
    r->filled_lots = o->filled_lots;
    r->hold = 0;
    r->held = held->hold;
    leave_account(c, slot, o, a, seat, in);
    index_remove(c, o->order_no, slot);
    pool_give(&c->orders, slot);
    return true;
}

/* ---- execution ---- */

/* Of one side; the book has been told already. notional and amount are those of the lots. */
bool straight_fill(core *c, uint32_t slot, const core_tape *t, i128 notional, i128 amount, uint8_t liquidity, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    core_account *a = ACCOUNT(c, seat->account);
    core_instrument *in = INSTRUMENT(c, o->instrument);
    const core_instrument_spec *spec = &in->spec;
    int64_t filled = o->filled_lots + t->qty_lots, open = o->qty_lots - filled, ticks_lots;
    uint8_t status = order_next(o->ord_status, 'F', open == 0);
    if (c->careful || a->own.on | c->limit_scopes || o->flags & ~PLAIN_FLAGS || o->type > TYPE_MARKET || open < 0 || status == 0 ||
        seat->way != WAY_CASH)
        return false;
    if (__builtin_mul_overflow(o->limit_ticks, open, &ticks_lots) || !is_small(spec->quote_unit) || !is_small(spec->base_unit))
        return false;

    bool buys = o->side == SIDE_BUY;
    i128 fee = fee_of(notional, liquidity == LIQUIDITY_MAKER ? o->maker_fee_ppm : o->taker_fee_ppm);
    i128 bid = (i128)ticks_lots * (int64_t)spec->quote_unit; /* fits: all its lots did when it was placed */
    bid += fee_of(bid, greater(o->maker_fee_ppm, o->taker_fee_ppm));
    i128 hold = either(buys, bid, (i128)open * (int64_t)spec->base_unit), kept = o->hold - hold - notional;
    if (__builtin_expect(o->type == TYPE_MARKET, 0)) { /* it holds what its walk of the book cost */
        i128 left = o->hold - notional - fee;
        if (buys) hold = left < 0 || open == 0 ? 0 : left;
    } else {
        fee = buys & (fee > kept) ? kept : fee;
    }
    core_balance_row *base = BALANCE(c, seat->balance[SIDE_SELL]), *quote = BALANCE(c, seat->balance[SIDE_BUY]);
    core_position_row *p = POSITION(c, o->position);
    i128 base_total, quote_total, sign = buys ? 1 : -1;
    if (__builtin_add_overflow(base->total, (amount ^ (sign >> 1)) - (sign >> 1), &base_total) ||
        __builtin_sub_overflow(quote->total, (notional ^ (sign >> 1)) - (sign >> 1) + fee, &quote_total))
        return false;
    if (HAS(POSITIONS) && !position_fill(c, o->position, o->side, amount, notional, fee)) return false; /* everybody's way says why */

    core_report *restrict r = claim(c, sizeof *r, 'F', t->at_ns, index);
    core_balance_row *held = BALANCE(c, seat->balance[o->side]);
    base->total = base_total;
    quote->total = quote_total;
    held->hold += hold - o->hold;
    o->hold = hold;
    o->cum_cost += notional;
    o->filled_lots = filled;
    seat->open_lots[o->side] -= t->qty_lots;
    o->ord_status = status;
    describe(r, o, p->strategy, a->id, in->id);
    r->ord_status = status;
    r->liquidity = liquidity;
    r->filled_lots = filled;
    r->hold = hold;
    r->held = held->hold;
    r->last_ticks = t->price_ticks;
    r->last_lots = t->qty_lots;
    r->trade_no = t->trade_no;
    r->fee_asset = 0;
    r->cum_cost = o->cum_cost;
    r->last_fee = fee;
    r->base_total = base_total;
    r->base_hold = base->hold;
    r->quote_total = quote_total;
    r->quote_hold = quote->hold;
    r->pos_qty = p->qty;
    r->pos_cost = p->cost;
    r->pos_realised = p->realised;
    r->pos_fees = p->fees;
    if (open == 0) leave_account(c, slot, o, a, seat, in);
    return true;
}

/* The straight line of what trades: one side's execution, and a whole plain order that meets plain orders. The side is known
 * where the functions below are inlined, so each is there twice, once for a buyer and once for a seller, and asks nothing
 * about sides. An order that takes is in no list and no table until that is needed: most are gone when their command is. */
#include "straight.h"

typedef struct { /* one side of a trade; the rows its money lies in */
    core_order *order;
    core_seat *seat;
    core_balance_row *base, *quote;
    core_position_row *position;
    uint32_t slot;
    report_of of;
} party;

typedef struct { /* a print, and what its lots are worth */
    int64_t ticks, lots;
    uint64_t trade_no;
    i128 notional, amount;
} print;

/* ---- execution ---- */

/* What is closed of a position: floor(cost * closing / qty) leaves its cost. All are positive. */
static inline i128 share_of(i128 cost, i128 closing, i128 qty)
{
    uint64_t product;
    bool narrow = (((u128)cost | (u128)closing | (u128)qty) >> 64) == 0;
    if (narrow && !__builtin_mul_overflow((uint64_t)cost, (uint64_t)closing, &product)) return product / (uint64_t)qty;
    return fixed_share(cost, closing, qty);
}

static void report_position(const core_position_row *p, core_report *r)
{
    r->pos_qty = p->qty;
    r->pos_cost = p->cost;
    r->pos_realised = p->realised;
    r->pos_fees = p->fees;
}

/* position_fill() of a row that cannot overflow; when it is not its account's only one here, it has been done. */
ALWAYS_INLINE void hold_position(const party *at, bool buys, const print *t, i128 fee, core_report *r, bool alone)
{
    core_position_row *p = at->position;
    i128 qty = p->qty, cost = p->cost, realised = p->realised, fees = p->fees + fee, amount = t->amount, notional = t->notional;
    if (!alone) {
        report_position(p, r);
        return;
    }
    if (buys ? qty < 0 : qty > 0) {
        i128 held = buys ? -qty : qty, paid = buys ? -cost : cost; /* both positive */
        if (held > amount) {
            i128 removed = share_of(paid, amount, held);
            realised += buys ? removed - notional : notional - removed;
            qty += buys ? amount : -amount;
            cost += buys ? removed : -removed;
        } else {
            i128 closing = held == amount ? notional : fixed_share(notional, held, amount), opening = notional - closing;
            realised += buys ? paid - closing : closing - paid;
            qty += buys ? amount : -amount;
            cost = buys ? opening : -opening;
        }
    } else {
        qty += buys ? amount : -amount;
        cost += buys ? notional : -notional;
    }
    put_amount(&p->qty, qty);
    put_amount(&p->cost, cost);
    put_amount(&p->realised, realised);
    put_amount(&p->fees, fees);
    put_amount(&r->pos_qty, qty);
    put_amount(&r->pos_cost, cost);
    put_amount(&r->pos_realised, realised);
    put_amount(&r->pos_fees, fees);
}

static inline uint32_t fee_rate(const core_order *o, uint8_t liquidity)
{
    return liquidity == LIQUIDITY_MAKER ? o->maker_fee_ppm : o->taker_fee_ppm;
}

/* What the order holds after it, and the fee: many small fills round up more often than the one hold did, so a fee never
 * takes more than was kept for it. */
ALWAYS_INLINE void reckon(const core_order *o, const plain_market *k, bool buys, const print *t, int64_t open, uint32_t ppm, i128 *hold,
                          i128 *fee)
{
    *fee = fee_of(t->notional, ppm);
    *hold = (i128)open * k->base_unit;
    if (!buys) return;
    if (__builtin_expect(o->type == TYPE_MARKET, 0)) { /* it holds what its walk of the book cost */
        i128 left = o->hold - t->notional - *fee;
        *hold = left < 0 || open == 0 ? 0 : left;
        return;
    }
    *hold = (i128)(o->limit_ticks * open) * k->quote_unit;
    *hold += fee_of(*hold, greater(o->maker_fee_ppm, o->taker_fee_ppm));
    i128 kept = o->hold - *hold - t->notional;
    *fee = *fee > kept ? kept : *fee;
}

static inline uint64_t highs_of(const party *p)
{
    return high(p->base->total) | high(p->quote->total) | high(p->position->qty) | high(p->position->cost) | high(p->position->realised) |
           high(p->position->fees);
}

/* Whatever its lots, an execution of it needs no questions. */
static inline bool is_plain(const core *c, const party *p, const plain_market *k)
{
    const core_order *o = p->order;
    return ((o->flags & ~PLAIN_FLAGS) | o->terms | p->seat->way) == 0 && (o->ord_status | 1) == '1' && o->type <= TYPE_MARKET &&
           k->quote_unit && ACCOUNT(c, p->seat->account)->orders_max && ROOMY(highs_of(p));
}

/* Of a plain order. The book has been told already. */
ALWAYS_INLINE void execute_one(core *c, const plain_market *k, const party *p, bool buys, const print *t, uint8_t liquidity, bool alone)
{
    core_order *o = p->order;
    core_balance_row *base = p->base, *quote = p->quote, *held = buys ? quote : base;
    int64_t filled = o->filled_lots + t->lots, open = o->qty_lots - filled;
    i128 hold, fee;
    reckon(o, k, buys, t, open, fee_rate(o, liquidity), &hold, &fee);
    i128 base_total = base->total + (buys ? t->amount : -t->amount),
         quote_total = quote->total - (buys ? t->notional + fee : fee - t->notional);
    i128 held_after = held->hold + (hold - o->hold), cost = o->cum_cost + t->notional;
    o->filled_lots = filled;
    o->ord_status = open == 0 ? '2' : '1';
    core_report *r = claim(c, sizeof *r, 'F', liquidity, o, &p->of);
    put_amount(&o->hold, hold);
    put_amount(&o->cum_cost, cost);
    put_amount(&held->hold, held_after);
    put_amount(&base->total, base_total);
    put_amount(&quote->total, quote_total);
    put_amount(&r->hold, hold);
    put_amount(&r->held, held_after);
    r->last_ticks = t->ticks;
    r->last_lots = t->lots;
    r->trade_no = t->trade_no;
    r->fee_asset = 0;
    put_amount(&r->cum_cost, cost);
    put_amount(&r->last_fee, fee);
    put_amount(&r->base_total, base_total);
    put_amount(&r->base_hold, buys ? base->hold : held_after);
    put_amount(&r->quote_total, quote_total);
    put_amount(&r->quote_hold, buys ? held_after : quote->hold);
    if (HAS(POSITIONS)) hold_position(p, buys, t, fee, r, alone);
}

static inline party party_of(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    core_position_row *position = POSITION(c, o->position);
    return (party){.order = o,
                   .seat = seat,
                   .base = BALANCE(c, seat->balance[SIDE_SELL]),
                   .quote = BALANCE(c, seat->balance[SIDE_BUY]),
                   .position = position,
                   .slot = slot,
                   .of = {position->strategy, ACCOUNT(c, seat->account)->id, INSTRUMENT(c, o->instrument)->id, at_ns, index}};
}

bool straight_fill(core *c, uint32_t slot, const core_tape *t, i128 notional, i128 amount, uint8_t liquidity, uint64_t index)
{
    party p = party_of(c, slot, t->at_ns, index);
    core_order *o = p.order;
    core_instrument *in = INSTRUMENT(c, o->instrument);
    core_account *a = ACCOUNT(c, p.seat->account);
    print fill = {t->price_ticks, t->qty_lots, t->trade_no, notional, amount};
    int64_t open = o->qty_lots - o->filled_lots - t->qty_lots, worth;
    bool alone = p.seat->sum == o->position;
    if (c->careful || c->limit_scopes || open < 0 || !is_plain(c, &p, &in->plain) || __builtin_mul_overflow(o->limit_ticks, open, &worth))
        return false;
    if (!alone) {
        i128 hold, fee;
        reckon(o, &in->plain, o->side == SIDE_BUY, &fill, open, fee_rate(o, liquidity), &hold, &fee);
        if (!position_fill(c, o->position, o->side, amount, notional, fee)) return false; /* everybody's way says why */
    }
    if (o->side == SIDE_BUY)
        execute_one(c, &in->plain, &p, true, &fill, liquidity, alone);
    else
        execute_one(c, &in->plain, &p, false, &fill, liquidity, alone);
    p.seat->open_lots[o->side] -= t->qty_lots;
    if (o->filled_lots == o->qty_lots) {
        account_part(c, slot, a, p.seat, in, o->side, 0);
        o->in_account = false;
    }
    TAKEN(STRAIGHT_FILL);
    return true;
}

/* ---- taking ---- */

/* The taker joins the lists and tables it has been kept out of. */
static void make_known(core *c, const plain_place *p, uint32_t slot)
{
    const core_order *o = ORDER(c, slot);
    index_put(c, o->order_no, slot);
    account_join(c, slot, p->account, p->seat, p->instrument, o->side, o->qty_lots - o->filled_lots);
}

ALWAYS_INLINE void write_print(core *c, const core_instrument *in, const core_order *taker, const core_order *maker, const print *t,
                               int64_t at_ns)
{
    uint32_t at = c->tape_first + c->tape_used;
    if (at >= c->tape_room) at -= c->tape_room;
    core_tape *tape = &c->tape[at];
    tape->trade_no = t->trade_no;
    tape->at_ns = at_ns;
    tape->taker_order_no = taker->order_no;
    tape->maker_order_no = maker->order_no;
    tape->instrument = in->id;
    tape->side = taker->side;
    memset(tape->pad, 0, sizeof tape->pad);
    tape->price_ticks = t->ticks;
    tape->qty_lots = t->lots;
    tape->taker_flags = taker->flags;
    tape->maker_flags = maker->flags;
    tape->seq = ++c->tape_seq;
    c->tape_used++; /* there is room, or straight_take() had not come here */
    c->trades++;
    c->quantity += (uint64_t)t->lots;
    c->trade_hash =
        c->trade_hash * 0x9E3779B97F4A7C15u + (31 * taker->order_no + 17 * maker->order_no + 7 * (uint64_t)t->ticks + (uint64_t)t->lots);
}

/* Both are so that a print never is without its reports. */
static inline bool may_meet(const core *c, const party *taker, const party *maker, const plain_market *k)
{
    const core_order *o = maker->order;
    int64_t worth; /* of all that is left of it fits, so that of each part does */
    return is_plain(c, maker, k) && !__builtin_mul_overflow(o->limit_ticks, o->remaining, &worth) && ROOMY(highs_of(taker)) &&
           o->qty_lots - o->filled_lots == o->remaining && o->in_account && maker->seat->sum == o->position;
}

/* Meets orders as long as they are plain. */
ALWAYS_INLINE void meet(core *c, const plain_place *p, const party *taker, bool buys, int64_t limit)
{
    core_instrument *in = p->instrument;
    core_book *b = &in->book;
    core_order *o = taker->order;
    const unsigned other = buys ? SIDE_SELL : SIDE_BUY;
    while (o->remaining > 0 && b->levels[other] && (buys ? b->best[other] <= limit : b->best[other] >= limit)) {
        int64_t best = b->best[other];
        if (!book_is_near(b, best)) return;
        core_level *level = book_near(b, best);
        party maker = party_of(c, level->head, taker->of.at_ns, CORE_NO_COMMAND);
        core_order *m = maker.order;
        int64_t lots = m->remaining < o->remaining ? m->remaining : o->remaining;
        if (!may_meet(c, taker, &maker, &in->plain)) return;
        print t = {best, lots, ++c->trade_no, (i128)(best * lots) * in->plain.quote_unit, (i128)lots * in->plain.base_unit};
        write_print(c, in, o, m, &t, taker->of.at_ns);
        o->remaining -= lots;
        execute_one(c, &in->plain, taker, buys, &t, LIQUIDITY_TAKER, true);
        execute_one(c, &in->plain, &maker, !buys, &t, LIQUIDITY_MAKER, true);
        in->last_ticks = best;
        TAKEN(STRAIGHT_MEET);
        m->remaining -= lots;
        if (m->remaining == 0) {
            book_part(c, b, maker.slot, other, best, lots);
            account_part(c, maker.slot, ACCOUNT(c, maker.seat->account), maker.seat, in, other, lots);
            index_remove(c, m->order_no, maker.slot);
            let_go(c, maker.slot);
        } else {
            level->lots -= lots;
            b->lots[other] -= lots;
            maker.seat->open_lots[other] -= lots;
        }
    }
}

/* What is left of an order that does not stand. */
static void withdraw(core *c, const plain_place *p, const party *taker)
{
    core_order *o = taker->order;
    i128 left = p->held->hold - o->hold;
    put_amount(&p->held->hold, left);
    o->ord_status = '4';
    core_report *r = claim(c, CORE_REPORT_HEAD, '4', LIQUIDITY_NONE, o, &taker->of);
    put_amount(&r->hold, 0);
    put_amount(&r->held, left);
}

static inline bool has_room(core *c, const core_command *m, const core_instrument *in)
{
    match_preview none = {0};
    uint64_t meets = in->book.orders[1u - m->side], lots = (uint64_t)m->qty_lots;
    if (lots < meets) meets = lots; /* nobody trades less than a lot */
    if (c->ring_used + (4 + 2 * meets) * sizeof(core_report) > c->ring_room || c->tape_used + meets > c->tape_room)
        if (!match_reserve(c, in, m, &none)) return false;
    return c->tape_used + meets <= c->tape_room; /* else the oldest prints are lost, as everybody's way knows */
}

bool straight_take(core *c, const core_command *m, const plain_place *p, uint64_t index)
{
    const core_instrument *in = p->instrument;
    core_book *b = &p->instrument->book;
    int64_t limit = match_limit(m->side, m->type, m->price_ticks);
    if (c->watching || c->fail_report || in->waiting || p->seat->sum != p->position || !has_room(c, m, in)) return false;
    report_of of = {m->strategy, m->account, m->instrument, m->at_ns, index};
    uint32_t slot = straight_begin(c, m, p, &of);
    party taker = party_of(c, slot, m->at_ns, index);
    core_order *o = taker.order;
    if (m->side == SIDE_BUY)
        meet(c, p, &taker, true, limit);
    else
        meet(c, p, &taker, false, limit);
    if (o->remaining == 0) {
        let_go(c, slot);
    } else if (book_crosses(b, m->side, limit)) { /* an order that is not plain: everybody's way goes on */
        make_known(c, p, slot);
        match_enter(c, slot, m->at_ns, index);
        command_done(c);
    } else if (m->tif == TIF_IOC || m->type == TYPE_MARKET) {
        withdraw(c, p, &taker);
        let_go(c, slot);
    } else {
        make_known(c, p, slot);
        book_add(c, b, slot);
    }
    TAKEN(STRAIGHT_TAKE);
    return true;
}

/* The straight line: what most commands are, without a question that they do not raise. A plain limit or market order that
 * passes every control, a cancel of one, an amend of one; straight_take.c has what trades. Each function first makes sure that
 * the command is of that kind and clearly allowed; of anything else it says false, has changed nothing, and the way of
 * everybody decides. So no refusal is made here, and what is done here is what place.c, change.c and account.c would do.
 * tests/core/test_straight.c holds the two ways against each other. */
#include "straight.h"

#ifdef COUNT_STRAIGHT
uint64_t straight_taken[STRAIGHTS];
#endif

/* ---- what is told, drawn into bounds ---- */

static int64_t most_times(i128 unit)
{
    i128 most = CORE_AMOUNT_MAX / unit;
    return most > INT64_MAX ? INT64_MAX : (int64_t)most;
}

void straight_market(core_instrument *in)
{
    const core_instrument_spec *s = &in->spec;
    bool small = s->base_unit <= INT64_MAX && s->quote_unit <= INT64_MAX;
    in->plain = (plain_market){.version = NOT_PLAIN, .maker_fee_ppm = s->maker_fee_ppm, .taker_fee_ppm = s->taker_fee_ppm};
    if (!small) return;
    in->plain.base_unit = (int64_t)s->base_unit;
    in->plain.quote_unit = (int64_t)s->quote_unit;
    int64_t lots_max = most_times(s->base_unit), worth_max = most_times(s->quote_unit);
    i128 worth_min = (s->notional_min + s->quote_unit - 1) / s->quote_unit;
    if (s->qty_max_lots && s->qty_max_lots < lots_max) lots_max = s->qty_max_lots;
    in->plain.lots_min = s->qty_min_lots > 1 ? s->qty_min_lots : 1;
    if (lots_max < in->plain.lots_min || worth_min > worth_max || in->mirror || s->status != INSTRUMENT_TRADING) return;
    in->plain.lots_span = (uint64_t)lots_max - (uint64_t)in->plain.lots_min;
    in->plain.worth_min = worth_min > 1 ? (int64_t)worth_min : 1;
    in->plain.worth_span = (uint64_t)worth_max - (uint64_t)in->plain.worth_min;
    in->plain.version = s->spec_version;
}

void straight_account(core_account *a)
{
    const core_limits *l = &a->own.limits;
    bool plain = a->own.set && a->own.on == 0;
    a->orders_max = !plain ? 0 : l->open_orders_max ? l->open_orders_max : UINT32_MAX;
    a->orders_here_max = l->open_orders_instrument_max ? l->open_orders_instrument_max : UINT32_MAX;
    a->rate = l->rate_per_second;
    a->burst = l->rate_burst ? l->rate_burst : 1;
}

/* ---- place ---- */

/* Nobody is halted, no scope wider than an account has limits, nothing waits to be done first. */
static inline bool ordinary(const core *c, int64_t at_ns)
{
    return (c->halts_on | c->limit_scopes | c->due_head | c->careful) == 0 && at_ns < c->expires_next;
}

/* Everything the command names is known and open for it. */
static inline bool found(core *c, const core_command *m, plain_place *p)
{
    p->account_slot = seen_account(c, m->account);
    p->instrument_slot = seen_instrument(c, m->instrument);
    if (p->account_slot == 0 || p->instrument_slot == 0) return false;
    p->seat_slot = seen_seat(c, p->account_slot, p->instrument_slot);
    p->account = ACCOUNT(c, p->account_slot);
    p->instrument = INSTRUMENT(c, p->instrument_slot);
    p->seat = SEAT(c, p->seat_slot); /* slot 0 has no position */
    p->held = BALANCE(c, p->seat->balance[m->side]);
    p->position = p->seat->recent;
    if (p->seat->strategy != m->strategy && (p->position = position_find(c, p->seat_slot, m->strategy)) != 0)
        position_used(c, p->seat_slot, p->position);
    return p->position && p->seat->way == WAY_CASH && p->instrument->plain.version == m->spec_version && p->instrument->reducing == 0;
}

/* Whether any order of the owner's could stand on that side; of more accounts than one it might. */
static inline bool own_may_rest(const plain_place *p, unsigned side)
{
    return p->seat->open_lots[side] || p->seat->reducing || p->seat->owner_next != p->seat_slot;
}

/* What is counted, and the tokens: at most 2^32 * 10^9 of them, so they fit 64 bits. */
static inline bool within_counts(const core_command *m, plain_place *p)
{
    const core_account *a = p->account;
    const core_bucket *b = &a->own.orders;
    if (a->open_orders >= a->orders_max || p->seat->open_orders >= a->orders_here_max) return false;
    if (a->rate == 0) return true;
    int64_t full = (int64_t)a->burst * BUCKET_TOKEN, level = (int64_t)b->tokens;
    uint64_t more, passed = m->at_ns > b->at_ns ? (uint64_t)m->at_ns - (uint64_t)b->at_ns : 0;
    if (__builtin_mul_overflow(passed, a->rate, &more) || more > (uint64_t)(full - level)) more = (uint64_t)(full - level);
    p->tokens = level + (int64_t)more - BUCKET_TOKEN;
    return p->tokens >= 0;
}

static inline bool within_notional(const core_account *a, i128 notional)
{
    return a->own.limits.notional_max == 0 || notional <= a->own.limits.notional_max;
}

/* Free money, sums that stay in 64 bits, and a number that nobody has. */
static inline bool fits(const core *c, const core_command *m, plain_place *p)
{
    int64_t sum;
    return p->hold <= p->held->total - p->held->hold && !__builtin_add_overflow(p->instrument->book.lots[m->side], m->qty_lots, &sum) &&
           !__builtin_add_overflow(p->seat->open_lots[m->side], m->qty_lots, &sum) && index_probe(c, m->order_no, &p->index_at) == 0;
}

/* All controls of risk.c, each of them clearly held. */
static inline bool allowed(const core *c, const core_command *m, plain_place *p)
{
    const plain_market *k = &p->instrument->plain;
    int64_t worth, lots = m->qty_lots;
    if ((uint64_t)lots - (uint64_t)k->lots_min > k->lots_span) return false;
    if (__builtin_mul_overflow(m->price_ticks, lots, &worth) || (uint64_t)worth - (uint64_t)k->worth_min > k->worth_span) return false;
    i128 notional = (i128)worth * k->quote_unit;
    if (HAS(RISK) && !(within_notional(p->account, notional) && within_counts(m, p))) return false;
    p->crosses = book_crosses(&p->instrument->book, m->side, m->price_ticks);
    if (p->crosses && p->account->own.limits.self_trade != SELF_TRADE_ALLOW && !(m->flags & FLAG_ALLOW_SELF_TRADE) &&
        own_may_rest(p, 1u - m->side))
        return false;
    i128 bid = notional + fee_of(notional, greater(k->maker_fee_ppm, k->taker_fee_ppm)), ask = (i128)lots * k->base_unit;
    i128 buys = -(i128)(m->side == SIDE_BUY); /* sides are random, so a branch on one is guessed wrong every other time */
    p->hold = ask ^ ((ask ^ bid) & buys);
    return fits(c, m, p);
}

/* What a market order would cost in this book now stands where a limit order has its price. */
static inline bool affords(const core *c, const core_command *m, plain_place *p)
{
    const core_instrument *in = p->instrument;
    const core_limits *l = &p->account->own.limits;
    match_preview would = {0};
    int64_t lots = m->qty_lots;
    if ((uint64_t)lots - (uint64_t)in->plain.lots_min > in->plain.lots_span) return false;
    if (l->self_trade != SELF_TRADE_ALLOW && !(m->flags & FLAG_ALLOW_SELF_TRADE)) return false;
    match_walk(c, in, m, p->account->owner, in->plain.taker_fee_ppm, &would);
    if (would.lots == 0 || would.cost < in->spec.notional_min) return false;
    i128 worst; /* risk.c takes 2 % of slack on it: more than that here, so what is close is decided there */
    if (!fixed_notional(would.worst, lots, in->plain.quote_unit, &worst) || !within_notional(p->account, worst + worst / 32 + 1))
        return false;
    p->crosses = true;
    p->hold = m->side == SIDE_BUY ? would.cost + would.fees : (i128)lots * in->plain.base_unit;
    return (!HAS(RISK) || (within_notional(p->account, would.cost) && within_counts(m, p))) && fits(c, m, p);
}

/* Room for all it may become, without asking for memory unless it stands where no order stood. */
static inline bool has_room(const core *c)
{
    const core_pool *orders = &c->orders;
    return orders->room - orders->used + orders->free_count > c->promised && c->order_ids.spare > c->promised &&
           c->links_room == orders->room && c->ring_used + sizeof(core_report) <= c->ring_room;
}
static inline bool may_stand(core *c, const core_command *m, plain_place *p)
{
    core_book *b = &p->instrument->book;
    return m->tif == TIF_IOC || m->type == TYPE_MARKET || book_has_room(b, m->price_ticks) || book_reserve(c, b, m->price_ticks);
}

static inline uint32_t begin(core *c, const core_command *m, const plain_place *p, const report_of *of)
{
    uint32_t slot = pool_take_as_it_lies(&c->orders), fresh = 0x0100; /* not in the book, in the account, does not give way */
    core_order *o = ORDER(c, slot);
    const plain_market *k = &p->instrument->plain;
    uint32_t states;
    memcpy(&states, &m->op, sizeof states); /* op, side, type, tif */
    states = (states & ~(uint32_t)UINT8_MAX) | '0';
    c->commands++;
    c->checks += RISK_CONTROLS;
    o->order_no = m->order_no;
    o->price_ticks = o->limit_ticks = m->price_ticks;
    o->remaining = o->qty_lots = m->qty_lots;
    o->instrument = p->instrument_slot;
    o->seat = p->seat_slot;
    o->position = p->position;
    o->terms = 0;
    o->flags = m->flags;
    o->spec_version = m->spec_version;
    memcpy(&o->ord_status, &states, sizeof states);
    memcpy(&o->in_book, &fresh, sizeof fresh);
    put_pair(&o->maker_fee_ppm, pair(&k->maker_fee_ppm));
    o->filled_lots = 0;
    o->arrival = c->seq + 1;
    put_amount(&o->hold, p->hold);
    put_amount(&o->cum_cost, 0);
    i128 held = p->held->hold + p->hold;
    put_amount(&p->held->hold, held);
    if (p->account->rate) {
        core_bucket *b = &p->account->own.orders;
        put_amount(&b->tokens, p->tokens);
        b->at_ns = m->at_ns > b->at_ns ? m->at_ns : b->at_ns;
    }
    core_report *r = claim(c, CORE_REPORT_HEAD, '0', LIQUIDITY_NONE, o, of);
    put_pair(&r->maker_fee_ppm, pair(&k->maker_fee_ppm));
    put_amount(&r->hold, p->hold);
    put_amount(&r->held, held);
    return slot;
}

uint32_t straight_begin(core *c, const core_command *m, const plain_place *p, const report_of *of) { return begin(c, m, p, of); }

static inline void rest(core *c, const core_command *m, const plain_place *p, uint64_t index)
{
    core_book *b = &p->instrument->book;
    uint32_t slot = begin(c, m, p, &(report_of){m->strategy, m->account, m->instrument, m->at_ns, index});
    index_put_at(c, m->order_no, p->index_at, slot);
    account_join(c, slot, p->account, p->seat, p->instrument, m->side, m->qty_lots);
    if (book_is_near(b, m->price_ticks)) {
        ORDER(c, slot)->in_book = true;
        book_join(c, b, slot, m->side, m->price_ticks, m->qty_lots);
    } else {
        book_add(c, b, slot);
    }
}

bool straight_place(core *c, const core_command *m, uint64_t index)
{
    plain_place p;
    /* Nothing but side, limit or market, GTC or IOC, and whether it may meet its owner's own. */
    const uint64_t free = UINT8_MAX | 0x01010100u | (uint64_t)PLAIN_FLAGS << 32;
    if (pair(m) & ~free || !ordinary(c, m->at_ns) || m->order_no & (CHILD_STOP_LOSS | CHILD_TAKE_PROFIT)) return false;
    if (!has_room(c) || !found(c, m, &p) || !(m->type == TYPE_LIMIT ? allowed(c, m, &p) : affords(c, m, &p))) return false;
    if (!may_stand(c, m, &p)) return false;
    if (p.crosses || m->tif != TIF_GTC) return straight_take(c, m, &p, index);
    rest(c, m, &p, index);
    TAKEN(STRAIGHT_REST);
    return true;
}

/* ---- cancel ---- */

/* A plain order that stands whole in both halves, of an account whose messages nobody counts. */
static inline bool stands(const core_command *m, const core_order *o, const core_account *a, const core_instrument *in)
{
    bool untold = o->qty_lots - o->remaining != o->filled_lots;
    if ((o->flags & ~PLAIN_FLAGS) | o->terms | !o->in_book | !o->in_account | untold | ((o->ord_status | 1) != '1')) return false;
    return a->orders_max && in->mirror == 0 && (m->account == 0 || a->id == m->account);
}

bool straight_cancel(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot = order_find(c, m->order_no);
    if (slot == 0 || m->flags || !ordinary(c, m->at_ns) || c->ring_used + sizeof(core_report) > c->ring_room) return false;
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    core_account *a = ACCOUNT(c, seat->account);
    core_instrument *in = INSTRUMENT(c, o->instrument);
    if (!stands(m, o, a, in)) return false;
    unsigned side = o->side;
    c->commands++;
    if (book_is_near(&in->book, o->price_ticks))
        book_part(c, &in->book, slot, side, o->price_ticks, o->remaining);
    else
        book_remove(c, &in->book, slot);
    core_balance_row *held = BALANCE(c, seat->balance[side]);
    i128 left = held->hold - o->hold;
    put_amount(&held->hold, left);
    o->ord_status = '4';
    uint64_t strategy = o->position == seat->recent ? seat->strategy : POSITION(c, o->position)->strategy;
    core_report *r = claim(c, CORE_REPORT_HEAD, '4', LIQUIDITY_NONE, o, &(report_of){strategy, a->id, in->id, m->at_ns, index});
    put_amount(&r->hold, 0);
    put_amount(&r->held, left);
    account_part(c, slot, a, seat, in, side, o->qty_lots - o->filled_lots);
    index_remove(c, o->order_no, slot);
    let_go(c, slot);
    TAKEN(STRAIGHT_CANCEL);
    return true;
}

/* ---- amend ---- */

typedef struct {
    int64_t price, lots, total; /* as it shall be; lots stand, and total with what was filled */
    i128 hold;
} plain_amend;

/* The controls of a new order but for what is counted, each clearly held; it would not meet the other side. */
static inline bool may_become(const core_command *m, const core_order *o, const plain_place *p, plain_amend *n)
{
    const plain_market *k = &p->instrument->plain;
    const core_limits *l = &p->account->own.limits;
    int64_t worth, sum;
    n->price = m->price_ticks ? m->price_ticks : o->price_ticks;
    if (m->qty_lots <= 0 || __builtin_add_overflow(m->qty_lots, m->flags ? o->filled_lots : 0, &n->total)) return false;
    n->lots = n->total - o->filled_lots;
    if (k->version != o->spec_version || n->lots <= 0 || (uint64_t)n->lots - (uint64_t)k->lots_min > k->lots_span) return false;
    if (__builtin_mul_overflow(n->price, n->lots, &worth) || (uint64_t)worth - (uint64_t)k->worth_min > k->worth_span) return false;
    if (l->self_trade != SELF_TRADE_ALLOW && !(o->flags & FLAG_ALLOW_SELF_TRADE) && own_may_rest(p, 1u - o->side)) return false;
    i128 notional = (i128)worth * k->quote_unit;
    if (HAS(RISK) && !within_notional(p->account, notional)) return false;
    n->hold = (i128)n->lots * k->base_unit;
    if (o->side == SIDE_BUY) n->hold = notional + fee_of(notional, greater(o->maker_fee_ppm, o->taker_fee_ppm));
    return n->hold - o->hold <= p->held->total - p->held->hold && !book_crosses(&p->instrument->book, o->side, n->price) &&
           !__builtin_add_overflow(p->instrument->book.lots[o->side] - o->remaining, n->lots, &sum) &&
           !__builtin_add_overflow(p->seat->open_lots[o->side] - o->remaining, n->lots, &sum);
}

/* Less at the same price keeps its place; all else goes to the end of a queue. The price it leaves and the one it comes to may
 * both be outside the window, so this is book.c's. */
static inline void move(core *c, core_book *b, uint32_t slot, core_order *o, const plain_amend *n)
{
    if (n->price == o->price_ticks && n->lots <= o->remaining) {
        if (n->lots < o->remaining) book_take(c, b, slot, o->remaining - n->lots);
        return;
    }
    book_remove(c, b, slot);
    o->remaining = n->lots;
    o->price_ticks = n->price;
    book_add(c, b, slot);
}

bool straight_amend(core *c, const core_command *m, uint64_t index)
{
    uint32_t slot = order_find(c, m->order_no);
    if (slot == 0 || m->flags & ~(uint32_t)FLAG_QTY_REMAINING || !ordinary(c, m->at_ns)) return false;
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    plain_place p = {.account = ACCOUNT(c, seat->account), .instrument = INSTRUMENT(c, o->instrument), .seat = seat, .seat_slot = o->seat};
    plain_amend n;
    core_book *b = &p.instrument->book;
    p.held = BALANCE(c, seat->balance[o->side]);
    if (!stands(m, o, p.account, p.instrument) || o->type != TYPE_LIMIT || seat->way != WAY_CASH || p.instrument->reducing) return false;
    if (c->ring_used + sizeof(core_report) > c->ring_room || !may_become(m, o, &p, &n)) return false;
    if (!book_has_room(b, n.price) && !book_reserve(c, b, n.price)) return false;
    c->commands++;
    c->checks += RISK_CONTROLS;
    move(c, b, slot, o, &n);
    if (n.price != o->limit_ticks || n.total > o->qty_lots) o->arrival = c->seq + 1;
    i128 held = p.held->hold + (n.hold - o->hold);
    seat->open_lots[o->side] += n.total - o->qty_lots;
    o->limit_ticks = n.price;
    o->qty_lots = n.total;
    o->gives_way = false;
    put_amount(&o->hold, n.hold);
    put_amount(&p.held->hold, held);
    uint64_t strategy = o->position == seat->recent ? seat->strategy : POSITION(c, o->position)->strategy;
    const report_of of = {strategy, p.account->id, p.instrument->id, m->at_ns, index};
    core_report *r = claim(c, CORE_REPORT_HEAD, '5', LIQUIDITY_NONE, o, &of);
    put_amount(&r->hold, n.hold);
    put_amount(&r->held, held);
    TAKEN(STRAIGHT_AMEND);
    return true;
}

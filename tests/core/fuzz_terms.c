/* Any bytes as orders with conditions, prints, time and sweeps: every invariant holds after each, a twin that hears only
 * the reports has the same account half, and a checkpoint with its books rebuilt waits for the same prices and times. */
#include "fuzz.h"

static core_command any_place(feed *f, uint64_t no)
{
    uint64_t shape = number(f, 2);
    core_command m = order_of(no, 1 + (shape >> 1 & 3) % 3, shape & 1, 90 + (int64_t)(number(f, 1) % 20), 1 + (int64_t)(number(f, 1) % 12));
    m.type = (uint8_t)((shape >> 3 & 15) % 9 > 6 ? TYPE_LIMIT : (shape >> 3 & 15) % 9);
    m.tif = (uint8_t)((shape >> 7 & 7) > 4 ? TIF_GTC : (shape >> 7 & 7));
    if (shape >> 10 & 1) m.flags |= FLAG_REDUCE_ONLY;
    if ((shape >> 11 & 7) == 0) m.flags |= FLAG_POST_ONLY;
    if (shape >> 14 & 1 && m.type == TYPE_TRAILING_STOP) m.flags |= FLAG_TRAIL_PERCENT;
    m.strategy = shape >> 15;
    return m;
}

static core_terms any_terms(feed *f, const core_command *m)
{
    uint64_t shape = number(f, 1);
    core_terms t = {.op = OP_TERMS};
    int64_t up = 1 + (int64_t)(number(f, 1) % 9);
    if (m->type > TYPE_MARKET) t.stop_ticks = m->type == TYPE_TRAILING_STOP && shape & 1 ? 0 : 90 + (int64_t)(shape % 20);
    if (m->type == TYPE_TRAILING_STOP) t.trail = m->flags & FLAG_TRAIL_PERCENT ? up * 100 : up;
    if (m->tif == TIF_GTD) t.expires_at_ns = m->at_ns + 1000000000 + (int64_t)(number(f, 1)) * 20;
    bool above = (m->side == SIDE_BUY) != ((m->flags & FLAG_REDUCE_ONLY) != 0);
    if (shape & 2 && !(m->flags & FLAG_REDUCE_ONLY)) t.tp_ticks = m->price_ticks + (above ? up : -up);
    if (shape & 4) t.sl_stop_ticks = m->price_ticks - (above ? up : -up);
    if (t.sl_stop_ticks && shape & 8) t.sl_limit_ticks = t.sl_stop_ticks - (above ? 1 : -1);
    if (shape > 250) t.trail = wild(f, 3, 5);
    if (shape > 252) t.sl_stop_ticks = wild(f, 90, 20);
    return t;
}

static void step(core *c, feed *f, uint64_t no, int64_t at_ns)
{
    core_command m = {.order_no = 1 + number(f, 1) % (no + 1), .at_ns = at_ns};
    uint64_t what = number(f, 1);
    if (what & 64) m.order_no |= what & 128 ? CHILD_STOP_LOSS : CHILD_TAKE_PROFIT;
    switch (what % 16) {
    case 0: core_cancel(c, &m, 0); return;
    case 1:
        m.qty_lots = 1 + (int64_t)(number(f, 1) % 12);
        m.price_ticks = what & 16 ? 90 + (int64_t)(number(f, 1) % 20) : 0;
        core_amend(c, &m, 0);
        return;
    case 2: core_at(c, at_ns + 1000000000 + (int64_t)(number(f, 1)) * 10); return;
    case 3:
        if (what & 32) return;
        m = (core_command){.op = OP_SWEEP, .order_no = 7, .strategy = CORE_ANY_STRATEGY, .side = CORE_ANY_SIDE, .at_ns = at_ns};
        if (what & 16) m.account = 1 + (uint32_t)number(f, 1) % 3;
        if (m.account == 3) m.order_no = 0;
        PROMISE(core_process(c, &m, 1, 0) <= 1);
        return;
    case 4:
        m.qty_lots = 1 + (int64_t)(number(f, 1) % 5);
        m.price_ticks = 90 + (int64_t)(number(f, 1) % 20);
        m.op = what & 16 ? OP_FILL : OP_CLOSE;
        m.type = m.op == OP_FILL ? LIQUIDITY_TAKER : '4';
        core_told(c, &m, 0);
        return;
    default: break;
    }
    m = any_place(f, no);
    m.at_ns = at_ns;
    if (what % 16 < 9) { /* the market around them */
        m.flags = FLAG_AGENT;
        m.order_no |= (uint64_t)1 << 63;
        m.type = what & 32 ? TYPE_LIMIT : TYPE_MARKET;
        m.tif = TIF_GTC;
        core_place(c, &m, 0);
    } else {
        core_terms t = any_terms(f, &m);
        core_place_with(c, &m, &t, 0);
    }
}

static void drain(core *c, core *twin)
{
    const core_report *first;
    for (;;) {
        size_t bytes = core_reports(c, &first);
        const char *why = core_apply(twin, (const uint8_t *)first, bytes);
        PROMISE(whole(why));
        core_reports_clear(c);
        if (core_idle(c)) return;
        core_process(c, NULL, 0, 0);
    }
}

static void restores(const core *c)
{
    size_t size = core_checkpoint_size(c), placed;
    uint8_t *bytes = malloc(size);
    core *again = core_create(1u << 10, 64);
    core_checkpoint(c, bytes);
    PROMISE(core_restore(again, bytes, size) == NULL && core_hash(again) == core_hash(c));
    PROMISE(core_rebuild_books(again, &placed) == NULL);
    core_reports_clear(again);
    HOLDS(again);
    for (uint32_t above = 0; above < 2; above++)
        PROMISE(INSTRUMENT(again, 1)->trigger[above].used == INSTRUMENT(c, 1)->trigger[above].used);
    PROMISE(again->expires_next == c->expires_next && again->promised == c->promised);
    core_destroy(again);
    free(bytes);
}

static core *crowd(uint32_t ring, unsigned policy)
{
    core *c = cast_of(1u << 9, ring);
    core_limits limits = {.self_trade = policy};
    i128 total;
    core_set_account(c, 1, &(core_account_spec){.owner = 7});
    core_set_account(c, 2, &(core_account_spec){.owner = 7});
    core_set_account(c, 3, &(core_account_spec){.owner = 3});
    for (uint32_t account = 1; account <= 3; account++) core_set_limits(c, SCOPE_ACCOUNT, account, &limits);
    for (uint32_t asset = BTC; asset <= USDT; asset++) core_post(c, 3, asset, 2000, true, &total); /* not much */
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed f = {data, data + (size < 4096 ? size : 4096)};
    uint64_t how = number(&f, 1);
    uint32_t ring = how & 1 ? 8 : 64;
    unsigned policy = (unsigned)(how >> 1) % 3;
    core *c = crowd(ring, policy), *twin = crowd(64, policy);
    for (uint64_t no = 1; more(&f); no++) {
        step(c, &f, no, (int64_t)no * 10);
        if (!(how & 8) || number(&f, 1) & 1) drain(c, twin);
        HOLDS(c);
        if (c->ring_used == 0) PROMISE(core_hash(c) == core_hash(twin));
        if (no % 64 == 0 && core_idle(c)) restores(c);
    }
    drain(c, twin);
    HOLDS(twin);
    PROMISE(core_hash(c) == core_hash(twin));
    core_destroy(c);
    core_destroy(twin);
    return 0;
}

/* Looking: answers copied out, nothing changed, nothing allocated. */
#include "state.h"

static const core_instrument *instrument_of(const core *c, uint32_t instrument)
{
    uint32_t slot = table_get(&c->instrument_ids, instrument);
    return slot ? INSTRUMENT(c, slot) : NULL;
}

size_t core_depth(const core *c, uint32_t instrument, unsigned side, core_quote *out, size_t levels)
{
    const core_instrument *in = instrument_of(c, instrument);
    if (in == NULL || in->book.levels[side] == 0) return 0;
    int64_t price = in->book.best[side];
    size_t count = 0;
    bool more = true;
    for (; more && count < levels; more = book_next(c, &in->book, side, &price))
        out[count++] = (core_quote){price, book_level(c, &in->book, side, price)->lots};
    return count;
}

bool core_best(const core *c, uint32_t instrument, unsigned side, core_quote *out) { return core_depth(c, instrument, side, out, 1) == 1; }

bool core_cost_to_fill(const core *c, uint32_t instrument, unsigned side, int64_t lots, int64_t *filled, i128 *cost)
{
    const core_instrument *in = instrument_of(c, instrument);
    if (in == NULL) return false;
    core_command m = {.side = (uint8_t)side, .type = TYPE_MARKET, .qty_lots = lots};
    match_preview p;
    match_walk(c, in, &m, 0, 0, &p);
    *filled = p.lots;
    *cost = p.cost;
    return true;
}

static void describe(const core *c, const core_order *o, core_report *out)
{
    *out = (core_report){.order_no = o->order_no,
                         .instrument = INSTRUMENT(c, o->instrument)->id,
                         .side = o->side,
                         .type = o->type,
                         .tif = o->tif,
                         .flags = o->flags,
                         .spec_version = o->spec_version};
}

bool core_order_view(const core *c, uint64_t order_no, core_report *out)
{
    uint32_t slot = order_find(c, order_no);
    if (slot == 0 || !ORDER(c, slot)->in_account) return false;
    const core_order *o = ORDER(c, slot);
    describe(c, o, out);
    out->account = ACCOUNT(c, SEAT(c, o->seat)->account)->id;
    out->strategy = POSITION(c, o->position)->strategy;
    out->price_ticks = o->limit_ticks;
    out->stop_ticks = o->terms ? TERMS(c, o->terms)->stop_ticks : 0;
    out->qty_lots = o->qty_lots;
    out->filled_lots = o->filled_lots;
    out->cum_cost = o->cum_cost;
    out->hold = o->hold;
    out->ord_status = o->ord_status;
    return true;
}

bool core_market_view(const core *c, uint64_t order_no, core_report *out)
{
    uint32_t slot = order_find(c, order_no);
    if (slot == 0 || !ORDER(c, slot)->in_book) return false;
    const core_order *o = ORDER(c, slot);
    describe(c, o, out);
    out->price_ticks = o->price_ticks;
    out->qty_lots = o->remaining;
    return true;
}

uint32_t core_market_flags(const core *c, uint64_t order_no)
{
    uint32_t slot = order_find(c, order_no);
    return slot && ORDER(c, slot)->in_book ? ORDER(c, slot)->flags : 0;
}

size_t core_open_orders(const core *c, uint32_t account, uint64_t *out, size_t room)
{
    uint32_t slot = table_get(&c->account_ids, account);
    if (slot == 0) return 0;
    size_t count = 0;
    for (uint32_t i = ACCOUNT(c, slot)->first_order; i && count < room; i = LINKS(c, i)->account_next) out[count++] = ORDER(c, i)->order_no;
    return ACCOUNT(c, slot)->open_orders;
}

bool core_balance(const core *c, uint32_t account, uint32_t asset, i128 *total, i128 *hold)
{
    uint32_t slot = table_get(&c->account_ids, account);
    uint32_t row = slot ? table_get(&c->balance_ids, (uint64_t)slot << 32 | asset) : 0;
    *total = row ? BALANCE(c, row)->total : 0;
    *hold = row ? BALANCE(c, row)->hold : 0;
    return row != 0;
}

static bool position_copy(const core *c, uint32_t slot, core_position_view *out)
{
    const core_position_row *p = POSITION(c, slot);
    *out = (core_position_view){p->qty, p->cost, p->realised, p->fees, p->strategy, INSTRUMENT(c, SEAT(c, p->seat)->instrument)->id};
    return p->qty || p->cost || p->realised || p->fees;
}

bool core_position(const core *c, uint32_t account, uint32_t instrument, uint64_t strategy, core_position_view *out)
{
    uint32_t a = table_get(&c->account_ids, account), in = table_get(&c->instrument_ids, instrument);
    uint32_t seat = a && in ? table_get(&c->seat_ids, (uint64_t)a << 32 | in) : 0;
    uint32_t slot = seat ? position_find(c, seat, strategy) : 0;
    return slot && position_copy(c, slot, out);
}

bool core_account_position(const core *c, uint32_t account, uint32_t instrument, core_position_view *out)
{
    uint32_t a = table_get(&c->account_ids, account), in = table_get(&c->instrument_ids, instrument);
    uint32_t seat = a && in ? table_get(&c->seat_ids, (uint64_t)a << 32 | in) : 0;
    return seat && SEAT(c, seat)->sum && position_copy(c, SEAT(c, seat)->sum, out);
}

size_t core_positions(const core *c, uint32_t account, core_position_view *out, size_t room)
{
    uint32_t a = table_get(&c->account_ids, account);
    core_position_view view;
    size_t count = 0;
    for (uint32_t slot = a ? ACCOUNT(c, a)->first_position : 0; slot; slot = POSITION(c, slot)->next_of_account) {
        if (!position_copy(c, slot, &view)) continue;
        if (count < room) out[count] = view;
        count++;
    }
    return count;
}

void core_stats(const core *c, core_counters *out)
{
    *out = (core_counters){.orders_open = c->orders_open,
                           .orders_market = c->orders_market,
                           .commands = c->commands,
                           .reports = c->ring_total,
                           .checks = c->checks,
                           .trades = c->trades,
                           .quantity = c->quantity,
                           .trade_hash = c->trade_hash,
                           .memory_bytes = c->memory,
                           .tape_lost = c->tape_lost};
}

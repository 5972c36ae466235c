/* Birth and death of a core, and what it is told about the world. */
#include "state.h"

#include <stdlib.h>

#define ROWS_MAX (1u << 22)
#define INSTRUMENTS_MAX (1u << 16)
#define WINDOWS_MAX (1u << 18)

static const struct {
    uint16_t reason;
    const char *name;
} NAMES[] = {
    {REASON_TRADING_HALTED, "TRADING_HALTED"},
    {REASON_TRADING_REDUCING, "TRADING_REDUCING"},
    {REASON_INSTRUMENT_UNKNOWN, "INSTRUMENT_UNKNOWN"},
    {REASON_INSTRUMENT_NOT_TRADING, "INSTRUMENT_NOT_TRADING"},
    {REASON_SPEC_CHANGED, "SPEC_CHANGED"},
    {REASON_LIMITS_MISSING, "LIMITS_MISSING"},
    {REASON_ACCOUNT_UNKNOWN, "ACCOUNT_UNKNOWN"},
    {REASON_LIVE_NOT_ARMED, "LIVE_NOT_ARMED"},
    {REASON_RECONCILING, "RECONCILING"},
    {REASON_CLOCK_UNSAFE, "CLOCK_UNSAFE"},
    {REASON_PRICE_PRECISION, "PRICE_PRECISION"},
    {REASON_QTY_PRECISION, "QTY_PRECISION"},
    {REASON_QTY_MIN, "QTY_MIN"},
    {REASON_QTY_MAX, "QTY_MAX"},
    {REASON_NOTIONAL_MIN, "NOTIONAL_MIN"},
    {REASON_NOTIONAL_MAX, "NOTIONAL_MAX"},
    {REASON_TYPE_UNSUPPORTED, "TYPE_UNSUPPORTED"},
    {REASON_TIF_UNSUPPORTED, "TIF_UNSUPPORTED"},
    {REASON_NUMBER_OVERFLOW, "NUMBER_OVERFLOW"},
    {REASON_EXPIRE_IN_PAST, "EXPIRE_IN_PAST"},
    {REASON_STOP_PRICE_INVALID, "STOP_PRICE_INVALID"},
    {REASON_TERMS_INVALID, "TERMS_INVALID"},
    {REASON_OPEN_ORDERS_MAX, "OPEN_ORDERS_MAX"},
    {REASON_RATE_ORDERS, "RATE_ORDERS"},
    {REASON_SELF_TRADE, "SELF_TRADE"},
    {REASON_BALANCE_INSUFFICIENT, "BALANCE_INSUFFICIENT"},
    {REASON_MARGIN_INSUFFICIENT, "MARGIN_INSUFFICIENT"},
    {REASON_EQUITY_UNKNOWN, "EQUITY_UNKNOWN"},
    {REASON_POSITION_MAX, "POSITION_MAX"},
    {REASON_GROSS_EXPOSURE_MAX, "GROSS_EXPOSURE_MAX"},
    {REASON_LEVERAGE_MAX, "LEVERAGE_MAX"},
    {REASON_RATE_MESSAGES, "RATE_MESSAGES"},
    {REASON_DUPLICATE_ORDER, "DUPLICATE_ORDER"},
    {REASON_REDUCE_ONLY_VIOLATION, "REDUCE_ONLY_VIOLATION"},
    {REASON_NO_LIQUIDITY, "NO_LIQUIDITY"},
    {REASON_DATA_STALE, "DATA_STALE"},
    {REASON_PRICE_COLLAR, "PRICE_COLLAR"},
    {REASON_PRICE_FAR, "PRICE_FAR"},
    {REASON_MARKET_IMPACT, "MARKET_IMPACT"},
    {REASON_VOLATILITY_PAUSE, "VOLATILITY_PAUSE"},
    {REASON_POST_ONLY_WOULD_TAKE, "POST_ONLY_WOULD_TAKE"},
    {REASON_FOK_UNFILLABLE, "FOK_UNFILLABLE"},
    {REASON_ORDER_UNKNOWN, "ORDER_UNKNOWN"},
    {REASON_ORDER_FINAL, "ORDER_FINAL"},
    {REASON_ORDER_NO_REUSED, "ORDER_NO_REUSED"},
    {REASON_QTY_BELOW_FILLED, "QTY_BELOW_FILLED"},
    {REASON_FILL_EXCEEDS_ORDER, "FILL_EXCEEDS_ORDER"},
    {REASON_FILL_PRICE_WORSE, "FILL_PRICE_WORSE"},
    {REASON_OCO_OTHER_LEG, "OCO_OTHER_LEG"},
    {REASON_CAPACITY, "CAPACITY"},
    {REASON_COMMAND_UNKNOWN, "COMMAND_UNKNOWN"},
    {REASON_DAILY_LOSS, "DAILY_LOSS"},
    {REASON_MAX_DRAWDOWN, "MAX_DRAWDOWN"},
    {REASON_PRICE_JUMP, "PRICE_JUMP"},
    {REASON_REJECT_STORM, "REJECT_STORM"},
    {REASON_REPEATED_EXECUTION, "REPEATED_EXECUTION"},
    {REASON_EXCHANGE_DEGRADED, "EXCHANGE_DEGRADED"},
    {REASON_STOPLOSS_GUARD, "STOPLOSS_GUARD"},
    {REASON_COOLDOWN, "COOLDOWN"},
};

const char *core_reason_name(unsigned reason)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (NAMES[i].reason == reason) return NAMES[i].name;
    return NULL;
}

core *core_create(uint32_t max_orders, uint32_t ring_capacity)
{
    core boot = {0};
    core *c = pool_array(&boot, NULL, 0, sizeof *c);
    if (c == NULL) return NULL;
    c->memory = sizeof *c;
    pool_init(&c->orders, sizeof(core_order), max_orders);
    pool_init(&c->levels, sizeof(core_level), max_orders);
    pool_init(&c->chunks, sizeof(ladder_chunk), max_orders);
    pool_init(&c->instruments, sizeof(core_instrument), INSTRUMENTS_MAX);
    pool_init(&c->accounts, sizeof(core_account), ROWS_MAX);
    pool_init(&c->balances, sizeof(core_balance_row), ROWS_MAX);
    pool_init(&c->seats, sizeof(core_seat), ROWS_MAX);
    pool_init(&c->positions, sizeof(core_position_row), ROWS_MAX);
    pool_init(&c->halts, sizeof(core_halt_row), ROWS_MAX);
    pool_init(&c->rates, sizeof(core_rate_row), ROWS_MAX);
    pool_init(&c->flows, sizeof(core_flow_row), ROWS_MAX);
    pool_init(&c->far.mirrors, sizeof(core_mirror), INSTRUMENTS_MAX);
    pool_init(&c->far.takings, sizeof(mirror_taking), ROWS_MAX);
    pool_init(&c->limits, sizeof(core_limit_row), ROWS_MAX);
    pool_init(&c->windows, sizeof(core_window), WINDOWS_MAX);
    pool_init(&c->recents, sizeof(core_recent), ROWS_MAX);
    pool_init(&c->terms, sizeof(terms_row), max_orders);
    c->expires_next = INT64_MAX;
    c->ring_bound = (size_t)ring_capacity * sizeof(core_report);
    c->tape_bound = ring_capacity;
    bool ready = pool_reserve(c, &c->positions, 1) && pool_reserve(c, &c->seats, 1) && pool_reserve(c, &c->windows, 1); /* slot 0: zeros */
    if (ready && ring_reserve(c, 1)) return c;
    core_destroy(c);
    return NULL;
}

/* Every array that is the core's own, but for those of its books. A new pool or table is added here and nowhere else: its
 * end and its fork both follow from it. */
void core_each_array(core *c, array_visitor *visit)
{
    core_pool *pools[] = {&c->orders,  &c->levels,    &c->chunks,      &c->instruments, &c->accounts, &c->balances,
                          &c->seats,   &c->positions, &c->halts,       &c->rates,       &c->flows,    &c->limits,
                          &c->windows, &c->recents,   &c->far.mirrors, &c->far.takings, &c->terms};
    core_table *tables[] = {&c->instrument_ids, &c->account_ids, &c->balance_ids, &c->seat_ids,   &c->position_ids,   &c->halt_ids,
                            &c->rate_ids,       &c->limit_ids,   &c->window_ids,  &c->recent_ids, &c->far.taking_ids, &c->owner_seats};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        pools[i]->data = visit(c, pools[i]->data, (size_t)pools[i]->room * pools[i]->record);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        tables[i]->entries = visit(c, tables[i]->entries, ((size_t)tables[i]->mask + 1) * sizeof *tables[i]->entries);
    c->order_ids.entries = visit(c, c->order_ids.entries, ((size_t)c->order_ids.mask + 1) * sizeof *c->order_ids.entries);
    c->expiry.entries = visit(c, c->expiry.entries, c->expiry.room * sizeof *c->expiry.entries);
    c->links = visit(c, c->links, c->links_room * sizeof *c->links);
    c->far.queues = visit(c, c->far.queues, c->far.queues_room * sizeof *c->far.queues);
    c->far.sums = visit(c, c->far.sums, c->far.sums_room * sizeof *c->far.sums);
    c->ring = visit(c, c->ring, c->ring_room);
    c->tape = visit(c, c->tape, c->tape_room * sizeof *c->tape);
}

/* And those of its books, which hang on the instruments. */
void core_each_book_array(core *c, array_visitor *visit)
{
    for (uint32_t slot = 1; c->instruments.data && slot < c->instruments.used; slot++) {
        core_instrument *in = INSTRUMENT(c, slot);
        book_each_array(c, &in->book, visit);
        for (unsigned above = 0; above < 2; above++)
            in->trigger[above].entries = visit(c, in->trigger[above].entries, in->trigger[above].room * sizeof(heap_entry));
    }
    for (uint32_t slot = 1; c->far.mirrors.data && slot < c->far.mirrors.used; slot++)
        if (MIRROR(c, slot)->instrument) mirror_each_array(c, MIRROR(c, slot), visit);
}

static void *let_go(core *c, void *array, size_t bytes) { return array ? pool_array(c, array, bytes, 0) : NULL; }

void core_destroy(core *c)
{
    core_each_book_array(c, let_go);
    core_each_array(c, let_go);
    core last = *c; /* the block cannot count its own end */
    pool_array(&last, c, sizeof *c, 0);
}

const char *core_broken(const core *c) { return c->broken; }

static bool amount_is_sane(i128 x) { return x >= 0 && x <= CORE_AMOUNT_MAX; }

static uint32_t core_settle_asset(const core_instrument_spec *s) { return s->kind == KIND_INVERSE ? s->base_asset : s->quote_asset; }

static const char *spec_fault(const core_instrument_spec *s)
{
    if (s->base_unit <= 0 || s->quote_unit <= 0 || !amount_is_sane(s->base_unit) || !amount_is_sane(s->quote_unit))
        return "base_unit and quote_unit must be from 1 to 10^36";
    if (s->base_asset == s->quote_asset) return "base and quote must be different assets";
    if (s->qty_min_lots < 0 || s->qty_max_lots < 0 || !amount_is_sane(s->notional_min)) return "minima and maxima must not be negative";
    if (s->maker_fee_ppm > CORE_FEE_UNIT || s->taker_fee_ppm > CORE_FEE_UNIT) return "a fee must be from 0 to 1000000 ppm";
    if (s->kind > KIND_INVERSE) return "an instrument's kind must be spot, linear or inverse";
    if (s->settle_asset && s->settle_asset != core_settle_asset(s)) return "a contract settles in its quote, an inverse one in its base";
    if (s->stale_after_ns < 0) return "a mark cannot be stale before its time";
    return s->status > INSTRUMENT_DELISTED ? "an instrument's status must be trading, halted or delisted" : NULL;
}

const char *core_set_instrument(core *c, uint32_t instrument, const core_instrument_spec *spec)
{
    const char *fault = spec_fault(spec);
    if (fault) return fault;
    uint32_t slot = table_get(&c->instrument_ids, instrument);
    if (slot) {
        core_instrument *in = INSTRUMENT(c, slot);
        if (in->spec.base_asset != spec->base_asset || in->spec.quote_asset != spec->quote_asset)
            return "an instrument never changes its assets";
        if (in->spec.kind != spec->kind) return "an instrument never changes its kind";
        bool rescaled = in->spec.base_unit != spec->base_unit || in->spec.quote_unit != spec->quote_unit;
        bool stands = in->mirror == 0 && (in->book.orders[0] || in->book.orders[1]);
        if (rescaled && (in->open_orders || stands)) return "units cannot change while orders are open";
        if (in->mirror && (rescaled || in->spec.spec_version != spec->spec_version)) mirror_forget(c, in->mirror);
        in->spec = *spec;
        in->spec.settle_asset = core_settle_asset(spec);
        if (rescaled) in->mark = (core_mark_state){0}; /* it was in the old ticks */
        straight_market(in);
        return NULL;
    }
    if (!pool_reserve(c, &c->instruments, 1) || !table_reserve(c, &c->instrument_ids, 1)) return "no room for one more instrument";
    slot = pool_take(&c->instruments);
    INSTRUMENT(c, slot)->id = instrument;
    INSTRUMENT(c, slot)->spec = *spec;
    INSTRUMENT(c, slot)->spec.settle_asset = core_settle_asset(spec);
    straight_market(INSTRUMENT(c, slot));
    table_put(&c->instrument_ids, instrument, slot);
    return NULL;
}

/* Orders of a cash account hold money, those of a margin account none: so it turns only while it has none. */
static const char *margin_fault(const core *c, const core_account *a, uint32_t margin)
{
    if (!a->margin == !margin) return NULL;
    if (a->open_orders) return "an account turns from cash to margin, or back, only without open orders";
    if (margin) return NULL;
    for (uint32_t i = a->first_balance; i; i = BALANCE(c, i)->next_of_account)
        if (BALANCE(c, i)->total < 0) return "an account that has borrowed cannot turn to cash";
    for (uint32_t i = a->first_position; i; i = POSITION(c, i)->next_of_account) {
        const core_position_row *p = POSITION(c, i);
        if (p->qty && INSTRUMENT(c, SEAT(c, p->seat)->instrument)->spec.kind != KIND_SPOT)
            return "an account with open contracts cannot turn to cash";
    }
    return NULL;
}

/* The account's seats go over to its new owner's. */
static bool change_owner(core *c, uint32_t account, uint32_t owner)
{
    if (!table_reserve(c, &c->owner_seats, c->seats.used)) return false;
    for (uint32_t i = 1; i < c->seats.used; i++)
        if (SEAT(c, i)->account == account) account_seat_disowned(c, i);
    ACCOUNT(c, account)->owner = owner;
    for (uint32_t i = 1; i < c->seats.used; i++)
        if (SEAT(c, i)->account == account) account_seat_owned(c, i);
    return true;
}

const char *core_set_account(core *c, uint32_t account, const core_account_spec *spec)
{
    if (spec->margin && spec->margin < CORE_BASIS) return "a margin account's leverage must be at least 10000 basis points";
    uint32_t slot = table_get(&c->account_ids, account);
    if (slot == 0) {
        if (!pool_reserve(c, &c->accounts, 1) || !table_reserve(c, &c->account_ids, 1)) return "no room for one more account";
        slot = pool_take(&c->accounts);
        ACCOUNT(c, slot)->id = account;
        table_put(&c->account_ids, account, slot);
    }
    core_account *a = ACCOUNT(c, slot);
    const char *why = margin_fault(c, a, spec->margin);
    if (why) return why;
    if (a->reporting_asset != spec->reporting_asset) value_forget(c, slot);
    if (a->owner != spec->owner && !change_owner(c, slot, spec->owner)) return "no room for one more owner";
    a->owner = spec->owner;
    a->exchange = spec->exchange;
    a->reporting_asset = spec->reporting_asset;
    a->margin = spec->margin;
    margin_turn(c, slot);
    return NULL;
}

const char *core_post(core *c, uint32_t account, uint32_t asset, i128 amount, bool flow, i128 *total)
{
    uint32_t slot = table_get(&c->account_ids, account);
    if (slot == 0) return "a posting to an account that was never set";
    if (!pool_reserve(c, &c->balances, 1) || !table_reserve(c, &c->balance_ids, 1)) return "no room for one more balance";
    core_balance_row *b = BALANCE(c, account_balance_slot(c, slot, asset));
    i128 next;
    if (__builtin_add_overflow(b->total, amount, &next) || next > CORE_AMOUNT_MAX * 10) return "a posting that leaves the range of amounts";
    if (amount < 0 && next < b->hold) return "a posting that would take more than is free";
    const char *why = flow ? value_flow(c, slot, asset, amount) : NULL;
    if (why) return why;
    *total = b->total = next;
    value_refresh(c, slot);
    return NULL;
}

const char *core_take_position(core *c, uint32_t account, uint32_t instrument, uint64_t strategy, const i128 held[4])
{
    uint32_t a = table_get(&c->account_ids, account), i = table_get(&c->instrument_ids, instrument);
    if (a == 0 || i == 0) return "a position of an account or instrument that was never set";
    if (!account_reserve(c, 1)) return "no room for one more position";
    uint32_t seat = account_seat_slot(c, a, i), slot = position_slot(c, seat, strategy);
    core_position_row *p = POSITION(c, slot), more = {.qty = held[0], .cost = held[1], .realised = held[2], .fees = held[3]};
    if (p->qty || p->cost || p->realised || p->fees) return "a position that is there already";
    core_position_row *sum = POSITION(c, SEAT(c, seat)->sum);
    if (sum != p && !position_add(sum, &more, NULL)) return "positions that leave the range of amounts";
    position_add(p, &more, NULL);
    value_refresh(c, a);
    return NULL;
}

const char *core_reset_account(core *c, uint32_t account)
{
    uint32_t slot = table_get(&c->account_ids, account);
    if (slot == 0) return "a reset of an account that was never set";
    core_account *a = ACCOUNT(c, slot);
    if (a->open_orders) return "a reset of an account with open orders";
    for (uint32_t i = 1; i < c->balances.used; i++)
        if (BALANCE(c, i)->account == slot) BALANCE(c, i)->total = 0;
    for (uint32_t i = a->first_position; i; i = POSITION(c, i)->next_of_account) {
        core_position_row *p = POSITION(c, i);
        core_position_row *sum = POSITION(c, SEAT(c, p->seat)->sum);
        p->qty = p->cost = p->realised = p->fees = 0;
        sum->qty = sum->cost = sum->realised = sum->fees = 0;
    }
    a->late = false;
    value_forget(c, slot);
    return NULL;
}

void core_advance_trade_no(core *c, uint64_t trade_no)
{
    if (trade_no > c->trade_no) c->trade_no = trade_no;
}

void core_fail_at_report(core *c, uint64_t nth, bool kills)
{
    c->fail_report = nth;
    c->fail_kills = kills;
}

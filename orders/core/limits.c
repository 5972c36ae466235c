/* Limits by scope, and what is counted against them: open orders, tokens of buckets, orders of a moment ago.
 *
 * An account's row is in its record. Rows of other scopes are looked up only while there are any (limit_scopes), so an order
 * that only its account limits pays one test for all the others. */
#include "state.h"

#define RECENT_MAX_MS 60000u

static uint32_t row_find(const core *c, unsigned scope, uint64_t key, uint64_t *table_key)
{
    for (*table_key = scope_key(scope, key);; ++*table_key) {
        uint32_t slot = table_get(&c->limit_ids, *table_key);
        if (slot == 0 || (LIMIT_ROW(c, slot)->key == key && LIMIT_ROW(c, slot)->scope == scope)) return slot;
    }
}

core_limit_row *limits_row(const core *c, unsigned scope, uint64_t key)
{
    uint64_t unused;
    uint32_t slot;
    if (scope == SCOPE_ACCOUNT) return key <= UINT32_MAX && (slot = table_get(&c->account_ids, key)) ? &ACCOUNT(c, slot)->own : NULL;
    slot = row_find(c, scope, key, &unused);
    return slot ? LIMIT_ROW(c, slot) : NULL;
}

static const char *fault_of(unsigned scope, const core_limits *l)
{
#define SANE(name)                                                                                                                         \
    if (l->name < 0 || l->name > CORE_AMOUNT_MAX) return #name " must be from 0 to 10^36";
    CORE_LIMIT_AMOUNTS(SANE)
#undef SANE
    bool account = scope == SCOPE_ACCOUNT, market = scope == SCOPE_GLOBAL || scope == SCOPE_EXCHANGE || scope == SCOPE_INSTRUMENT;
    if (l->self_trade > 2) return "self_trade must be 0 allowed, 1 reject newest or 2 cancel oldest";
    if (l->open_orders_instrument_max && !account) return "open_orders_instrument_max is a limit of accounts";
    if ((l->gross_bp || l->leverage_bp || l->daily_loss_bp || l->drawdown_bp) && !account)
        return "equity is an account's: so are its limits";
    if (l->position_bp && !account && scope != SCOPE_STRATEGY) return "equity is an account's: so are its limits";
    if ((l->position_max || l->gross_max) && scope == SCOPE_KEY) return "a key has no positions to limit";
    if (l->price_jump_bp && !market) return "price_jump_bp is a limit of an instrument, an exchange or all";
    if (l->executions_max > WINDOW_EVENTS || l->rejects_max > WINDOW_EVENTS || l->unknown_max > WINDOW_EVENTS ||
        l->stop_outs_max > WINDOW_EVENTS)
        return "no more than 64 events are counted in a window";
    if (l->duplicate_ms > RECENT_MAX_MS) return "duplicate_ms must be at most 60000";
    if ((uint64_t)l->volatility_window_s + l->volatility_pause_s >= SWING_SECONDS)
        return "volatility is looked at over 127 seconds at most";
    return NULL;
}

static uint32_t kinds_of(const core_limits *l)
{
    uint32_t on = 0;
    if (l->collar_bp || l->far_bp || l->impact_bp || l->volatility_bp) on |= ON_PRICES;
    if (l->position_bp || l->position_max || l->gross_bp || l->gross_max || l->leverage_bp) on |= ON_EXPOSURE;
    if (l->duplicate_ms) on |= ON_DUPLICATE;
    if (l->message_per_second) on |= ON_MESSAGES;
    if (l->executions_max || l->stop_outs_max || l->cooldown_s) on |= ON_FILLS;
    if (l->rejects_max) on |= ON_REJECTS;
    if (l->daily_loss_bp || l->drawdown_bp) on |= ON_EQUITY;
    if (l->volatility_bp || l->price_jump_bp) on |= ON_WATCH;
    if (l->quantity_max) on |= ON_QUANTITY;
    return on;
}

/* A bucket that is new, or was larger, starts full. */
static void bucket_fit(core_bucket *b, uint32_t per_second, uint32_t burst, bool first)
{
    i128 full = (i128)(burst ? burst : 1) * BUCKET_TOKEN;
    if (first || per_second == 0 || b->tokens > full) b->tokens = full;
}

static void row_fill(core_limit_row *row, const core_limits *limits)
{
    const core_limits *old = &row->limits;
    bool first_orders = !row->set || old->rate_per_second == 0, first_messages = !row->set || old->message_per_second == 0;
    bucket_fit(&row->orders, limits->rate_per_second, limits->rate_burst, first_orders);
    bucket_fit(&row->messages, limits->message_per_second, limits->message_burst, first_messages);
    row->limits = *limits;
    row->on = kinds_of(limits);
    row->set = true;
}

static bool under(const core *c, const core_limit_row *row, const core_order *o)
{
    const core_seat *seat = SEAT(c, o->seat);
    return scope_of(row->scope, ACCOUNT(c, seat->account), INSTRUMENT(c, seat->instrument), POSITION(c, o->position)->strategy,
                    terms_key(c, o)) == row->key;
}

/* Walked; orders that were open before the row was there count as well. */
uint32_t limits_count(const core *c, const core_limit_row *row)
{
    uint32_t open = 0;
    for (uint32_t a = 1; a < c->accounts.used; a++)
        for (uint32_t slot = ACCOUNT(c, a)->first_order; slot; slot = LINKS(c, slot)->account_next) open += under(c, row, ORDER(c, slot));
    return open;
}

const char *core_set_limits(core *c, unsigned scope, uint64_t key, const core_limits *limits)
{
    const char *fault = fault_of(scope, limits);
    if (fault) return fault;
    if (scope > SCOPE_KEY) return "limits of a scope that has none";
    if ((scope == SCOPE_STRATEGY || scope == SCOPE_KEY) && key == 0) return "limits of no strategy, or of no key";
    if (!limits_reserve(c)) return "no room for what limits count";
    core_limit_row *row = limits_row(c, scope, key);
    if (row == NULL && scope == SCOPE_ACCOUNT) return "limits of an account that was never set";
    if (row == NULL) {
        uint64_t table_key;
        if (!pool_reserve(c, &c->limits, 1) || !table_reserve(c, &c->limit_ids, 1)) return "no room for one more row of limits";
        row_find(c, scope, key, &table_key);
        uint32_t slot = pool_take(&c->limits);
        row = LIMIT_ROW(c, slot);
        row->scope = scope;
        row->key = key;
        table_put(&c->limit_ids, table_key, slot);
        row->open_orders = limits_count(c, row);
        c->limit_scopes |= 1u << scope;
    }
    row_fill(row, limits);
    if (scope == SCOPE_ACCOUNT) straight_account(ACCOUNT(c, table_get(&c->account_ids, key)));
    if (scope != SCOPE_ACCOUNT) c->rows_on |= row->on;
    c->watching |= (row->on & ON_WATCH) != 0;
    return NULL;
}

/* A row of a checkpoint: its buckets as they were, or limits that were cleared. */
const char *limits_restore(core *c, unsigned scope, uint64_t key, const core_limit_row *saved)
{
    const char *why = core_set_limits(c, scope, key, &saved->limits);
    if (why) return why;
    core_limit_row *row = limits_row(c, scope, key);
    row->orders = saved->orders;
    row->messages = saved->messages;
    return saved->set ? NULL : core_clear_limits(c, scope, key);
}

const char *core_clear_limits(core *c, unsigned scope, uint64_t key)
{
    core_limit_row *row = scope > SCOPE_KEY ? NULL : limits_row(c, scope, key);
    if (row == NULL && scope == SCOPE_ACCOUNT) return "limits of an account that was never set";
    if (row == NULL) return NULL;
    row->set = false;
    row->on = 0;
    if (scope == SCOPE_ACCOUNT) straight_account(ACCOUNT(c, table_get(&c->account_ids, key)));
    return NULL;
}

/* ---- what is in force for one order ---- */

static uint32_t strictest(uint32_t a, uint32_t b) { return a == 0 || (b && b < a) ? b : a; }
static i128 strictest_amount(i128 a, i128 b) { return a == 0 || (b && b < a) ? b : a; }
static uint32_t longer(uint32_t a, uint32_t b) { return a > b ? a : b; }

static void merge(core_limits *all, const core_limits *l)
{
    core_limits before = *all;
#define STRICTEST(name) all->name = strictest(all->name, l->name);
    CORE_LIMIT_COUNTS(STRICTEST)
#undef STRICTEST
#define STRICTEST(name) all->name = strictest_amount(all->name, l->name);
    CORE_LIMIT_AMOUNTS(STRICTEST)
#undef STRICTEST
    all->duplicate_ms = longer(before.duplicate_ms, l->duplicate_ms); /* of times the longer is the stricter */
    all->volatility_window_s = longer(before.volatility_window_s, l->volatility_window_s);
    all->volatility_pause_s = longer(before.volatility_pause_s, l->volatility_pause_s);
    all->executions_window_s = longer(before.executions_window_s, l->executions_window_s);
    all->rejects_window_s = longer(before.rejects_window_s, l->rejects_window_s);
    all->unknown_window_s = longer(before.unknown_window_s, l->unknown_window_s);
    all->errors_window_s = longer(before.errors_window_s, l->errors_window_s);
    all->stop_outs_window_s = longer(before.stop_outs_window_s, l->stop_outs_window_s);
    all->stop_outs_pause_s = longer(before.stop_outs_pause_s, l->stop_outs_pause_s);
    all->cooldown_s = longer(before.cooldown_s, l->cooldown_s);
}

static void look_wider(const core *c, const core_account *a, const core_instrument *in, uint64_t strategy, uint32_t key, limits_view *out)
{
    uint64_t unused;
    for (unsigned scope = 0; scope <= SCOPE_KEY; scope++) {
        uint64_t own = scope_of(scope, a, in, strategy, key);
        if (!(c->limit_scopes >> scope & 1) || (own == 0 && scope != SCOPE_GLOBAL)) continue;
        uint32_t slot = row_find(c, scope, own, &unused);
        if (slot == 0 || !LIMIT_ROW(c, slot)->set) continue;
        const core_limit_row *row = LIMIT_ROW(c, slot);
        if (out->count == 1) out->merged = a->own.limits;
        out->row[out->count++] = row;
        out->on |= row->on;
        merge(&out->merged, &row->limits);
        out->limits = &out->merged;
    }
}

void limits_look(const core *c, const core_account *a, const core_instrument *in, uint64_t strategy, uint32_t key, limits_view *out)
{
    out->limits = &a->own.limits;
    out->row[0] = &a->own;
    out->count = 1;
    out->on = a->own.on;
    if (c->limit_scopes) look_wider(c, a, in, strategy, key, out);
}

/* ---- what is counted, in the fold ---- */

bool limits_reserve(core *c) { return pool_reserve(c, &c->recents, 1) && table_reserve(c, &c->recent_ids, 1) && trip_reserve(c); }

i128 limits_tokens(const core_bucket *b, uint32_t per_second, uint32_t burst, int64_t at_ns)
{
    i128 full = (int64_t)(burst ? burst : 1) * (i128)BUCKET_TOKEN, level = b->tokens;
    if (at_ns > b->at_ns) /* time that runs backwards adds nothing */
        level += (i128)((u128)((uint64_t)at_ns - (uint64_t)b->at_ns) * per_second);
    return level > full ? full : level;
}

static void bucket_take(core_bucket *b, uint32_t per_second, uint32_t burst, int64_t at_ns)
{
    if (per_second == 0) return;
    b->tokens = limits_tokens(b, per_second, burst, at_ns) - BUCKET_TOKEN;
    if (b->tokens < 0) b->tokens = 0; /* cancels pass, whatever is left */
    if (at_ns > b->at_ns) b->at_ns = at_ns;
}

static void take_message(core_limit_row *row, int64_t at_ns)
{
    bucket_take(&row->messages, row->limits.message_per_second, row->limits.message_burst, at_ns);
}

uint64_t limits_print(uint32_t account, uint32_t instrument, unsigned side, unsigned type, int64_t price, int64_t lots, int64_t waits_for)
{
    uint64_t h = fixed_mix((uint64_t)account << 32 | instrument);
    h = fixed_mix(h ^ ((uint64_t)side << 8 | type)) + (uint64_t)price;
    h = fixed_mix(fixed_mix(h) ^ (uint64_t)lots);
    return waits_for ? fixed_mix(h + (uint64_t)waits_for) : h;
}

int64_t limits_waits_for(unsigned type, int64_t stop_ticks, int64_t trail) { return type == TYPE_TRAILING_STOP ? trail : stop_ticks; }

const core_recent *limits_recent(const core *c, uint64_t print)
{
    uint32_t slot = table_get(&c->recent_ids, print);
    return slot ? RECENT(c, slot) : NULL;
}

static void forget_first(core *c)
{
    uint32_t slot = c->recent_first;
    c->recent_first = RECENT(c, slot)->next;
    if (c->recent_first == 0) c->recent_last = 0;
    table_remove(&c->recent_ids, RECENT(c, slot)->print);
    pool_give(&c->recents, slot);
}

void limits_remember(core *c, uint64_t print, int64_t at_ns)
{
    uint32_t slot = table_get(&c->recent_ids, print);
    if (slot) { /* keeps its place in the list: it is forgotten a little late */
        RECENT(c, slot)->at_ns = at_ns;
        return;
    }
    int64_t oldest = at_ns - (int64_t)RECENT_MAX_MS * 1000000;
    while (c->recent_first && RECENT(c, c->recent_first)->at_ns < oldest) forget_first(c);
    slot = pool_take(&c->recents);
    *RECENT(c, slot) = (core_recent){.print = print, .at_ns = at_ns};
    table_put(&c->recent_ids, print, slot);
    if (c->recent_last)
        RECENT(c, c->recent_last)->next = slot;
    else
        c->recent_first = slot;
    c->recent_last = slot;
}

static void each_wider(core *c, uint32_t slot, void (*act)(core_limit_row *row, int64_t x), int64_t x)
{
    const core_order *o = ORDER(c, slot);
    const core_seat *seat = SEAT(c, o->seat);
    const core_account *a = ACCOUNT(c, seat->account);
    const core_instrument *in = INSTRUMENT(c, seat->instrument);
    for (unsigned scope = 0; scope <= SCOPE_KEY; scope++) {
        uint64_t key = scope_of(scope, a, in, POSITION(c, o->position)->strategy, terms_key(c, o)), unused;
        uint32_t found = c->limit_scopes >> scope & 1 ? row_find(c, scope, key, &unused) : 0;
        if (found) act(LIMIT_ROW(c, found), x);
    }
}

static void take_new(core_limit_row *row, int64_t at_ns)
{
    bucket_take(&row->orders, row->limits.rate_per_second, row->limits.rate_burst, at_ns);
    take_message(row, at_ns);
}

static void add_open(core_limit_row *row, int64_t by) { row->open_orders += (uint32_t)by; }

void limits_opened(core *c, uint32_t slot, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    core_account *a = ACCOUNT(c, SEAT(c, o->seat)->account);
    if (o->flags & FLAG_CHILD) return; /* nobody sent it */
    take_new(&a->own, at_ns);
    if (c->limit_scopes) each_wider(c, slot, take_new, at_ns);
    if (!((a->own.on | c->rows_on) & ON_DUPLICATE)) return;
    int64_t waits_for = o->terms ? limits_waits_for(o->type, TERMS(c, o->terms)->stop_ticks, TERMS(c, o->terms)->trail) : 0;
    uint32_t instrument = INSTRUMENT(c, o->instrument)->id;
    limits_remember(c, limits_print(a->id, instrument, o->side, o->type, o->limit_ticks, o->qty_lots, waits_for), at_ns);
}

void limits_message(core *c, uint32_t slot, const core_report *r)
{
    const core_order *o = ORDER(c, slot);
    core_account *a = ACCOUNT(c, SEAT(c, o->seat)->account);
    if (!((a->own.on | c->rows_on) & ON_MESSAGES)) return;
    bool rests = o->type != TYPE_MARKET && o->tif != TIF_IOC && o->tif != TIF_FOK; /* or nobody could have asked */
    if (!rests || r->reason || r->command_index == CORE_NO_COMMAND || r->flags & (FLAG_TOLD | FLAG_CHILD)) return;
    take_message(&a->own, r->at_ns);
    if (c->limit_scopes) each_wider(c, slot, take_message, r->at_ns);
}

void limits_counted(core *c, uint32_t slot, int32_t by)
{
    if (c->limit_scopes) each_wider(c, slot, add_open, by);
}

/* What things are worth: marks of instruments, rates between assets, and from them the equity of each account.
 *
 * A mark or a rate is a ratio of whole numbers with a time; it is good until its stale_after has passed on the newest time
 * told, for there is no other clock here. What needs one that is missing or stale is unknown: never a guess, never zero.
 * Each conversion is rounded once, halves to even: directly, by the inverse, then through a bridge, then through the first
 * market of the asset itself (TKO is worth rupiah, rupiah are worth BTC, BTC are worth dollars). An account's own exchange
 * is asked before others. */
#include "state.h"

static i128 greatest_divisor(i128 a, i128 b)
{
    while (b != 0) {
        i128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void see_time(core *c, int64_t at_ns)
{
    if (at_ns > c->valued_at_ns) c->valued_at_ns = at_ns;
}

bool value_fresh(const core *c, int64_t at_ns, int64_t stale_after_ns)
{
    return stale_after_ns == 0 || (i128)c->valued_at_ns - at_ns <= stale_after_ns;
}

/* ---- rates ---- */

static uint64_t pair_key(uint32_t asset, uint32_t into) { return (uint64_t)asset << 32 | into; }

/* The rows of a pair are a chain, in the order they were first told of. */
static uint32_t rate_slot(core *c, uint32_t asset, uint32_t into, uint32_t source)
{
    uint32_t last = 0, slot = table_get(&c->rate_ids, pair_key(asset, into));
    for (; slot; last = slot, slot = RATE(c, slot)->next_same_pair)
        if (RATE(c, slot)->source == source) return slot;
    slot = pool_take(&c->rates);
    *RATE(c, slot) = (core_rate_row){.asset = asset, .into = into, .source = source};
    if (last)
        RATE(c, last)->next_same_pair = slot;
    else
        table_put(&c->rate_ids, pair_key(asset, into), slot);
    return slot;
}

static const core_rate_row *rate_find(const core *c, uint32_t asset, uint32_t into, uint32_t exchange)
{
    const core_rate_row *any = NULL;
    for (uint32_t slot = table_get(&c->rate_ids, pair_key(asset, into)); slot; slot = RATE(c, slot)->next_same_pair) {
        const core_rate_row *r = RATE(c, slot);
        if (r->den == 0 || !value_fresh(c, r->at_ns, r->stale_after_ns)) continue;
        if (r->source == exchange) return r;
        if (any == NULL) any = r;
    }
    return any;
}

const char *core_rate(core *c, uint32_t asset, uint32_t into, uint32_t source, i128 num, i128 den, int64_t at_ns, int64_t stale_after_ns)
{
    if (num <= 0 || den <= 0 || num > CORE_AMOUNT_MAX || den > CORE_AMOUNT_MAX) return "a rate must be a ratio of numbers from 1 to 10^36";
    if (asset == into) return "a rate must be between two assets";
    if (stale_after_ns < 0) return "a rate cannot be stale before its time";
    if (!pool_reserve(c, &c->rates, 1) || !table_reserve(c, &c->rate_ids, 1)) return "no room for one more rate";
    core_rate_row *r = RATE(c, rate_slot(c, asset, into, source));
    see_time(c, at_ns);
    if (r->den && at_ns < r->at_ns) return NULL; /* an older one changes nothing */
    r->num = num;
    r->den = den;
    r->at_ns = at_ns;
    r->stale_after_ns = stale_after_ns;
    return NULL;
}

const char *core_set_bridges(core *c, const uint32_t assets[CORE_BRIDGES])
{
    for (size_t i = 0; i < CORE_BRIDGES; i++) c->bridges[i] = assets[i];
    return NULL;
}

static bool direct(const core *c, uint32_t asset, uint32_t into, uint32_t exchange, i128 amount, i128 *out)
{
    *out = amount;
    if (asset == into) return true;
    const core_rate_row *r = rate_find(c, asset, into, exchange);
    if (r) return fixed_ratio(amount, r->num, r->den, out);
    r = rate_find(c, into, asset, exchange);
    return r && fixed_ratio(amount, r->den, r->num, out);
}

static bool bridged(const core *c, uint32_t asset, uint32_t into, uint32_t exchange, i128 amount, i128 *out)
{
    i128 between;
    if (direct(c, asset, into, exchange, amount, out)) return true;
    for (size_t i = 0; i < CORE_BRIDGES; i++) {
        uint32_t bridge = c->bridges[i];
        if (bridge && direct(c, asset, bridge, exchange, amount, &between) && direct(c, bridge, into, exchange, between, out)) return true;
    }
    return false;
}

bool value_convert(const core *c, uint32_t asset, uint32_t into, uint32_t exchange, i128 amount, i128 *out)
{
    i128 between;
    if (bridged(c, asset, into, exchange, amount, out)) return true;
    for (uint32_t i = 1; i < c->rates.used; i++) {
        const core_rate_row *r = RATE(c, i);
        if (r->asset != asset && r->into != asset) continue;
        uint32_t other = r->asset == asset ? r->into : r->asset;
        if (direct(c, asset, other, exchange, amount, &between) && bridged(c, other, into, exchange, between, out)) return true;
    }
    return false;
}

bool core_convert(const core *c, uint32_t account, uint32_t asset, uint32_t into, i128 amount, i128 *out)
{
    uint32_t slot = table_get(&c->account_ids, account);
    return value_convert(c, asset, into, slot ? ACCOUNT(c, slot)->exchange : 0, amount, out);
}

/* ---- marks ---- */

/* The worth of one unit of a position at a price in ticks, as a ratio; false when it cannot be written down. */
static bool unit_worth(const core_instrument_spec *s, int64_t ticks_num, int64_t ticks_den, i128 *num, i128 *den)
{
    bool inverse = s->kind == KIND_INVERSE;
    i128 up = inverse ? CORE_UNIT : s->quote_unit, down = inverse ? s->quote_unit : s->base_unit;
    i128 common = greatest_divisor(up, down);
    bool fits = !__builtin_mul_overflow(up / common, (i128)(inverse ? ticks_den : ticks_num), num) &&
                !__builtin_mul_overflow(down / common, (i128)(inverse ? ticks_num : ticks_den), den);
    return fits && *num <= CORE_AMOUNT_MAX && *den <= CORE_AMOUNT_MAX;
}

bool value_mark(core_instrument *in, int64_t num, int64_t den, int64_t at_ns)
{
    i128 worth_num, worth_den;
    if (num <= 0 || den <= 0 || !unit_worth(&in->spec, num, den, &worth_num, &worth_den)) return false;
    in->mark = (core_mark_state){.num = worth_num, .den = worth_den, .ticks_num = num, .ticks_den = den, .at_ns = at_ns};
    return true;
}

const char *core_mark(core *c, uint32_t instrument, int64_t num, int64_t den, int64_t at_ns)
{
    uint32_t slot = table_get(&c->instrument_ids, instrument);
    if (slot == 0) return "a mark of an instrument that was never set";
    core_instrument *in = INSTRUMENT(c, slot);
    const core_instrument_spec *s = &in->spec;
    if (!in->mark.den || at_ns >= in->mark.at_ns) /* an older one changes nothing */
        if (!value_mark(in, num, den, at_ns)) return "a mark must be a ratio of positive numbers of ticks, in the range of amounts";
    if (s->kind == KIND_SPOT) {
        const char *why =
            core_rate(c, s->base_asset, s->quote_asset, s->exchange, in->mark.num, in->mark.den, in->mark.at_ns, s->stale_after_ns);
        if (why) return why;
    }
    see_time(c, at_ns);
    return NULL;
}

bool value_at_mark(const core *c, const core_instrument *in, i128 qty, i128 *out)
{
    return in->mark.den && value_fresh(c, in->mark.at_ns, in->spec.stale_after_ns) && fixed_ratio(qty, in->mark.num, in->mark.den, out);
}

bool value_unrealised(const core *c, const core_position_row *p, i128 *out)
{
    const core_instrument *in = INSTRUMENT(c, SEAT(c, p->seat)->instrument);
    if (p->qty == 0) {
        *out = 0;
        return true;
    }
    if (!value_at_mark(c, in, p->qty, out)) return false;
    i128 worth = *out;
    bool inverse = in->spec.kind == KIND_INVERSE;
    return !__builtin_sub_overflow(inverse ? p->cost : worth, inverse ? worth : p->cost, out);
}

/* ---- equity ---- */

const char *value_flow(core *c, uint32_t account, uint32_t asset, i128 amount)
{
    core_account *a = ACCOUNT(c, account);
    uint32_t slot = a->first_flow;
    while (slot && FLOW(c, slot)->asset != asset) slot = FLOW(c, slot)->next_of_account;
    if (slot == 0) {
        if (!pool_reserve(c, &c->flows, 1)) return "no room for one more flow of money";
        slot = pool_take(&c->flows);
        *FLOW(c, slot) = (core_flow_row){.asset = asset, .next_of_account = a->first_flow};
        a->first_flow = slot;
    }
    bool fits = !__builtin_add_overflow(FLOW(c, slot)->amount, amount, &FLOW(c, slot)->amount);
    return fits ? NULL : "flows of money that leave the range of amounts";
}

static void forget_flows(core *c, core_account *a)
{
    while (a->first_flow) {
        uint32_t slot = a->first_flow;
        a->first_flow = FLOW(c, slot)->next_of_account;
        pool_give(&c->flows, slot);
    }
}

void value_forget(core *c, uint32_t account)
{
    core_account *a = ACCOUNT(c, account);
    forget_flows(c, a);
    a->worth = (core_worth){0};
}

static bool add(const core *c, const core_account *a, uint32_t asset, i128 amount, i128 *sum)
{
    i128 worth;
    if (amount == 0) return true;
    return value_convert(c, asset, a->reporting_asset, a->exchange, amount, &worth) && !__builtin_add_overflow(*sum, worth, sum);
}

static bool flows_worth(const core *c, const core_account *a, i128 *sum)
{
    *sum = 0;
    for (uint32_t slot = a->first_flow; slot; slot = FLOW(c, slot)->next_of_account)
        if (!add(c, a, FLOW(c, slot)->asset, FLOW(c, slot)->amount, sum)) return false;
    return true;
}

/* Everything it has, and what its open contracts have gained: what is spot stands in the balances already. */
static bool equity_of(const core *c, const core_account *a, i128 *sum)
{
    *sum = 0;
    for (uint32_t slot = a->first_balance; slot; slot = BALANCE(c, slot)->next_of_account)
        if (!add(c, a, BALANCE(c, slot)->asset, BALANCE(c, slot)->total, sum)) return false;
    for (uint32_t slot = a->first_position; slot; slot = POSITION(c, slot)->next_of_account) {
        const core_position_row *p = POSITION(c, slot);
        const core_instrument_spec *s = &INSTRUMENT(c, SEAT(c, p->seat)->instrument)->spec;
        i128 gained = 0;
        if (s->kind == KIND_SPOT || p->qty == 0) continue;
        if (!value_unrealised(c, p, &gained) || !add(c, a, s->settle_asset, gained, sum)) return false;
    }
    return true;
}

void value_refresh(core *c, uint32_t account)
{
    core_account *a = ACCOUNT(c, account);
    core_worth *w = &a->worth;
    i128 equity, came, flows, peak, gained;
    w->known = a->reporting_asset && flows_worth(c, a, &came) && equity_of(c, a, &equity) &&
               !__builtin_add_overflow(w->flows, came, &flows) && !__builtin_add_overflow(w->peak, came, &peak) &&
               !__builtin_sub_overflow(equity, flows, &gained);
    if (!w->known) return;
    forget_flows(c, a);
    w->equity = equity;
    w->flows = flows;
    if (!w->day_known) w->day_open = gained; /* the day begins where it was first known, less what came in since */
    w->peak = w->peak_known && peak > equity ? peak : equity;
    w->day_known = w->peak_known = true;
    if (a->own.on & ON_EQUITY) trip_equity(c, a);
}

void core_revalue(core *c, int64_t at_ns)
{
    see_time(c, at_ns);
    for (uint32_t i = 1; i < c->accounts.used; i++) value_refresh(c, i);
}

void core_day_open(core *c, int64_t day_start_ns)
{
    c->day_start_ns = day_start_ns;
    for (uint32_t i = 1; i < c->accounts.used; i++) {
        core_worth *w = &ACCOUNT(c, i)->worth;
        value_refresh(c, i);
        w->flows = 0;
        w->day_known = w->known;
        w->day_open = w->known ? w->equity : 0;
    }
}

bool core_equity(const core *c, uint32_t account, core_equity_view *out)
{
    uint32_t slot = table_get(&c->account_ids, account);
    if (slot == 0) return false;
    const core_worth *w = &ACCOUNT(c, slot)->worth;
    *out = (core_equity_view){w->known, w->day_known, w->peak_known, w->equity, w->day_open, w->peak, w->flows, c->valued_at_ns};
    return true;
}

void core_valued(const core *c, int64_t *at_ns, int64_t *day_start_ns)
{
    *at_ns = c->valued_at_ns;
    *day_start_ns = c->day_start_ns;
}

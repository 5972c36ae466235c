/* Trips: what stops a scope without being asked. Events are counted where reports are folded and worth is counted, so a
 * replay counts and halts the same. A trip writes the halt at once and, in a live core, leaves a record, which the caller
 * makes a row; with no room for the record it waits for the next event of its kind. */
#include "state.h"

#define SECOND_NS 1000000000
#define WINDOWS_AHEAD 256u /* strategies one command may meet for the first time */
#define BP 10000
#define REQUESTS_LEAST 20 /* a share of fewer says nothing */

enum { WINDOW_FILLS = 1, WINDOW_REJECTS, WINDOW_UNKNOWN, WINDOW_REQUESTS, WINDOW_ERRORS, WINDOW_STOPS, WINDOW_KINDS };

bool trip_reserve(core *c)
{
    return pool_reserve(c, &c->windows, WINDOWS_AHEAD) && table_reserve(c, &c->window_ids, WINDOWS_AHEAD) &&
           pool_reserve(c, &c->halts, TRIPS_ROOM) && table_reserve(c, &c->halt_ids, TRIPS_ROOM);
}

static bool stands(const core_halt_row *h, const core_trip *t)
{
    if (h->state == HALT_ACTIVE || (h->until_ns && h->until_ns <= t->at_ns) || h->state < t->state) return false;
    return h->state > t->state || h->until_ns == 0 || (t->until_ns && t->until_ns <= h->until_ns);
}

static void trip(core *c, core_trip t)
{
    uint64_t unused;
    if (!c->replaying && c->trips_used == TRIPS_ROOM) return;
    uint32_t slot = halt_find(c, t.scope, t.key, &unused);
    if (slot && stands(HALT(c, slot), &t)) return;
    if (core_stop(c, &t) == NULL && !c->replaying) c->trips[c->trips_used++] = t;
}

size_t core_trips_take(core *c, core_trip *out, size_t room)
{
    size_t taken = c->trips_used < room ? c->trips_used : room;
    for (size_t i = 0; i < taken; i++) out[i] = c->trips[i];
    for (size_t i = taken; i < c->trips_used; i++) c->trips[i - taken] = c->trips[i];
    c->trips_used -= (uint32_t)taken;
    if (taken) trip_reserve(c); /* should memory fail, trips wait as well */
    return taken;
}

/* ---- events in a window of time ---- */

static uint32_t window_find(const core *c, uint32_t kind, uint32_t scope, uint64_t key, uint64_t *table_key)
{
    for (*table_key = scope_key(scope + 16 * kind, key);; ++*table_key) {
        uint32_t slot = table_get(&c->window_ids, *table_key);
        const core_window *w = WINDOW(c, slot);
        if (slot == 0 || (w->key == key && w->scope == scope && w->kind == kind)) return slot;
    }
}

core_window *trip_window(core *c, uint32_t kind, uint32_t scope, uint64_t key)
{
    uint64_t table_key;
    uint32_t slot = window_find(c, kind, scope, key, &table_key);
    if (slot) return WINDOW(c, slot);
    if ((slot = pool_take(&c->windows)) == 0) return NULL;
    core_window *w = WINDOW(c, slot);
    w->kind = kind;
    w->scope = scope;
    w->key = key;
    table_put(&c->window_ids, table_key, slot);
    return w;
}

static uint32_t events_since(const core_window *w, int64_t after_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->count; i++) count += w->at_ns[i] > after_ns;
    return count;
}

/* One event more; how many that makes in the window. */
static uint32_t event(core *c, uint32_t kind, uint32_t scope, uint64_t key, int64_t at_ns, uint32_t window_s)
{
    core_window *w = trip_window(c, kind, scope, key);
    if (w == NULL) return 0;
    w->at_ns[w->next] = at_ns;
    w->next = (w->next + 1) % WINDOW_EVENTS;
    if (w->count < WINDOW_EVENTS) w->count++;
    return events_since(w, at_ns - (int64_t)window_s * SECOND_NS);
}

static void forgive(core *c, uint64_t account);

void trip_forget(core *c, unsigned scope, uint64_t key)
{
    uint64_t unused;
    if (scope == SCOPE_ACCOUNT) forgive(c, key);
    for (uint32_t kind = 1; kind < WINDOW_KINDS; kind++) {
        uint32_t slot = window_find(c, kind, scope, key, &unused);
        if (slot) WINDOW(c, slot)->count = WINDOW(c, slot)->next = 0;
    }
}

/* ---- executions ---- */

typedef struct {
    const core_account *account;
    const core_instrument *instrument;
    uint64_t strategy, seat; /* seat: the key of SCOPE_POSITION */
    limits_view limits;
} trip_place;

static void place_of(const core *c, const core_order *o, trip_place *out)
{
    const core_seat *seat = SEAT(c, o->seat);
    out->account = ACCOUNT(c, seat->account);
    out->instrument = INSTRUMENT(c, seat->instrument);
    out->strategy = POSITION(c, o->position)->strategy;
    out->seat = scope_of(SCOPE_POSITION, out->account, out->instrument, 0, 0);
    limits_look(c, out->account, out->instrument, out->strategy, terms_key(c, o), &out->limits);
}

static void lock(core *c, const trip_place *p, unsigned reason, int64_t at_ns, uint32_t pause_s, i128 limit, i128 value)
{
    int64_t until;
    if (__builtin_add_overflow(at_ns, (int64_t)pause_s * SECOND_NS, &until)) until = INT64_MAX;
    trip(c, (core_trip){at_ns, until, p->seat, SCOPE_POSITION, (uint16_t)reason, HALT_REDUCING, 0, limit, value});
}

/* An order's first execution by its stop, at a loss, is one stop-out; a loss that ends flat is a losing close. */
void trip_filled(core *c, uint32_t slot, const core_report *r, i128 realised)
{
    const core_order *o = ORDER(c, slot);
    trip_place p;
    place_of(c, o, &p);
    const core_limits *l = p.limits.limits;
    if (l->executions_max && p.strategy) {
        uint32_t count = event(c, WINDOW_FILLS, SCOPE_STRATEGY, p.strategy, r->at_ns, l->executions_window_s);
        if (count >= l->executions_max)
            trip(c,
                 (core_trip){r->at_ns, 0, p.strategy, SCOPE_STRATEGY, REASON_REPEATED_EXECUTION, HALT_HALTED, 0, l->executions_max, count});
    }
    if (realised >= 0) return;
    if (l->stop_outs_max && order_is_stop(o) && o->filled_lots == r->last_lots) {
        uint32_t count = event(c, WINDOW_STOPS, SCOPE_POSITION, p.seat, r->at_ns, l->stop_outs_window_s);
        if (count >= l->stop_outs_max) lock(c, &p, REASON_STOPLOSS_GUARD, r->at_ns, l->stop_outs_pause_s, l->stop_outs_max, count);
    }
    if (l->cooldown_s && POSITION(c, o->position)->qty == 0) lock(c, &p, REASON_COOLDOWN, r->at_ns, l->cooldown_s, 0, realised);
}

/* An order that was sent and refused: the strategy's, or by hand the account's. */
void trip_rejected(core *c, uint32_t slot, int64_t at_ns)
{
    trip_place p;
    place_of(c, ORDER(c, slot), &p);
    const core_limits *l = p.limits.limits;
    if (l->rejects_max == 0) return;
    uint32_t scope = p.strategy ? SCOPE_STRATEGY : SCOPE_ACCOUNT;
    uint64_t key = p.strategy ? p.strategy : p.account->id;
    uint32_t count = event(c, WINDOW_REJECTS, scope, key, at_ns, l->rejects_window_s);
    if (count >= l->rejects_max) trip(c, (core_trip){at_ns, 0, key, scope, REASON_REJECT_STORM, HALT_HALTED, 0, l->rejects_max, count});
}

/* ---- worth ---- */

/* A loss is told in basis points of what it is a loss of. What came in or went out since is none. */
static void lost(core *c, const core_account *a, unsigned reason, unsigned state, i128 from, i128 loss, uint32_t limit_bp)
{
    i128 bp;
    if (limit_bp == 0 || from <= 0 || loss <= 0 || !fixed_ratio(loss, BP, from, &bp) || bp <= limit_bp) return;
    trip(c, (core_trip){c->valued_at_ns, 0, a->id, SCOPE_ACCOUNT, (uint16_t)reason, (uint8_t)state, 0, limit_bp, bp});
}

void trip_equity(core *c, core_account *a)
{
    const core_worth *w = &a->worth;
    const core_limits *l = &a->own.limits;
    if (w->peak_known) lost(c, a, REASON_MAX_DRAWDOWN, HALT_HALTED, w->peak, w->peak - w->equity, l->drawdown_bp);
    i128 had; /* this morning, and what came in since */
    if (w->day_known && !__builtin_add_overflow(w->day_open, w->flows, &had))
        lost(c, a, REASON_DAILY_LOSS, HALT_REDUCING, had, had - w->equity, l->daily_loss_bp);
}

/* What was lost up to now is forgiven: the next loss counts from here. */
static void forgive(core *c, uint64_t account)
{
    uint32_t slot = account <= UINT32_MAX ? table_get(&c->account_ids, account) : 0;
    if (slot == 0 || !ACCOUNT(c, slot)->worth.known) return;
    core_worth *w = &ACCOUNT(c, slot)->worth;
    w->peak = w->equity;
    w->day_open = w->equity - w->flows;
}

/* ---- exchanges ---- */

static void degraded(core *c, uint32_t exchange, int64_t at_ns, i128 limit, i128 value)
{
    trip(c, (core_trip){at_ns, 0, exchange, SCOPE_EXCHANGE, REASON_EXCHANGE_DEGRADED, HALT_REDUCING, 0, limit, value});
}

const char *core_outcome(core *c, uint32_t account, uint32_t exchange, unsigned outcome, int64_t at_ns)
{
    uint32_t slot = table_get(&c->account_ids, account);
    if (slot == 0) return "an outcome for an account that was never set";
    if (outcome > OUTCOME_UNKNOWN) return "an outcome that does not exist";
    if (!limits_reserve(c)) return "no room to count outcomes";
    limits_view v;
    limits_look(c, ACCOUNT(c, slot), NULL, 0, 0, &v);
    const core_limits *l = v.limits;
    if (outcome == OUTCOME_UNKNOWN && l->unknown_max) {
        uint32_t count = event(c, WINDOW_UNKNOWN, SCOPE_EXCHANGE, exchange, at_ns, l->unknown_window_s);
        if (count >= l->unknown_max) degraded(c, exchange, at_ns, l->unknown_max, count);
    }
    if (l->errors_bp == 0) return NULL;
    uint32_t requests = event(c, WINDOW_REQUESTS, SCOPE_EXCHANGE, exchange, at_ns, l->errors_window_s), errors = 0;
    if (outcome != OUTCOME_ANSWERED) errors = event(c, WINDOW_ERRORS, SCOPE_EXCHANGE, exchange, at_ns, l->errors_window_s);
    if (requests >= REQUESTS_LEAST && (uint64_t)errors * BP > (uint64_t)requests * l->errors_bp)
        degraded(c, exchange, at_ns, l->errors_bp, (i128)errors * BP / requests);
    return NULL;
}

/* ---- prices ---- */

static int64_t second_of(int64_t at_ns) { return at_ns / SECOND_NS; }

static int64_t move_bp(i128 low, i128 high) { return low <= 0 ? INT64_MAX : (int64_t)((high - low) * BP / low); }

static uint32_t jump_limit(core *c, const core_instrument *in)
{
    uint32_t least = 0;
    for (unsigned scope = SCOPE_GLOBAL; scope <= SCOPE_INSTRUMENT; scope++) {
        if (scope == SCOPE_OWNER || scope == SCOPE_ACCOUNT || scope == SCOPE_STRATEGY) continue;
        const core_limit_row *row = limits_row(c, scope, scope_of(scope, NULL, in, 0, 0));
        uint32_t bp = row && row->set ? row->limits.price_jump_bp : 0;
        if (bp && (least == 0 || bp < least)) least = bp;
    }
    return least;
}

void trip_price(core *c, core_instrument *in, int64_t ticks, int64_t at_ns)
{
    core_swing *s = &in->swing;
    int64_t second = second_of(at_ns);
    if (ticks <= 0 || second < s->newest) return;
    int64_t passed = second - s->newest;
    for (int64_t i = 1; i <= passed && i <= SWING_SECONDS; i++) s->high[(s->newest + i) % SWING_SECONDS] = 0;
    s->newest = second;
    int64_t *low = &s->low[second % SWING_SECONDS], *high = &s->high[second % SWING_SECONDS];
    if (*high == 0 || ticks < *low) *low = ticks;
    if (ticks > *high) *high = ticks;
    uint32_t limit = s->last && c->rows_on & ON_WATCH ? jump_limit(c, in) : 0;
    int64_t moved = limit ? move_bp(ticks < s->last ? ticks : s->last, ticks < s->last ? s->last : ticks) : 0;
    s->last = ticks;
    if (limit && moved > limit) trip(c, (core_trip){at_ns, 0, in->id, SCOPE_INSTRUMENT, REASON_PRICE_JUMP, HALT_REDUCING, 0, limit, moved});
}

/* A market that went quiet is halted, and only that halt is lifted when it can be believed again. */
void core_watch(core *c, int64_t at_ns)
{
    uint64_t unused;
    for (uint32_t i = 1; i < c->instruments.used; i++) {
        const core_instrument *in = INSTRUMENT(c, i);
        if (in->mirror == 0 || c->trips_used == TRIPS_ROOM) continue;
        uint32_t slot = halt_find(c, SCOPE_INSTRUMENT, in->id, &unused);
        bool ours = slot && HALT(c, slot)->state != HALT_ACTIVE && HALT(c, slot)->reason == REASON_DATA_STALE;
        core_trip t = {at_ns, 0, in->id, SCOPE_INSTRUMENT, REASON_DATA_STALE, HALT_REDUCING, 0, in->spec.stale_after_ns, 0};
        int64_t heard_ns = MIRROR(c, in->mirror)->heard_ns; /* one that was never heard is no market that went quiet */
        bool quiet = heard_ns && in->spec.stale_after_ns && (i128)at_ns - heard_ns > in->spec.stale_after_ns;
        if (quiet) {
            t.value = (i128)at_ns - heard_ns;
            trip(c, t);
        } else if (ours && mirror_is_usable(c, in, at_ns)) {
            t.state = HALT_ACTIVE;
            if (core_stop(c, &t) == NULL) c->trips[c->trips_used++] = t;
        }
    }
}

static void widen(const core_swing *s, int64_t second, int64_t *low, int64_t *high)
{
    int64_t at = second % SWING_SECONDS;
    if (second < 0 || second > s->newest || second <= s->newest - SWING_SECONDS || s->high[at] == 0) return;
    if (*high == 0 || s->low[at] < *low) *low = s->low[at];
    if (s->high[at] > *high) *high = s->high[at];
}

/* The largest move within a window that ended in the last pause_s seconds; exactly only where it may pass the limit. */
int64_t swing_bp(const core_swing *s, int64_t at_ns, uint32_t window_s, uint32_t pause_s, uint32_t limit_bp)
{
    int64_t now = second_of(at_ns), low = 0, high = 0, worst = 0;
    for (int64_t i = 0; i <= (int64_t)window_s + pause_s; i++) widen(s, now - i, &low, &high);
    if (high == 0 || move_bp(low, high) <= limit_bp) return high ? move_bp(low, high) : 0;
    for (int64_t end = now; end >= now - pause_s; end--) {
        low = high = 0;
        for (int64_t i = 0; i <= window_s; i++) widen(s, end - i, &low, &high);
        if (high && move_bp(low, high) > worst) worst = move_bp(low, high);
    }
    return worst;
}

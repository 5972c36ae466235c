/* Checkpoints of the account half. One description of the layout serves writing, counting and reading: each record is
 * passed field by field through a cursor that does what its mode says, so the three cannot drift apart. */
#include "state.h"

#include <string.h>

#define SAVE_MAGIC 0x45524F434E44524Du /* "MRDNCORE" */
#define SAVE_VERSION 3u
#define AMOUNT_SAVED_MAX (CORE_AMOUNT_MAX * 50) /* the sum or difference of two still fits 128 bits */

typedef struct {
    uint8_t *out;      /* writing */
    const uint8_t *in; /* reading; neither: counting */
    size_t at, end;
    bool bad;
} cursor;

static void pass_u64(cursor *s, uint64_t *x)
{
    if (s->in && s->at + sizeof *x > s->end) {
        s->bad = true;
        *x = 0;
        return;
    }
    if (s->out) memcpy(s->out + s->at, x, sizeof *x);
    if (s->in) memcpy(x, s->in + s->at, sizeof *x);
    s->at += sizeof *x;
}

static void pass_u32(cursor *s, uint32_t *x)
{
    uint64_t wide = *x;
    pass_u64(s, &wide);
    *x = (uint32_t)wide;
}

static void pass_i64(cursor *s, int64_t *x)
{
    uint64_t wide = (uint64_t)*x;
    pass_u64(s, &wide);
    *x = (int64_t)wide;
}

static void pass_u8(cursor *s, uint8_t *x)
{
    uint64_t wide = *x;
    pass_u64(s, &wide);
    *x = (uint8_t)wide;
}

static void pass_bool(cursor *s, bool *x)
{
    uint64_t wide = *x;
    pass_u64(s, &wide);
    *x = wide != 0;
}

static void pass_i128(cursor *s, i128 *x)
{
    uint64_t low = (uint64_t)*x, high = (uint64_t)(*x >> 64);
    pass_u64(s, &low);
    pass_u64(s, &high);
    *x = (i128)((u128)high << 64 | low);
    if (s->in && (*x > AMOUNT_SAVED_MAX || *x < -AMOUNT_SAVED_MAX)) s->bad = true;
}

typedef struct {
    uint64_t magic, version, seq, trade_no, instruments, accounts, halts, limits, windows, recents, balances, positions, orders, rates,
        flows;
    uint64_t bridges[CORE_BRIDGES], valued_at_ns, day_start_ns;
} save_header;

static void pass_header(cursor *s, save_header *h)
{
    uint64_t *fields[] = {&h->magic,  &h->version, &h->seq,     &h->trade_no,     &h->instruments, &h->accounts,
                          &h->halts,  &h->limits,  &h->windows, &h->recents,      &h->balances,    &h->positions,
                          &h->orders, &h->rates,   &h->flows,   &h->valued_at_ns, &h->day_start_ns};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) pass_u64(s, fields[i]);
    for (size_t i = 0; i < CORE_BRIDGES; i++) pass_u64(s, &h->bridges[i]);
}

static void pass_instrument(cursor *s, uint32_t *id, core_instrument_spec *p, core_mark_state *mark)
{
    uint32_t *small[] = {id,         &p->exchange,      &p->spec_version,  &p->base_asset, &p->quote_asset,
                         &p->status, &p->maker_fee_ppm, &p->taker_fee_ppm, &p->kind,       &p->settle_asset};
    int64_t *times[] = {&p->stale_after_ns, &mark->ticks_num, &mark->ticks_den, &mark->at_ns};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) pass_u32(s, small[i]);
    pass_i128(s, &p->base_unit);
    pass_i128(s, &p->quote_unit);
    pass_i64(s, &p->qty_min_lots);
    pass_i64(s, &p->qty_max_lots);
    pass_i128(s, &p->notional_min);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) pass_i64(s, times[i]);
}

static void pass_rate(cursor *s, core_rate_row *r)
{
    pass_u32(s, &r->asset);
    pass_u32(s, &r->into);
    pass_u32(s, &r->source);
    pass_i64(s, &r->at_ns);
    pass_i64(s, &r->stale_after_ns);
    pass_i128(s, &r->num);
    pass_i128(s, &r->den);
}

static void pass_worth(cursor *s, core_worth *w)
{
    bool *known[] = {&w->known, &w->day_known, &w->peak_known};
    i128 *amounts[] = {&w->equity, &w->day_open, &w->peak, &w->flows};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) pass_bool(s, known[i]);
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) pass_i128(s, amounts[i]);
}

static void pass_bucket(cursor *s, core_bucket *b)
{
    pass_i64(s, &b->at_ns);
    pass_i128(s, &b->tokens);
}

static void pass_limits(cursor *s, core_limit_row *row)
{
#define PASS(name) pass_u32(s, &row->limits.name);
    CORE_LIMIT_COUNTS(PASS)
#undef PASS
#define PASS(name) pass_i128(s, &row->limits.name);
    CORE_LIMIT_AMOUNTS(PASS)
#undef PASS
    pass_bool(s, &row->set);
    pass_bucket(s, &row->orders);
    pass_bucket(s, &row->messages);
}

static void pass_account(cursor *s, core_account *a)
{
    uint32_t *small[] = {&a->id, &a->owner, &a->exchange, &a->reporting_asset, &a->margin};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) pass_u32(s, small[i]);
    pass_bool(s, &a->late);
    pass_limits(s, &a->own);
    pass_worth(s, &a->worth);
}

static void pass_halt(cursor *s, core_halt_row *h)
{
    uint64_t reason = h->reason;
    pass_u32(s, &h->scope);
    pass_u64(s, &h->key);
    pass_u8(s, &h->state);
    pass_u8(s, &h->gates);
    pass_u64(s, &reason);
    pass_i64(s, &h->until_ns);
    pass_i128(s, &h->limit);
    pass_i128(s, &h->value);
    h->reason = (uint16_t)reason;
}

static void pass_window(cursor *s, core_window *w)
{
    pass_u32(s, &w->kind);
    pass_u32(s, &w->scope);
    pass_u64(s, &w->key);
    pass_u32(s, &w->next);
    pass_u32(s, &w->count);
    for (uint32_t i = 0; i < WINDOW_EVENTS; i++) pass_i64(s, &w->at_ns[i]);
}

static void pass_balance(cursor *s, uint32_t *account, core_balance_row *b)
{
    pass_u32(s, account);
    pass_u32(s, &b->asset);
    pass_i128(s, &b->total);
    pass_i128(s, &b->hold);
}

static void pass_position(cursor *s, uint32_t *account, uint32_t *instrument, core_position_row *p)
{
    pass_u32(s, account);
    pass_u32(s, instrument);
    pass_u64(s, &p->strategy);
    i128 *amounts[] = {&p->qty, &p->cost, &p->realised, &p->fees};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) pass_i128(s, amounts[i]);
}

typedef struct {
    uint32_t account, instrument;
    uint64_t strategy;
} order_home;

static void pass_order(cursor *s, order_home *home, core_order *o)
{
    pass_u64(s, &o->order_no);
    pass_u32(s, &home->account);
    pass_u32(s, &home->instrument);
    pass_u64(s, &home->strategy);
    uint8_t *bytes[] = {&o->side, &o->type, &o->tif, &o->ord_status};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) pass_u8(s, bytes[i]);
    uint32_t *small[] = {&o->flags, &o->spec_version, &o->maker_fee_ppm, &o->taker_fee_ppm};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) pass_u32(s, small[i]);
    pass_i64(s, &o->limit_ticks);
    pass_i64(s, &o->qty_lots);
    pass_i64(s, &o->filled_lots);
    pass_u64(s, &o->arrival);
    pass_i128(s, &o->hold);
    pass_i128(s, &o->cum_cost);
}

/* What lies beside the order; all zero when nothing does. */
static void pass_terms(cursor *s, terms_row *t)
{
    pass_u32(s, &t->key);
    int64_t *numbers[] = {&t->stop_ticks, &t->trail, &t->expires_at_ns, &t->tp_ticks, &t->sl_stop_ticks, &t->sl_limit_ticks};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) pass_i64(s, numbers[i]);
    pass_u32(s, &t->born);
}

static uint64_t checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = SAVE_MAGIC;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        sum = fixed_mix(sum ^ word) + 0x9E3779B97F4A7C15u;
    }
    return sum;
}

/* ---- out ---- */

static void write_orders(const core *c, cursor *s, uint32_t account)
{
    uint32_t slot = ACCOUNT(c, account)->first_order;
    while (slot && LINKS(c, slot)->account_next) slot = LINKS(c, slot)->account_next;
    for (; slot; slot = LINKS(c, slot)->account_prev) { /* oldest first: restoring links each in front of the last */
        core_order o = *ORDER(c, slot);
        const core_seat *seat = SEAT(c, o.seat);
        order_home home = {ACCOUNT(c, seat->account)->id, INSTRUMENT(c, seat->instrument)->id, POSITION(c, o.position)->strategy};
        pass_order(s, &home, &o);
        terms_row terms = {0};
        if (o.terms) terms = *TERMS(c, o.terms);
        pass_terms(s, &terms);
    }
}

static void write_flows(const core *c, cursor *s, uint32_t account)
{
    for (uint32_t slot = ACCOUNT(c, account)->first_flow; slot; slot = FLOW(c, slot)->next_of_account) {
        uint32_t id = ACCOUNT(c, account)->id, asset = FLOW(c, slot)->asset;
        i128 amount = FLOW(c, slot)->amount;
        pass_u32(s, &id);
        pass_u32(s, &asset);
        pass_i128(s, &amount);
    }
}

static void write_rows(const core *c, cursor *s)
{
    for (uint32_t i = 1; i < c->instruments.used; i++) {
        core_instrument_spec spec = INSTRUMENT(c, i)->spec;
        core_mark_state mark = INSTRUMENT(c, i)->mark;
        uint32_t id = INSTRUMENT(c, i)->id;
        pass_instrument(s, &id, &spec, &mark);
        uint32_t mirror = INSTRUMENT(c, i)->mirror, front_ppm = mirror ? MIRROR(c, mirror)->front_ppm : 0;
        pass_u32(s, &mirror);
        pass_u32(s, &front_ppm);
    }
    for (uint32_t i = 1; i < c->accounts.used; i++) {
        core_account a = *ACCOUNT(c, i);
        pass_account(s, &a);
    }
    for (uint32_t i = 1; i < c->halts.used; i++) {
        core_halt_row h = *HALT(c, i);
        pass_halt(s, &h);
    }
    for (uint32_t i = 1; i < c->limits.used; i++) {
        core_limit_row row = *LIMIT_ROW(c, i);
        pass_u32(s, &row.scope);
        pass_u64(s, &row.key);
        pass_limits(s, &row);
    }
    for (uint32_t i = 1; i < c->windows.used; i++) {
        core_window w = *WINDOW(c, i);
        pass_window(s, &w);
    }
    for (uint32_t slot = c->recent_first; slot; slot = RECENT(c, slot)->next) {
        core_recent one = *RECENT(c, slot);
        pass_u64(s, &one.print);
        pass_i64(s, &one.at_ns);
    }
    for (uint32_t i = 1; i < c->balances.used; i++) {
        core_balance_row b = *BALANCE(c, i);
        uint32_t account = ACCOUNT(c, b.account)->id;
        pass_balance(s, &account, &b);
    }
    for (uint32_t i = 1; i < c->positions.used; i++) {
        core_position_row p = *POSITION(c, i);
        if (p.is_sum) continue;
        uint32_t account = ACCOUNT(c, SEAT(c, p.seat)->account)->id, instrument = INSTRUMENT(c, SEAT(c, p.seat)->instrument)->id;
        pass_position(s, &account, &instrument, &p);
    }
    for (uint32_t i = 1; i < c->accounts.used; i++) write_orders(c, s, i);
    for (uint32_t i = 1; i < c->rates.used; i++) {
        core_rate_row r = *RATE(c, i);
        pass_rate(s, &r);
    }
    for (uint32_t i = 1; i < c->accounts.used; i++) write_flows(c, s, i);
}

static uint64_t count_positions(const core *c)
{
    uint64_t count = 0;
    for (uint32_t i = 1; i < c->positions.used; i++) count += !POSITION(c, i)->is_sum;
    return count;
}

static void write_all(const core *c, cursor *s)
{
    save_header h = {SAVE_MAGIC,
                     SAVE_VERSION,
                     c->seq,
                     c->trade_no,
                     c->instruments.used - 1,
                     c->accounts.used - 1,
                     c->halts.used - 1,
                     c->limits.used - 1,
                     c->windows.used - 1,
                     c->recent_ids.count,
                     c->balances.used - 1,
                     count_positions(c),
                     c->orders_open,
                     c->rates.used - 1,
                     (uint64_t)c->flows.used - 1 - c->flows.free_count,
                     {c->bridges[0], c->bridges[1], c->bridges[2]},
                     (uint64_t)c->valued_at_ns,
                     (uint64_t)c->day_start_ns};
    pass_header(s, &h);
    write_rows(c, s);
}

size_t core_checkpoint_size(const core *c)
{
    cursor s = {0};
    write_all(c, &s);
    return s.at + sizeof(uint64_t);
}

void core_checkpoint(const core *c, uint8_t *out)
{
    cursor s = {.out = out};
    write_all(c, &s);
    uint64_t sum = checksum(out, s.at);
    pass_u64(&s, &sum);
}

/* ---- in ---- */

static const char *read_world(core *c, cursor *s, const save_header *h)
{
    const char *why = NULL;
    for (uint64_t i = 0; i < h->instruments && !s->bad && !why; i++) {
        uint32_t id = 0;
        core_instrument_spec spec = {0};
        core_mark_state mark = {0};
        uint32_t mirror = 0, front_ppm = 0;
        pass_instrument(s, &id, &spec, &mark);
        pass_u32(s, &mirror);
        pass_u32(s, &front_ppm);
        why = core_set_instrument(c, id, &spec);
        if (!why && mirror) why = core_set_mirror(c, id, true, front_ppm, 0);
        if (why || !mark.ticks_den) continue;
        core_instrument *in = INSTRUMENT(c, table_get(&c->instrument_ids, id));
        if (!value_mark(in, mark.ticks_num, mark.ticks_den, mark.at_ns)) why = "a checkpoint with an impossible mark";
    }
    for (uint64_t i = 0; i < h->accounts && !s->bad && !why; i++) {
        core_account a = {0};
        pass_account(s, &a);
        why = core_set_account(c, a.id, &(core_account_spec){.owner = a.owner});
        if (!why) why = limits_restore(c, SCOPE_ACCOUNT, a.id, &a.own);
        if (why) return why;
        core_account *own = ACCOUNT(c, table_get(&c->account_ids, a.id));
        a.own = own->own;
        *own = a;
    }
    return why;
}

static const char *read_stops(core *c, cursor *s, const save_header *h)
{
    const char *why = NULL;
    for (uint64_t i = 0; i < h->halts && !s->bad && !why; i++) {
        core_halt_row row = {0};
        pass_halt(s, &row);
        why = core_stop(c, &(core_trip){.scope = row.scope,
                                        .key = row.key,
                                        .state = row.state,
                                        .reason = row.reason,
                                        .until_ns = row.until_ns,
                                        .limit = row.limit,
                                        .value = row.value});
        if (!why && row.gates) why = core_set_gates(c, row.scope, row.key, row.gates);
    }
    for (uint64_t i = 0; i < h->limits && !s->bad && !why; i++) {
        core_limit_row row = {0};
        pass_u32(s, &row.scope);
        pass_u64(s, &row.key);
        pass_limits(s, &row);
        why = limits_restore(c, row.scope, row.key, &row);
    }
    for (uint64_t i = 0; i < h->windows && !s->bad && !why; i++) {
        core_window w = {0};
        pass_window(s, &w);
        core_window *own =
            limits_reserve(c) && w.count <= WINDOW_EVENTS && w.next < WINDOW_EVENTS ? trip_window(c, w.kind, w.scope, w.key) : NULL;
        if (own == NULL) return "no room for the checkpoint's windows";
        *own = w;
    }
    for (uint64_t i = 0; i < h->recents && !s->bad && !why; i++) {
        core_recent one = {0};
        pass_u64(s, &one.print);
        pass_i64(s, &one.at_ns);
        if (!limits_reserve(c)) return "no room for the checkpoint's newest orders";
        limits_remember(c, one.print, one.at_ns);
    }
    return why;
}

static const char *read_money(core *c, cursor *s, const save_header *h)
{
    for (uint64_t i = 0; i < h->balances && !s->bad; i++) {
        uint32_t id = 0;
        core_balance_row b = {0};
        pass_balance(s, &id, &b);
        uint32_t account = table_get(&c->account_ids, id);
        if (!account) return "a checkpoint with a balance of no account";
        if (!account_reserve(c, 1)) return "no room for the checkpoint's balances";
        core_balance_row *row = BALANCE(c, account_balance_slot(c, account, b.asset));
        row->total = b.total;
        row->hold = b.hold;
    }
    for (uint64_t i = 0; i < h->positions && !s->bad; i++) {
        uint32_t account_id = 0, instrument_id = 0;
        core_position_row p = {0};
        pass_position(s, &account_id, &instrument_id, &p);
        uint32_t account = table_get(&c->account_ids, account_id), instrument = table_get(&c->instrument_ids, instrument_id);
        if (!account || !instrument) return "a checkpoint with a position of no account";
        if (!account_reserve(c, 1)) return "no room for the checkpoint's positions";
        uint32_t seat = account_seat_slot(c, account, instrument), slot = position_slot(c, seat, p.strategy);
        if (!position_add(POSITION(c, slot), &p, NULL)) return "a checkpoint with a position twice";
        if (SEAT(c, seat)->sum != slot && !position_add(POSITION(c, SEAT(c, seat)->sum), &p, NULL))
            return "a checkpoint with positions that leave the range of amounts";
    }
    return NULL;
}

static bool is_possible(const core_order *o)
{
    return o->side <= SIDE_SELL && o->type <= TYPE_TRAILING_STOP && o->tif <= TIF_GTD && o->filled_lots >= 0 &&
           o->filled_lots < o->qty_lots && o->maker_fee_ppm <= CORE_FEE_UNIT && o->taker_fee_ppm <= CORE_FEE_UNIT;
}

static const char *read_orders(core *c, cursor *s, const save_header *h)
{
    for (uint64_t i = 0; i < h->orders && !s->bad; i++) {
        order_home home = {0};
        core_order o = {0};
        terms_row terms = {0};
        pass_order(s, &home, &o);
        pass_terms(s, &terms);
        uint32_t account = table_get(&c->account_ids, home.account), instrument = table_get(&c->instrument_ids, home.instrument);
        if (!account || !instrument || order_find(c, o.order_no)) return "a checkpoint with an order of no account, or twice";
        if (s->bad || !is_possible(&o) || !terms_possible(&terms, o.type, o.flags)) return "a checkpoint with an impossible order";
        uint32_t room = o.flags & FLAG_TERMS ? 3 : 1; /* its own, and that of the children it may bear */
        if (!account_reserve(c, room) || !terms_reserve(c, room)) return "no room for the checkpoint's orders";
        uint32_t slot = order_create(c, o.order_no);
        o.instrument = instrument;
        o.seat = account_seat_slot(c, account, instrument);
        o.position = position_slot(c, o.seat, home.strategy);
        *ORDER(c, slot) = o;
        if (o.flags & FLAG_TERMS || terms.key) terms_restore(c, slot, &terms);
        account_link(c, slot);
    }
    c->rebuild_owed = h->orders != 0;
    return NULL;
}

static const char *read_rates(core *c, cursor *s, const save_header *h)
{
    const char *why = NULL;
    for (uint64_t i = 0; i < h->rates && !s->bad && !why; i++) {
        core_rate_row r = {0};
        pass_rate(s, &r);
        why = core_rate(c, r.asset, r.into, r.source, r.num, r.den, r.at_ns, r.stale_after_ns);
    }
    for (uint64_t i = 0; i < h->flows && !s->bad && !why; i++) {
        uint32_t id = 0, asset = 0;
        i128 amount = 0;
        pass_u32(s, &id);
        pass_u32(s, &asset);
        pass_i128(s, &amount);
        uint32_t account = table_get(&c->account_ids, id);
        why = account ? value_flow(c, account, asset, amount) : "a checkpoint with a flow of no account";
    }
    for (size_t i = 0; i < CORE_BRIDGES; i++) c->bridges[i] = (uint32_t)h->bridges[i];
    c->valued_at_ns = (int64_t)h->valued_at_ns;
    c->day_start_ns = (int64_t)h->day_start_ns;
    return why;
}

static const char *read_all(core *c, const uint8_t *state, size_t size)
{
    save_header h = {0};
    uint64_t sum = 0;
    if (size < sizeof h + sizeof sum || size % sizeof sum) return "a checkpoint that was cut short";
    cursor s = {.in = state, .end = size - sizeof sum};
    memcpy(&sum, state + s.end, sizeof sum);
    if (sum != checksum(state, s.end)) return "a checkpoint whose checksum does not hold";
    pass_header(&s, &h);
    if (h.magic != SAVE_MAGIC || h.version != SAVE_VERSION) return "a checkpoint of another version, which this one cannot read";
    const char *why = read_world(c, &s, &h);
    if (!why) why = read_stops(c, &s, &h);
    if (!why) why = read_money(c, &s, &h);
    if (!why) why = read_orders(c, &s, &h);
    if (!why) why = read_rates(c, &s, &h);
    if (!why && (s.bad || s.at != s.end)) why = "a checkpoint whose rows do not fill it";
    c->seq = h.seq;
    c->trade_no = h.trade_no;
    return why ? why : core_verify(c);
}

/* Read into a core beside this one, which takes its place only when all of it was read and every invariant holds. */
const char *core_restore(core *c, const uint8_t *state, size_t size)
{
    if (c->seq || c->instruments.used > 1 || c->accounts.used > 1) return "a checkpoint is restored only onto a fresh core";
    core *read = core_create(c->orders.bound, (uint32_t)(c->ring_bound / sizeof(core_report)));
    if (read == NULL) return "no memory to restore a checkpoint";
    const char *why = read_all(read, state, size);
    if (!why) {
        core fresh = *c;
        *c = *read;
        *read = fresh;
    }
    core_destroy(read);
    return why;
}

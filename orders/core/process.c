/* The commands of a batch, one after the other, and what all commands share. Each reserves all the room it may need
 * first, so that it either runs whole or is refused with CAPACITY and has changed nothing. */
#include "state.h"

/* A cancel, an amend or a told event was refused: the order, when there is one, stays as it is. */
unsigned command_refused(core *c, const core_command *m, uint32_t slot, unsigned reason, i128 limit, i128 value, uint64_t index)
{
    core_report *r;
    if (slot && ORDER(c, slot)->in_account) {
        const core_order *o = ORDER(c, slot);
        r = order_report(c, slot, 'I', m->at_ns, index);
        r->ord_status = o->ord_status;
        account_view(c, SEAT(c, o->seat), NULL, r);
    } else {
        r = ring_push(c, 'I', 0);
        r->at_ns = m->at_ns;
        r->order_no = m->order_no;
        r->account = m->account;
        r->instrument = m->instrument;
        r->ord_status = '8';
        r->command_index = (uint32_t)index;
    }
    r->reason = (uint16_t)reason;
    r->limit = limit;
    r->value = value;
    return reason;
}

void command_fold(core *c, core_report *r, uint32_t slot)
{
    const char *why = account_apply(c, r, slot);
    if (why != NULL) c->broken = why;
}

/* A batch says what comes, so the cache lines of some commands are asked for together before the first of them runs: of the
 * table, then of the orders it leads to, and when all orders together are far larger than the cache, then of the queues and
 * lists those stand in. */
#define EXPECTED 8u
#define FAR_ORDERS 16384u

static void expect_queue(core *c, const core_command *m, uint32_t slot)
{
    if (slot == 0) {
        uint32_t instrument = seen_instrument(c, m->instrument), account = seen_account(c, m->account);
        if (instrument) book_expect(&INSTRUMENT(c, instrument)->book, m->price_ticks);
        if (instrument == 0 || account == 0) return;
        const core_seat *seat = SEAT(c, seen_seat(c, account, instrument));
        __builtin_prefetch(seat);
        __builtin_prefetch(POSITION(c, seat->recent));
        return;
    }
    const core_order *o = ORDER(c, slot);
    const order_links *own = LINKS(c, slot);
    book_expect(&INSTRUMENT(c, o->instrument)->book, o->price_ticks);
    __builtin_prefetch(SEAT(c, o->seat));
    __builtin_prefetch(LINKS(c, own->prev));
    __builtin_prefetch(LINKS(c, own->next));
    __builtin_prefetch(LINKS(c, own->account_prev));
    __builtin_prefetch(LINKS(c, own->account_next));
}

static void expect(core *c, const core_command *m, size_t count)
{
    const order_index *t = &c->order_ids;
    uint32_t at[EXPECTED], slot[EXPECTED];
    if (t->entries == NULL) return;
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch((const uint8_t *)(m + i) + EXPECTED * sizeof *m); /* the commands after these */
        __builtin_prefetch((const uint8_t *)(m + i) + EXPECTED * sizeof *m + 64);
        __builtin_prefetch(&t->entries[at[i] = index_hash(m[i].order_no) >> t->shift]);
    }
    for (size_t i = 0; i < count; i++) {
        slot[i] = (uint32_t)t->entries[at[i]]; /* its own, for most numbers */
        const uint8_t *order = (const uint8_t *)ORDER(c, slot[i]);
        __builtin_prefetch(order);
        __builtin_prefetch(order + sizeof(core_order) / 2);
        __builtin_prefetch(LINKS(c, slot[i]));
    }
    if (c->orders.used < FAR_ORDERS) return;
    for (size_t i = 0; i < count; i++) expect_queue(c, &m[i], slot[i]);
}

/* One command, with its terms when it has any; how many records it was, 0 when the ring must be drained first. */
static size_t run(core *c, const core_command *m, size_t left, uint64_t index)
{
    switch (m->op) {
    case OP_PLACE: core_place(c, m, index); return 1;
    case OP_CANCEL: core_cancel(c, m, index); return 1;
    case OP_AMEND: core_amend(c, m, index); return 1;
    case OP_FILL:
    case OP_CLOSE: core_told(c, m, index); return 1;
    case OP_TIME: return core_at(c, m->at_ns) == REASON_NONE;
    case OP_SWEEP: return core_sweep(c, m, index) != REASON_CAPACITY;
    case OP_TERMS:
        if (left < 2 || m[1].op != OP_PLACE) break;
        core_place_with(c, &m[1], (const core_terms *)(const void *)m, index + 1);
        return 2;
    default: break;
    }
    c->commands++;
    if (ring_reserve(c, 1)) command_refused(c, m, 0, REASON_COMMAND_UNKNOWN, 0, m->op, index);
    return 1;
}

size_t core_process(core *c, const core_command *commands, size_t count, uint64_t first_index)
{
    size_t done = 0, records = 1;
    for (; done < count && records && c->broken == NULL; done += records) {
        const core_command *m = &commands[done];
        if (c->ring_used > c->ring_bound / 2) break; /* each command finds at least half of the ring */
        if (done % EXPECTED == 0 && count > 1) expect(c, m, count - done < EXPECTED ? count - done : EXPECTED);
        bool has_terms = m->op == OP_TERMS && count - done > 1; /* terms have no time of their own */
        if (!command_ready(c, m[has_terms].at_ns)) break;
        records = run(c, m, count - done, first_index + done);
    }
    if (done == count) command_done(c);
    return done;
}

bool core_idle(const core *c) { return c->due_head == 0; }

/* Orders that end by time. Time enters with every command and by OP_TIME; whatever is due by then expires first. */
#include "state.h"

#define DAY_NS ((int64_t)86400 * 1000000000)

int64_t expiry_of_day(int64_t at_ns)
{
    int64_t into = at_ns % DAY_NS, left = into < 0 ? -into : DAY_NS - into;
    return at_ns > INT64_MAX - left ? INT64_MAX : at_ns + left;
}

static void note_next(core *c) { c->expires_next = c->expiry.used ? c->expiry.entries[0].key : INT64_MAX; }

void expiry_enter(core *c, uint32_t slot)
{
    uint32_t terms = ORDER(c, slot)->terms;
    if (TERMS(c, terms)->expires_at_ns == 0) return;
    if (!heap_reserve(c, &c->expiry, 1)) {
        c->broken = "no memory for an order that expires";
        return;
    }
    heap_add(c, &c->expiry, HEAP_EXPIRY, terms, TERMS(c, terms)->expires_at_ns, ORDER(c, slot)->arrival);
    note_next(c);
}

void expiry_leave(core *c, uint32_t terms)
{
    heap_remove(c, &c->expiry, HEAP_EXPIRY, terms);
    note_next(c);
}

bool expiry_run(core *c, int64_t at_ns)
{
    while (c->expiry.used && c->expiry.entries[0].key <= at_ns && c->broken == NULL) {
        uint32_t slot = TERMS(c, c->expiry.entries[0].terms)->order;
        if (!ring_reserve(c, 1)) return false;
        expiry_leave(c, ORDER(c, slot)->terms);
        order_withdraw(c, slot, 'C', REASON_NONE, at_ns, CORE_NO_COMMAND);
        if (!due_drain(c)) return false;
    }
    return true;
}

unsigned core_at(core *c, int64_t at_ns)
{
    c->commands++;
    return command_ready(c, at_ns) ? REASON_NONE : REASON_CAPACITY;
}

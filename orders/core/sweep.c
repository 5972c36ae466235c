/* Cancel many by what they are: of an account or of all accounts of an owner, at one instrument, of one strategy, of one
 * side. Oldest first, account by account. A sweep that fills the ring is not over: it is called again after draining and
 * finds what is left, for what it canceled is gone. */
#include "state.h"

static bool meant(const core *c, const core_command *m, const core_order *o)
{
    if (m->instrument && INSTRUMENT(c, o->instrument)->id != m->instrument) return false;
    if (m->strategy != CORE_ANY_STRATEGY && POSITION(c, o->position)->strategy != m->strategy) return false;
    if (m->side != CORE_ANY_SIDE && o->side != m->side) return false;
    return o->in_book || order_waits(c, o); /* of what is not in the market a report was lost: that is asked about, not canceled */
}

static bool sweep_account(core *c, const core_command *m, uint32_t account, uint64_t index)
{
    uint32_t slot = ACCOUNT(c, account)->first_order, prev;
    while (slot && LINKS(c, slot)->account_next) slot = LINKS(c, slot)->account_next;
    for (; slot; slot = prev) {
        prev = LINKS(c, slot)->account_prev;
        if (!meant(c, m, ORDER(c, slot))) continue;
        if (!ring_reserve(c, 1)) return false;
        order_withdraw(c, slot, '4', REASON_NONE, m->at_ns, index);
    }
    return true;
}

/* The owner is in order_no; one of account and owner must be named: nobody cancels everybody's by leaving out a word. */
static unsigned sweep(core *c, const core_command *m, uint64_t index)
{
    uint32_t account = table_get(&c->account_ids, m->account);
    bool done = true, found = account != 0;
    if (account) {
        done = (m->order_no == 0 || ACCOUNT(c, account)->owner == m->order_no) && sweep_account(c, m, account, index);
        if (m->order_no && ACCOUNT(c, account)->owner != m->order_no) found = false;
    } else if (m->account == 0 && m->order_no) {
        for (uint32_t i = 1; i < c->accounts.used && done; i++) {
            if (ACCOUNT(c, i)->owner != m->order_no) continue;
            found = true;
            done = sweep_account(c, m, i, index);
        }
    }
    if (!found) return command_refused(c, m, 0, REASON_ACCOUNT_UNKNOWN, 0, m->account, index);
    return done ? REASON_NONE : REASON_CAPACITY;
}

unsigned core_sweep(core *c, const core_command *m, uint64_t index)
{
    if (!command_ready(c, m->at_ns) || !ring_reserve(c, 1)) return REASON_CAPACITY;
    unsigned reason = sweep(c, m, index);
    c->commands += reason != REASON_CAPACITY;
    command_done(c);
    return reason;
}

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

/* A batch says what comes: the table's line of a command some way ahead is fetched while others run, then its order's. */
#define TABLE_AHEAD 8
#define ORDER_AHEAD 4

size_t core_process(core *c, const core_command *commands, size_t count, uint64_t first_index)
{
    size_t done = 0;
    for (; done < count && c->broken == NULL; done++) {
        const core_command *m = &commands[done];
        uint64_t index = first_index + done;
        if (c->ring_used > c->ring_bound / 2) break; /* each command finds at least half of the ring */
        if (count - done > TABLE_AHEAD) order_expect_entry(c, m[TABLE_AHEAD].order_no);
        if (count - done > ORDER_AHEAD) order_expect(c, m[ORDER_AHEAD].order_no);
        switch (m->op) {
        case OP_PLACE: core_place(c, m, index); break;
        case OP_CANCEL: core_cancel(c, m, index); break;
        case OP_AMEND: core_amend(c, m, index); break;
        case OP_FILL:
        case OP_CLOSE: core_told(c, m, index); break;
        default:
            c->commands++;
            if (ring_reserve(c, 1)) command_refused(c, m, 0, REASON_COMMAND_UNKNOWN, 0, m->op, index);
        }
    }
    return done;
}

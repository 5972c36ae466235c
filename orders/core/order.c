/* An order's life: one table of states, one record for both halves. */
#include "state.h"

/* Letters of FIX 4.4 (tags 39 and 150). A pair that is not here is not allowed. `after_all` is for an execution that
 * leaves nothing to fill. From 0: the order is not known yet. */
static const struct {
    uint8_t from, exec_type, after, after_all;
} TRANSITIONS[] = {
    {0, '0', '0', '0'},   {0, '8', '8', '8'},   {'A', '0', '0', '0'}, {'A', '8', '8', '8'}, {'A', 'F', '1', '2'}, {'A', '4', '4', '4'},
    {'A', 'C', 'C', 'C'}, {'0', 'F', '1', '2'}, {'0', '5', '0', '0'}, {'0', '4', '4', '4'}, {'0', 'C', 'C', 'C'}, {'0', '8', '8', '8'},
    {'1', 'F', '1', '2'}, {'1', '5', '1', '1'}, {'1', '4', '4', '4'}, {'1', 'C', 'C', 'C'}, {'1', '8', '8', '8'},
};

uint8_t order_next(uint8_t ord_status, uint8_t exec_type, bool filled)
{
    for (size_t i = 0; i < sizeof TRANSITIONS / sizeof *TRANSITIONS; i++)
        if (TRANSITIONS[i].from == ord_status && TRANSITIONS[i].exec_type == exec_type)
            return filled ? TRANSITIONS[i].after_all : TRANSITIONS[i].after;
    return 0;
}

bool order_is_final(uint8_t ord_status) { return ord_status == '2' || ord_status == '4' || ord_status == '8' || ord_status == 'C'; }

uint32_t order_find(const core *c, uint64_t order_no) { return table_get(&c->order_ids, order_no); }

uint32_t order_create(core *c, uint64_t order_no)
{
    uint32_t slot = pool_take(&c->orders);
    ORDER(c, slot)->order_no = order_no;
    table_put(&c->order_ids, order_no, slot);
    return slot;
}

void order_drop_if_gone(core *c, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    if (o->in_book || o->in_account) return;
    table_remove(&c->order_ids, o->order_no);
    pool_give(&c->orders, slot);
}

core_report *order_report(core *c, uint32_t slot, uint8_t exec_type, int64_t at_ns, uint64_t index)
{
    const core_order *o = ORDER(c, slot);
    const core_seat *seat = SEAT(c, o->seat);
    core_report *r = ring_push(c);
    r->at_ns = at_ns;
    r->order_no = o->order_no;
    r->strategy = POSITION(c, o->position)->strategy;
    r->account = ACCOUNT(c, seat->account)->id;
    r->instrument = INSTRUMENT(c, seat->instrument)->id;
    r->exec_type = exec_type;
    r->side = o->side;
    r->type = o->type;
    r->tif = o->tif;
    r->flags = o->flags;
    r->spec_version = o->spec_version;
    r->price_ticks = o->limit_ticks;
    r->qty_lots = o->qty_lots;
    r->hold = o->hold;
    r->cum_cost = o->cum_cost;
    r->filled_lots = o->filled_lots;
    r->command_index = index;
    return r;
}

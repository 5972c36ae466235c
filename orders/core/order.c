/* An order's life: one table of states, one record for both halves. */
#include "state.h"

/* Letters of FIX 4.4 (tags 39 and 150) as rows and columns. Row and column 0 are the letters nothing may follow. */
enum { UNKNOWN_YET = 1, PENDING, OPEN, PART_FILLED, STATES };
enum { EVENT_NEW = 1, EVENT_FILL, EVENT_REPLACED, EVENT_CANCELED, EVENT_EXPIRED, EVENT_REJECTED, EVENT_RESTATED, EVENT_TRIGGERED, EVENTS };
static const uint8_t STATE_OF[] = {[0] = UNKNOWN_YET, ['A'] = PENDING, ['0'] = OPEN, ['1'] = PART_FILLED};
static const uint8_t EVENT_OF[] = {['0'] = EVENT_NEW,     ['F'] = EVENT_FILL,     ['5'] = EVENT_REPLACED, ['4'] = EVENT_CANCELED,
                                   ['C'] = EVENT_EXPIRED, ['8'] = EVENT_REJECTED, ['D'] = EVENT_RESTATED, ['L'] = EVENT_TRIGGERED};

/* The state after: a pair that is not here is not allowed. An execution that leaves nothing to fill ends in '2' instead. */
static const uint8_t AFTER[STATES][EVENTS] = {
    [UNKNOWN_YET] = {[EVENT_NEW] = '0', [EVENT_REJECTED] = '8'},
    [PENDING] = {0, '0', '1', 0, '4', 'C', '8'},
    [OPEN] = {0, 0, '1', '0', '4', 'C', '8', '0', '0'},
    [PART_FILLED] = {0, 0, '1', '1', '4', 'C', '8', '1', '1'},
};

uint8_t order_next(uint8_t ord_status, uint8_t exec_type, bool filled)
{
    if (ord_status >= sizeof STATE_OF || exec_type >= sizeof EVENT_OF) return 0;
    uint8_t after = AFTER[STATE_OF[ord_status]][EVENT_OF[exec_type]];
    return after && filled && exec_type == 'F' ? '2' : after;
}

bool order_is_final(uint8_t ord_status) { return ord_status == '2' || ord_status == '4' || ord_status == '8' || ord_status == 'C'; }

bool order_is_stop(const core_order *o) { return o->type == TYPE_STOP || o->type == TYPE_STOP_LIMIT || o->type == TYPE_TRAILING_STOP; }

bool order_reserve(core *c, uint32_t orders)
{
    orders += c->promised; /* children will be born in the middle of somebody's command */
    if (!pool_reserve(c, &c->orders, orders) || !index_reserve(c, orders)) return false;
    if (c->links_room == c->orders.room) return true;
    void *links = pool_array(c, c->links, c->links_room * sizeof *c->links, c->orders.room * sizeof *c->links);
    if (links == NULL) return false;
    c->links = links;
    c->links_room = c->orders.room;
    return true;
}

uint32_t order_create(core *c, uint64_t order_no)
{
    uint32_t slot = pool_take_as_it_lies(&c->orders);
    *ORDER(c, slot) = (core_order){.order_no = order_no};
    index_put(c, order_no, slot);
    return slot;
}

void order_drop_if_gone(core *c, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    if (o->in_book || o->in_account || (o->terms && !terms_drop(c, slot))) return;
    index_remove(c, o->order_no, slot);
    pool_give(&c->orders, slot);
}

core_report *order_report(core *c, uint32_t slot, uint8_t exec_type, int64_t at_ns, uint64_t index)
{
    const core_order *o = ORDER(c, slot);
    const core_seat *seat = SEAT(c, o->seat);
    core_report *r = ring_push(c, exec_type, o->flags);
    r->at_ns = at_ns;
    r->order_no = o->order_no;
    r->strategy = POSITION(c, o->position)->strategy;
    r->account = ACCOUNT(c, seat->account)->id;
    r->instrument = INSTRUMENT(c, seat->instrument)->id;
    r->side = o->side;
    r->type = o->type;
    r->tif = o->tif;
    r->flags = o->flags;
    r->spec_version = o->spec_version;
    r->price_ticks = o->limit_ticks;
    r->qty_lots = o->qty_lots;
    r->filled_lots = o->filled_lots;
    r->command_index = (uint32_t)index;
    r->hold = o->hold;
    return r;
}

bool order_waits(const core *c, const core_order *o) { return o->terms && TERMS(c, o->terms)->at[HEAP_TRIGGER]; }

void order_withdraw(core *c, uint32_t slot, uint8_t exec_type, unsigned reason, int64_t at_ns, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    /* The market filled more of it than was told: off the book it goes, but it ends only when its fills are found. */
    bool untold = o->in_book && o->in_account && o->qty_lots - o->remaining != o->filled_lots;
    bool done = reason == REASON_REDUCE_ONLY_VIOLATION || o->flags & FLAG_TRIGGERED;
    if (o->in_book) book_remove(c, book_of(c, slot), slot);
    if (o->terms) trigger_leave(c, o->terms);
    if (o->in_account && !untold) {
        core_report *r = order_report(c, slot, exec_type, at_ns, index);
        r->reason = (uint16_t)reason;
        command_fold(c, r, slot);
        if (o->terms) contingent_ended(c, slot, done, at_ns);
    }
    order_drop_if_gone(c, slot);
}

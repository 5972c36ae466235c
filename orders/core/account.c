/* The account half as a fold over reports. Live commands and recovery both come through account_apply(), so what a
 * restart rebuilds is what ran. A report says what changes (filled, cost, fee, hold); nothing is decided here. */
#include "state.h"

bool account_reserve(core *c, uint32_t reports)
{
    return order_reserve(c, reports) && pool_reserve(c, &c->seats, reports) && table_reserve(c, &c->seat_ids, reports) &&
           pool_reserve(c, &c->balances, 3 * reports) && table_reserve(c, &c->balance_ids, 3 * reports) && /* base, quote, fee */
           pool_reserve(c, &c->positions, 2 * reports) && table_reserve(c, &c->position_ids, reports) &&
           table_reserve(c, &c->owner_seats, reports);
}

uint32_t account_balance_slot(core *c, uint32_t account, uint32_t asset)
{
    uint64_t key = (uint64_t)account << 32 | asset;
    uint32_t slot = table_get(&c->balance_ids, key);
    if (slot) return slot;
    slot = pool_take(&c->balances);
    BALANCE(c, slot)->account = account;
    BALANCE(c, slot)->asset = asset;
    BALANCE(c, slot)->next_of_account = ACCOUNT(c, account)->first_balance;
    ACCOUNT(c, account)->first_balance = slot;
    table_put(&c->balance_ids, key, slot);
    return slot;
}

uint32_t account_seat_slot(core *c, uint32_t account, uint32_t instrument)
{
    uint64_t key = (uint64_t)account << 32 | instrument;
    uint32_t slot = table_get(&c->seat_ids, key);
    if (slot) return slot;
    const core_instrument_spec *spec = &INSTRUMENT(c, instrument)->spec;
    bool spot = spec->kind == KIND_SPOT;
    uint32_t base = account_balance_slot(c, account, spot ? spec->base_asset : spec->settle_asset);
    uint32_t quote = account_balance_slot(c, account, spot ? spec->quote_asset : spec->settle_asset);
    core_account *a = ACCOUNT(c, account);
    slot = pool_take(&c->seats);
    *SEAT(c, slot) = (core_seat){.account = account,
                                 .instrument = instrument,
                                 .balance = {[SIDE_BUY] = quote, [SIDE_SELL] = base},
                                 .way = margin_way(a, INSTRUMENT(c, instrument)),
                                 .next_of_account = a->first_seat};
    a->first_seat = slot;
    table_put(&c->seat_ids, key, slot);
    account_seat_owned(c, slot);
    return slot;
}

/* Joins the ring of its owner's seats at the instrument. The owner's last account was found by the same key. */
void account_seat_owned(core *c, uint32_t slot)
{
    core_seat *seat = SEAT(c, slot);
    uint64_t key = (uint64_t)ACCOUNT(c, seat->account)->owner << 32 | seat->instrument;
    uint32_t other = table_get(&c->owner_seats, key);
    seat->owner_next = other ? SEAT(c, other)->owner_next : slot;
    if (other)
        SEAT(c, other)->owner_next = slot;
    else
        table_put(&c->owner_seats, key, slot);
}

/* Leaves it, before its account gets another owner. */
void account_seat_disowned(core *c, uint32_t slot)
{
    const core_seat *seat = SEAT(c, slot);
    uint64_t key = (uint64_t)ACCOUNT(c, seat->account)->owner << 32 | seat->instrument;
    uint32_t before = slot;
    while (SEAT(c, before)->owner_next != slot) before = SEAT(c, before)->owner_next;
    SEAT(c, before)->owner_next = seat->owner_next;
    table_remove(&c->owner_seats, key);
    if (before != slot) table_put(&c->owner_seats, key, before);
}

void account_view(const core *c, const core_seat *seat, const core_position_row *p, core_report *r)
{
    const core_balance_row *base = BALANCE(c, seat->balance[SIDE_SELL]), *quote = BALANCE(c, seat->balance[SIDE_BUY]);
    r->held = r->side == SIDE_BUY ? quote->hold : base->hold;
    if (r->size == CORE_REPORT_HEAD) return;
    r->base_total = base->total;
    r->base_hold = base->hold;
    r->quote_total = quote->total;
    r->quote_hold = quote->hold;
    if (p == NULL) return;
    r->pos_qty = p->qty;
    r->pos_cost = p->cost;
    r->pos_realised = p->realised;
    r->pos_fees = p->fees;
}

/* A take profit goes on holding for its stop loss, as far as what it held allows. */
static i128 hold_of_pair(const core *c, const core_order *o, int64_t remaining, i128 left)
{
    i128 hold;
    terms_required(c, o, TERMS(c, o->terms), o->limit_ticks, remaining, &hold);
    if (left < 0) left = 0; /* an exchange told a fill that was not paid for here */
    return hold < left ? hold : left;
}

void account_terms(const core *c, const core_order *o, core_report *r)
{
    if (__builtin_expect(SEAT(c, o->seat)->way != WAY_CASH, 0)) {
        margin_terms(c, o, r);
        return;
    }
    const core_instrument *in = INSTRUMENT(c, o->instrument);
    int64_t remaining = o->qty_lots - o->filled_lots - r->last_lots;
    i128 notional = 0, hold = 0;
    fixed_notional(r->last_ticks, r->last_lots, in->spec.quote_unit, &notional); /* fits: the maker's whole order did */
    i128 fee = fixed_fee(notional, r->liquidity == LIQUIDITY_MAKER ? o->maker_fee_ppm : o->taker_fee_ppm);
    if (o->side == SIDE_SELL) {
        fixed_amount(remaining, in->spec.base_unit, &hold);
        if (o->terms && hold > o->hold) hold = o->hold; /* its sibling holds */
    } else if (type_has_limit(o->type)) {
        risk_hold(in, SIDE_BUY, o->limit_ticks, remaining, order_fee(o), &hold);
        /* Many small fills round up more often than the one hold did: a fee never takes more than was kept for it. */
        i128 kept = o->hold - hold - notional;
        if (fee > kept && kept >= 0) fee = kept;
        if (o->terms) hold = hold_of_pair(c, o, remaining, o->hold - notional - fee);
    } else if (type_waits(o->type) && !(o->flags & FLAG_TRIGGERED)) {
        hold = hold_of_pair(c, o, remaining, o->hold - notional - fee);
    } else {
        hold = o->hold - notional - fee; /* a market order holds what its walk of the book cost */
        if (hold < 0 || remaining == 0) hold = 0;
    }
    r->cum_cost = o->cum_cost + notional;
    r->last_fee = fee;
    r->hold = hold;
    r->filled_lots = o->filled_lots + r->last_lots;
}

static core_balance_row *held(core *c, const core_seat *seat, unsigned side) { return BALANCE(c, seat->balance[side]); }

/* Orders that only reduce can open nothing. Sums that leave 64 bits are refused before they come here; none is undefined. */
static void count_lots(core_seat *seat, const core_order *o, int64_t lots)
{
    if (o->flags & FLAG_REDUCE_ONLY) return;
    seat->open_lots[o->side] = (int64_t)((uint64_t)seat->open_lots[o->side] + (uint64_t)lots);
}

void account_link(core *c, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    core_account *a = ACCOUNT(c, seat->account);
    LINKS(c, slot)->account_prev = 0;
    LINKS(c, slot)->account_next = a->first_order;
    if (a->first_order) LINKS(c, a->first_order)->account_prev = slot;
    a->first_order = slot;
    a->open_orders++;
    seat->open_orders++;
    count_lots(seat, o, o->qty_lots - o->filled_lots);
    seat->reducing += (o->flags & FLAG_REDUCE_ONLY) != 0;
    INSTRUMENT(c, seat->instrument)->open_orders++;
    INSTRUMENT(c, seat->instrument)->reducing += (o->flags & FLAG_REDUCE_ONLY) != 0;
    o->in_account = true;
    c->orders_open++;
    if (c->limit_scopes) limits_counted(c, slot, 1);
}

static void unlink_order(core *c, uint32_t slot, core_seat *seat)
{
    if (c->limit_scopes) limits_counted(c, slot, -1);
    const order_links *own = LINKS(c, slot);
    core_account *a = ACCOUNT(c, seat->account);
    if (own->account_prev)
        LINKS(c, own->account_prev)->account_next = own->account_next;
    else
        a->first_order = own->account_next;
    if (own->account_next) LINKS(c, own->account_next)->account_prev = own->account_prev;
    a->open_orders--;
    seat->open_orders--;
    count_lots(seat, ORDER(c, slot), ORDER(c, slot)->filled_lots - ORDER(c, slot)->qty_lots);
    seat->reducing -= (ORDER(c, slot)->flags & FLAG_REDUCE_ONLY) != 0;
    INSTRUMENT(c, seat->instrument)->open_orders--;
    INSTRUMENT(c, seat->instrument)->reducing -= (ORDER(c, slot)->flags & FLAG_REDUCE_ONLY) != 0;
    ORDER(c, slot)->in_account = false;
    c->orders_open--;
}

static void open_order(core *c, core_report *r, uint32_t slot, uint32_t seat, uint32_t position)
{
    core_order *o = ORDER(c, slot);
    o->seat = seat;
    o->position = position;
    o->instrument = SEAT(c, seat)->instrument;
    o->side = r->side;
    o->type = r->type;
    o->tif = r->tif;
    o->flags = r->flags & ~(uint32_t)FLAG_KEYED;
    o->spec_version = r->spec_version;
    o->limit_ticks = r->price_ticks;
    o->qty_lots = r->qty_lots;
    o->filled_lots = 0;
    o->cum_cost = 0;
    o->hold = r->hold;
    o->arrival = r->seq;
    o->maker_fee_ppm = r->maker_fee_ppm;
    o->taker_fee_ppm = r->taker_fee_ppm;
    o->ord_status = r->ord_status = '0';
    held(c, SEAT(c, o->seat), o->side)->hold += o->hold;
    if (r->flags & (FLAG_TERMS | FLAG_KEYED)) terms_load(c, r, slot);
    account_link(c, slot);
    limits_opened(c, slot, r->at_ns);
}

void account_open(core *c, core_report *r, uint32_t slot, uint32_t seat, uint32_t position)
{
    open_order(c, r, slot, seat, position);
    account_view(c, SEAT(c, seat), POSITION(c, position), r);
}

static const char *apply_new(core *c, core_report *r, uint32_t slot)
{
    uint32_t account = table_get(&c->account_ids, r->account), instrument = table_get(&c->instrument_ids, r->instrument);
    if (account == 0) return "a report of an account that was never set";
    if (instrument == 0) return "a report of an instrument that was never set";
    if (ORDER(c, slot)->in_account) return "a NEW report of an order that is already open";
    uint32_t seat = account_seat_slot(c, account, instrument);
    open_order(c, r, slot, seat, position_slot(c, seat, r->strategy));
    return NULL;
}

/* Balances and position of one execution. A sum that leaves 128 bits would need more than 10^38 units: the core stops. */
static const char *move_money(core *c, const core_seat *seat, uint32_t position, core_report *r, i128 notional)
{
    if (__builtin_expect(seat->way >= WAY_LINEAR || r->flags & FLAG_TOLD, 0))
        return margin_move(c, seat, position, r, notional) ? NULL : (c->broken = "an execution left the range of 128 bits");
    core_balance_row *base = BALANCE(c, seat->balance[SIDE_SELL]), *quote = BALANCE(c, seat->balance[SIDE_BUY]);
    i128 amount, sign = r->side == SIDE_BUY ? 1 : -1;
    bool bad = !fixed_amount(r->last_lots, INSTRUMENT(c, seat->instrument)->spec.base_unit, &amount);
    bad = bad || __builtin_add_overflow(base->total, sign * amount, &base->total);
    bad = bad || __builtin_sub_overflow(quote->total, sign * notional + r->last_fee, &quote->total);
    bad = bad || !position_fill(c, position, r->side, amount, notional, r->last_fee);
    return bad ? c->broken = "an execution left the range of 128 bits" : NULL;
}

static const char *apply_fill(core *c, core_report *r, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    if (r->filled_lots != o->filled_lots + r->last_lots || r->filled_lots > o->qty_lots)
        return "an execution that does not follow the order's last";
    bool filled = r->filled_lots == o->qty_lots;
    uint8_t status = order_next(o->ord_status, 'F', filled);
    if (status == 0) return "an execution in a state that allows none";
    i128 realised = POSITION(c, o->position)->realised;
    const char *why = move_money(c, seat, o->position, r, r->cum_cost - o->cum_cost);
    if (why) return why;
    held(c, seat, o->side)->hold += r->hold - o->hold;
    o->hold = r->hold;
    o->cum_cost = r->cum_cost;
    o->filled_lots = r->filled_lots;
    count_lots(seat, o, -r->last_lots);
    o->ord_status = r->ord_status = status;
    if (!(r->flags & FLAG_TOLD) && r->trade_no > c->trade_no) c->trade_no = r->trade_no;
    if ((ACCOUNT(c, seat->account)->own.on | c->rows_on) & ON_FILLS) trip_filled(c, slot, r, POSITION(c, o->position)->realised - realised);
    if (filled) unlink_order(c, slot, seat);
    return NULL;
}

static const char *apply_late_fill(core *c, core_report *r)
{
    uint32_t account = table_get(&c->account_ids, r->account), instrument = table_get(&c->instrument_ids, r->instrument);
    if (account == 0 || instrument == 0) return "a late execution of an account or instrument that was never set";
    uint32_t seat = account_seat_slot(c, account, instrument), position = position_slot(c, seat, r->strategy);
    ACCOUNT(c, account)->late = true;
    const char *why = move_money(c, SEAT(c, seat), position, r, r->cum_cost);
    if (why == NULL) account_view(c, SEAT(c, seat), POSITION(c, position), r);
    return why;
}

static const char *apply_end(core *c, core_report *r, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    core_seat *seat = SEAT(c, o->seat);
    uint8_t status = order_next(o->ord_status, r->exec_type, false);
    if (status == 0) return "an end in a state that allows none";
    held(c, seat, o->side)->hold -= o->hold;
    o->hold = r->hold = 0;
    o->ord_status = r->ord_status = status;
    if (r->exec_type == '4') limits_message(c, slot, r);
    if (r->exec_type == '8') trip_rejected(c, slot, r->at_ns);
    unlink_order(c, slot, seat);
    return NULL;
}

static const char *apply_replaced(core *c, core_report *r, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    uint8_t status = order_next(o->ord_status, '5', false);
    if (status == 0) return "an amend in a state that allows none";
    held(c, SEAT(c, o->seat), o->side)->hold += r->hold - o->hold;
    if (r->price_ticks != o->limit_ticks || r->qty_lots > o->qty_lots) o->arrival = r->seq;
    limits_message(c, slot, r);
    o->hold = r->hold;
    o->limit_ticks = r->price_ticks;
    count_lots(SEAT(c, o->seat), o, r->qty_lots - o->qty_lots);
    o->qty_lots = r->qty_lots;
    o->spec_version = r->spec_version;
    o->ord_status = r->ord_status = status;
    return NULL;
}

/* 'D': a trailing stop moved. 'L': the order's stop was reached. */
static const char *apply_moved(core *c, core_report *r, uint32_t slot)
{
    core_order *o = ORDER(c, slot);
    uint8_t status = order_next(o->ord_status, r->exec_type, false);
    if (status == 0 || o->terms == 0) return "a trigger in a state that allows none";
    held(c, SEAT(c, o->seat), o->side)->hold += r->hold - o->hold;
    o->hold = r->hold;
    if (r->exec_type == 'D') TERMS(c, o->terms)->stop_ticks = r->stop_ticks;
    if (r->exec_type == 'L') o->flags |= FLAG_TRIGGERED;
    o->ord_status = r->ord_status = status;
    return NULL;
}

const char *account_apply(core *c, core_report *r, uint32_t slot)
{
    const char *why;
    if (r->exec_type == 'F' && r->flags & FLAG_LATE) return apply_late_fill(c, r);
    if (r->exec_type == '0')
        why = apply_new(c, r, slot);
    else if (slot == 0 || !ORDER(c, slot)->in_account)
        return "a report of an order that is not open";
    else if (r->exec_type == 'F')
        why = apply_fill(c, r, slot);
    else if (r->exec_type == '5')
        why = apply_replaced(c, r, slot);
    else if (r->exec_type == 'D' || r->exec_type == 'L')
        why = apply_moved(c, r, slot);
    else
        why = apply_end(c, r, slot);
    if (why == NULL) account_view(c, SEAT(c, ORDER(c, slot)->seat), POSITION(c, ORDER(c, slot)->position), r);
    return why;
}

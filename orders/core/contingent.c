/* Orders that hang on others. A bracket's entry bears a take profit and a stop loss when it is filled; an OCO's exit is
 * the take profit itself and its stop loss is born with it. The two legs are of one size and share one hold: the take
 * profit carries it. What one leg trades leaves the other; its end by a fill or a trigger is the other's end, and that of
 * an entry still open, because what it bought later would be unprotected. A person's cancel, or an expiry, leaves the
 * other leg: protection is never removed by surprise. */
#include "state.h"

/* ---- what happened to an order, to be followed once the command is over ---- */

static bool has_others(const core_order *o, const terms_row *t)
{
    return t->sibling || t->tp_ticks || t->sl_stop_ticks || o->flags & FLAG_CHILD;
}

void contingent_filled(core *c, uint32_t slot, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    if (has_others(o, TERMS(c, o->terms))) due_push(c, o->terms, o->in_account ? DUE_SIZED : DUE_SIZED | DUE_DONE, at_ns);
}

void contingent_sized(core *c, uint32_t slot, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    if (TERMS(c, o->terms)->sibling) due_push(c, o->terms, DUE_SIZED, at_ns);
}

void contingent_ended(core *c, uint32_t slot, bool done, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    if (has_others(o, TERMS(c, o->terms))) due_push(c, o->terms, done ? DUE_DONE : DUE_LEFT, at_ns);
}

/* ---- the legs ---- */

static int64_t open_lots(const core_order *o) { return o->qty_lots - o->filled_lots; }

/* Another size, and what it must hold of what there is, by a report; the market half follows. */
void contingent_resize(core *c, uint32_t slot, int64_t open, unsigned reason, int64_t at_ns)
{
    core_order *o = ORDER(c, slot);
    i128 hold = 0, means = o->hold + terms_free(c, o);
    if (!o->in_account) return;
    terms_required(c, o, TERMS(c, o->terms), o->limit_ticks, open, &hold);
    if (hold > means) hold = means;
    if (open == open_lots(o) && hold == o->hold) return;
    core_report *r = order_report(c, slot, '5', at_ns, CORE_NO_COMMAND);
    bool grows = open > open_lots(o);
    r->qty_lots = o->filled_lots + open;
    r->hold = hold;
    r->reason = (uint16_t)reason;
    command_fold(c, r, slot);
    if (!o->in_book) {
        o->remaining = open;
        trigger_requeue(c, o->terms);
    } else if (grows) { /* behind those that stand there */
        core_book *b = book_of(c, slot);
        book_remove(c, b, slot);
        o->remaining = open;
        if (!book_reserve(c, b, o->price_ticks)) return;
        book_add(c, b, slot);
        mirror_stands(c, slot);
    } else if (open < o->remaining) {
        book_take(c, book_of(c, slot), slot, o->remaining - open);
    }
}

static core_report *birth(core *c, uint32_t parent, uint64_t bit, int64_t lots, i128 hold, int64_t at_ns)
{
    const core_order *p = ORDER(c, parent);
    const terms_row *t = TERMS(c, p->terms);
    bool stop_loss = bit == CHILD_STOP_LOSS, oco = p->flags & FLAG_REDUCE_ONLY;
    terms_row mine = {.stop_ticks = stop_loss ? t->sl_stop_ticks : 0, .expires_at_ns = oco ? t->expires_at_ns : 0};
    core_report *r = order_report(c, parent, '0', at_ns, CORE_NO_COMMAND);
    r->order_no = p->order_no | bit;
    r->side = oco ? p->side : (uint8_t)(1u - p->side);
    r->type = !stop_loss ? TYPE_LIMIT : t->sl_limit_ticks ? TYPE_STOP_LIMIT : TYPE_STOP;
    r->tif = oco ? p->tif : TIF_GTC;
    r->flags = FLAG_REDUCE_ONLY | FLAG_CHILD | (p->flags & FLAG_ALLOW_SELF_TRADE) | (t->key ? FLAG_KEYED : 0);
    r->key = t->key;
    r->price_ticks = stop_loss ? t->sl_limit_ticks : t->tp_ticks;
    r->qty_lots = lots;
    r->filled_lots = 0;
    r->hold = hold;
    terms_write(r, &mine);
    return r;
}

/* A child in both halves; it meets the market once the command is over. */
static void bear(core *c, uint32_t parent, uint64_t bit, int64_t lots, i128 hold, int64_t at_ns)
{
    core_report *r = birth(c, parent, bit, lots, hold, at_ns);
    const core_order *p = ORDER(c, parent);
    r->maker_fee_ppm = p->maker_fee_ppm;
    r->taker_fee_ppm = p->taker_fee_ppm;
    uint32_t slot = order_create(c, r->order_no);
    core_order *o = ORDER(c, slot);
    o->price_ticks = r->price_ticks;
    o->remaining = lots;
    account_open(c, r, slot, p->seat, p->position);
    expiry_enter(c, slot);
    due_push(c, o->terms, DUE_ENTERS, at_ns);
}

/* The other leg of an OCO: it holds nothing of its own. */
void contingent_pair(core *c, uint32_t slot, int64_t at_ns) { bear(c, slot, CHILD_STOP_LOSS, open_lots(ORDER(c, slot)), 0, at_ns); }

/* ---- a bracket's entry was filled ---- */

typedef struct {
    uint32_t slot[2]; /* stop loss, take profit; 0: not there */
    int64_t ticks[2]; /* the price each holds at; 0: not wanted */
} bracket_legs;

static bracket_legs legs_of(const core *c, const core_order *o, const terms_row *t)
{
    bracket_legs legs = {.slot = {order_find(c, o->order_no | CHILD_STOP_LOSS), order_find(c, o->order_no | CHILD_TAKE_PROFIT)},
                         .ticks = {t->sl_limit_ticks ? t->sl_limit_ticks : t->sl_stop_ticks, t->tp_ticks}};
    for (unsigned i = 0; i < 2; i++)
        if (legs.slot[i] && !ORDER(c, legs.slot[i])->in_account) legs.slot[i] = 0;
    return legs;
}

static void bear_both(core *c, uint32_t slot, uint32_t unborn, int64_t lots, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    const core_instrument *in = INSTRUMENT(c, o->instrument);
    bracket_legs legs = legs_of(c, o, TERMS(c, o->terms));
    unsigned first = unborn & BORN_TAKE_PROFIT ? 1 : 0, side = 1u - o->side;
    const core_balance_row *b = BALANCE(c, SEAT(c, o->seat)->balance[side]);
    i128 budget = b->total > b->hold ? b->total - b->hold : 0, hold = 0, other = 0;
    bool holds = SEAT(c, o->seat)->way == WAY_CASH; /* a margin account's orders hold nothing */
    if (holds) lots = terms_affordable(in, side, legs.ticks[first], lots, order_fee(o), budget);
    if (lots == 0) return;
    if (holds) risk_hold(in, side, legs.ticks[first], lots, order_fee(o), &hold);
    if (holds && unborn == (BORN_TAKE_PROFIT | BORN_STOP_LOSS)) {
        risk_hold(in, side, legs.ticks[0], lots, order_fee(o), &other);
        if (other > hold) hold = other < budget ? other : budget;
    }
    if (unborn & BORN_TAKE_PROFIT) bear(c, slot, CHILD_TAKE_PROFIT, lots, hold, at_ns);
    if (unborn & BORN_STOP_LOSS) bear(c, slot, CHILD_STOP_LOSS, lots, first ? 0 : hold, at_ns);
}

static void entry_filled(core *c, uint32_t slot, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    terms_row *t = TERMS(c, o->terms);
    int64_t more = o->filled_lots - t->sized;
    uint32_t unborn = terms_unborn(o, t);
    t->sized = o->filled_lots;
    if (more <= 0) return;
    if (t->born == 0 && unborn) {
        bear_both(c, slot, unborn, o->filled_lots, at_ns);
        return;
    }
    bracket_legs legs = legs_of(c, o, t);
    for (unsigned i = 2; i-- > 0;) { /* the take profit first: it carries the hold, and the stop loss takes its size */
        if (legs.slot[i] == 0) continue;
        core_order *leg = ORDER(c, legs.slot[i]);
        i128 means = leg->hold + terms_free(c, leg);
        int64_t open = open_lots(leg) + more;
        if (i == 0 && legs.slot[1])
            open = open_lots(ORDER(c, legs.slot[1]));
        else if (SEAT(c, leg->seat)->way == WAY_CASH)
            open = terms_affordable(INSTRUMENT(c, leg->instrument), leg->side, legs.ticks[i], open, order_fee(leg), means);
        if (open > open_lots(leg)) contingent_resize(c, legs.slot[i], open, REASON_NONE, at_ns);
    }
}

/* ---- following ---- */

static void end_others(core *c, uint32_t slot, int64_t at_ns)
{
    const core_order *o = ORDER(c, slot);
    uint32_t sibling = TERMS(c, o->terms)->sibling, parent;
    if (sibling && ORDER(c, sibling)->in_account) order_withdraw(c, sibling, '4', REASON_OCO_OTHER_LEG, at_ns, CORE_NO_COMMAND);
    if (!(o->flags & FLAG_CHILD)) return;
    parent = order_find(c, o->order_no & ~(CHILD_STOP_LOSS | CHILD_TAKE_PROFIT));
    if (parent && ORDER(c, parent)->in_account && ORDER(c, parent)->terms && !(ORDER(c, parent)->flags & FLAG_REDUCE_ONLY))
        order_withdraw(c, parent, '4', REASON_OCO_OTHER_LEG, at_ns, CORE_NO_COMMAND);
}

void contingent_triggered(core *c, uint32_t slot, int64_t at_ns) { end_others(c, slot, at_ns); }

/* At most five reports. */
void contingent_follow(core *c, uint32_t slot, uint32_t due)
{
    const core_order *o = ORDER(c, slot);
    const terms_row *t = TERMS(c, o->terms);
    int64_t at_ns = t->due_at_ns;
    if (due & DUE_SIZED && !(o->flags & FLAG_REDUCE_ONLY)) entry_filled(c, slot, at_ns);
    if (due & DUE_DONE) {
        end_others(c, slot, at_ns);
    } else if (terms_paired(c, t) || (due & DUE_LEFT && t->sibling)) {
        int64_t open = o->in_account ? open_lots(o) : open_lots(ORDER(c, t->sibling));
        contingent_resize(c, t->sibling, open, REASON_NONE, at_ns); /* alone now, it holds for itself */
    }
}

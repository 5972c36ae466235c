/* Price-time matching at the maker's price, and the look ahead that tells what it would do. */
#include "state.h"

#include <signal.h>

/* Meets the same orders, in the same lots, as match_run would: so cost and fees are exact, not estimates. */
void match_walk(const core *c, const core_instrument *in, const core_command *m, uint32_t owner, uint32_t fee_ppm, match_preview *out)
{
    const core_book *b = &in->book;
    unsigned other = 1u - m->side;
    int64_t limit = match_limit(m->side, m->type, m->price_ticks), price = b->best[other];
    if (in->mirror) {
        mirror_walk(c, in, m, fee_ppm, out);
        return;
    }
    if (in->reducing || out->gives_way) {
        walk_carefully(c, in, m, owner, fee_ppm, out);
        return;
    }
    *out = (match_preview){.position = out->position};
    if (!book_crosses(b, m->side, limit)) return;
    do {
        if (m->side == SIDE_BUY ? price > limit : price < limit) return;
        for (uint32_t slot = book_level(c, b, other, price)->head; slot && out->lots < m->qty_lots; slot = LINKS(c, slot)->next) {
            const core_order *o = ORDER(c, slot);
            int64_t wanted = m->qty_lots - out->lots, lots = o->remaining < wanted ? o->remaining : wanted;
            i128 notional = 0;
            fixed_worth(&in->spec, m->side, price, lots, &notional); /* fits: the whole maker did when it was placed */
            out->lots += lots;
            out->worst = price;
            out->cost += notional;
            out->fees += fixed_fee(notional, fee_ppm);
            out->orders++;
            if (!out->has_own && !(o->flags & FLAG_AGENT) && ACCOUNT(c, SEAT(c, o->seat)->account)->owner == owner) {
                out->has_own = true;
                out->own_order = o->order_no;
            }
        }
    } while (out->lots < m->qty_lots && book_next(c, b, other, &price));
}

static void report_fill(core *c, uint32_t slot, const core_tape *t, const i128 amounts[2], uint8_t liquidity, uint64_t index)
{
    if (c->fail_report && --c->fail_report == 0) { /* a failpoint */
        if (c->fail_kills) raise(SIGKILL);         /* between two steps of an execution */
        return;                                    /* this one is lost on the way */
    }
    if (straight_fill(c, slot, t, amounts[0], amounts[1], liquidity, index)) return;
    core_report *r = order_report(c, slot, 'F', t->at_ns, index);
    r->last_ticks = t->price_ticks;
    r->last_lots = t->qty_lots;
    r->trade_no = t->trade_no;
    r->liquidity = liquidity;
    account_terms(c, ORDER(c, slot), r);
    const char *why = account_apply(c, r, slot);
    if (why != NULL) c->broken = why;
    if (ORDER(c, slot)->terms) contingent_filled(c, slot, t->at_ns);
}

void match_report(core *c, uint32_t slot, const core_tape *t, uint8_t liquidity, uint64_t index)
{
    const core_instrument_spec *spec = &INSTRUMENT(c, ORDER(c, slot)->instrument)->spec;
    i128 amounts[2] = {0}; /* of quote and of base; they fit, for the whole entry or order did */
    fixed_notional(t->price_ticks, t->qty_lots, spec->quote_unit, &amounts[0]);
    fixed_amount(t->qty_lots, spec->base_unit, &amounts[1]);
    report_fill(c, slot, t, amounts, liquidity, index);
}

void match_trade(core *c, core_tape *t)
{
    t->trade_no = ++c->trade_no;
    c->trades++;
    c->quantity += (uint64_t)t->qty_lots;
    c->trade_hash = c->trade_hash * 0x9E3779B97F4A7C15u +
                    (31 * t->taker_order_no + 17 * t->maker_order_no + 7 * (uint64_t)t->price_ticks + (uint64_t)t->qty_lots);
    tape_push(c, t);
    if (!c->watching) return;
    core_instrument *in = INSTRUMENT(c, table_get(&c->instrument_ids, t->instrument));
    if (in->mirror == 0) trip_price(c, in, t->price_ticks, t->at_ns); /* a market elsewhere prints for itself */
}

static inline void execute(core *c, uint32_t taker_slot, uint32_t maker_slot, int64_t lots, int64_t at_ns, uint64_t index)
{
    core_order *taker = ORDER(c, taker_slot), *maker = ORDER(c, maker_slot);
    core_instrument *in = INSTRUMENT(c, taker->instrument);
    core_tape t = {
        .at_ns = at_ns,
        .taker_order_no = taker->order_no,
        .maker_order_no = maker->order_no,
        .instrument = in->id,
        .side = taker->side,
        .price_ticks = maker->price_ticks,
        .qty_lots = lots,
        .taker_flags = taker->flags,
        .maker_flags = maker->flags,
    };
    match_trade(c, &t);
    taker->remaining -= lots;
    book_take(c, &in->book, maker_slot, lots);
    i128 amounts[2] = {0}; /* of quote and of base; they fit, for the maker's whole order did */
    fixed_notional(t.price_ticks, lots, in->spec.quote_unit, &amounts[0]);
    fixed_amount(lots, in->spec.base_unit, &amounts[1]);
    if (taker->in_account) report_fill(c, taker_slot, &t, amounts, LIQUIDITY_TAKER, index);
    if (maker->in_account) report_fill(c, maker_slot, &t, amounts, LIQUIDITY_MAKER, CORE_NO_COMMAND);
    order_drop_if_gone(c, maker_slot);
    in->last_ticks = t.price_ticks;
    if (in->waiting) trigger_print(c, taker->instrument, t.price_ticks, at_ns);
}

void match_execute(core *c, uint32_t taker, uint32_t maker, int64_t lots, int64_t at_ns, uint64_t index)
{
    execute(c, taker, maker, lots, at_ns, index);
}

/* After matching: what is left stands in the book or is over. */
static void settle(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *o = ORDER(c, slot);
    if (o->flags & (FLAG_REDUCE_ONLY | FLAG_TRIGGERED)) {
        settle_carefully(c, slot, at_ns, index);
        return;
    }
    if (o->remaining > 0 && type_has_limit(o->type) && tif_rests(o->tif)) {
        book_add(c, book_of(c, slot), slot);
        mirror_stands(c, slot);
    } else if (o->remaining > 0 && o->in_account) {
        order_withdraw(c, slot, '4', REASON_NONE, at_ns, index);
    } else {
        order_drop_if_gone(c, slot);
    }
}

void match_enter(core *c, uint32_t slot, int64_t at_ns, uint64_t index)
{
    core_order *taker = ORDER(c, slot);
    core_instrument *in = INSTRUMENT(c, taker->instrument);
    unsigned side = taker->side;
    int64_t limit = match_limit(side, taker->type, taker->price_ticks);
    if (in->mirror) {
        mirror_carefully(c, slot, at_ns, index);
    } else if (in->reducing || taker->gives_way || taker->flags & FLAG_TRIGGERED) {
        run_carefully(c, slot, at_ns, index);
    } else {
        while (taker->remaining > 0 && book_crosses(&in->book, side, limit) && c->broken == NULL) {
            uint32_t maker = book_level(c, &in->book, 1u - side, in->book.best[1u - side])->head;
            int64_t standing = ORDER(c, maker)->remaining, lots = taker->remaining < standing ? taker->remaining : standing;
            execute(c, slot, maker, lots, at_ns, index);
        }
    }
    settle(c, slot, at_ns, index);
}

/* Room for the reports of everything this order could meet; counted exactly only when the easy bound does not fit. */
bool match_reserve(core *c, const core_instrument *in, const core_command *m, match_preview *p)
{
    uint64_t meets = 0;
    if (m->type == TYPE_MARKET || book_crosses(&in->book, m->side, m->price_ticks)) meets = in->book.orders[1u - m->side];
    bool plain = in->mirror == 0 && in->reducing == 0 && !p->gives_way;
    if (plain && (uint64_t)m->qty_lots < meets) meets = (uint64_t)m->qty_lots; /* nobody trades less than a lot */
    uint64_t each = in->reducing ? 3 : 2;                                      /* a reduce-only maker may be filled and then cut short */
    if (!ring_reserve(c, 4 + each * meets)) {
        uint32_t account = p->gives_way ? table_get(&c->account_ids, m->account) : 0; /* whose orders give way */
        if (p->orders == 0) match_walk(c, in, m, account ? ACCOUNT(c, account)->owner : 0, 0, p);
        meets = p->orders;
        if (!ring_reserve(c, 4 + each * meets)) return false;
    }
    return tape_reserve(c, meets) && (in->mirror == 0 || mirror_reserve(c, meets));
}

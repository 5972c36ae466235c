/* Controls of exposure: what could be held at worst, once every open order of a side had been filled, this one among them.
 *
 * Valued at the mark, else at the middle of the book, in the account's reporting asset. What cannot be valued refuses
 * (EQUITY_UNKNOWN); an order that makes its side no worse passes without being valued. An account's own row costs O(1) for one
 * instrument and O(its instruments) for all; a strategy's O(its account's open orders); wider scopes walk every seat. */
#include "risk.h"

typedef struct {
    i128 qty;     /* held */
    i128 open[2]; /* could be added by each side's open orders */
} exposure;

static i128 magnitude(i128 x) { return x < 0 ? -x : x; }

static i128 side_of(const exposure *e, unsigned side)
{
    return side == SIDE_BUY ? e->qty + e->open[SIDE_BUY] : e->qty - e->open[SIDE_SELL];
}

static i128 worst_of(const exposure *e)
{
    i128 buy = magnitude(side_of(e, SIDE_BUY)), sell = magnitude(side_of(e, SIDE_SELL));
    return buy > sell ? buy : sell;
}

static void add_seat(const core *c, const core_seat *seat, exposure *e)
{
    i128 unit = INSTRUMENT(c, seat->instrument)->spec.base_unit;
    e->qty += POSITION(c, seat->sum)->qty;
    for (unsigned side = 0; side < 2; side++) e->open[side] += seat->open_lots[side] * unit;
}

static void add_strategy(const risk_order *r, exposure *e)
{
    const core *c = r->c;
    uint32_t position = r->d->position;
    if (position == 0) return;
    e->qty += POSITION(c, position)->qty;
    for (uint32_t slot = r->account->first_order; slot; slot = LINKS(c, slot)->account_next) {
        const core_order *o = ORDER(c, slot);
        if (o->position == position && !(o->flags & FLAG_REDUCE_ONLY))
            e->open[o->side] += (i128)(o->qty_lots - o->filled_lots) * r->instrument->spec.base_unit;
    }
}

static bool in_scope(const risk_order *r, const core_limit_row *row, const core_seat *seat)
{
    return scope_of(row->scope, ACCOUNT(r->c, seat->account), INSTRUMENT(r->c, seat->instrument), 0, 0) == row->key;
}

/* In the order's own instrument, without the order. */
static void here(const risk_order *r, const core_limit_row *row, exposure *e)
{
    const core *c = r->c;
    *e = (exposure){0};
    if (row->scope == SCOPE_STRATEGY)
        add_strategy(r, e);
    else if (row == &r->account->own)
        add_seat(c, SEAT(c, r->d->seat), e);
    else
        for (uint32_t i = 1; i < c->seats.used; i++)
            if (SEAT(c, i)->instrument == r->d->instrument && in_scope(r, row, SEAT(c, i))) add_seat(c, SEAT(c, i), e);
    if (r->amended) e->open[r->m->side] -= (i128)(r->amended->qty_lots - r->amended->filled_lots) * r->instrument->spec.base_unit;
}

/* The worth of so much of an instrument, in the reporting asset of the order's account. */
static bool worth(const risk_order *r, const core_instrument *in, i128 qty, i128 *out)
{
    const core_account *a = r->account;
    const core_book *b = &in->book;
    uint32_t asset = in->spec.kind == KIND_SPOT ? in->spec.quote_asset : in->spec.settle_asset;
    i128 amount;
    *out = 0;
    if (qty == 0) return true;
    if (!value_at_mark(r->c, in, qty, &amount)) {
        bool known = in->spec.kind == KIND_SPOT && b->levels[SIDE_BUY] && b->levels[SIDE_SELL];
        if (!known || !fixed_ratio(qty / in->spec.base_unit, (i128)b->best[SIDE_BUY] + b->best[SIDE_SELL], 2, &amount)) return false;
        if (__builtin_mul_overflow(amount, in->spec.quote_unit, &amount)) return false;
    }
    return value_convert(r->c, asset, a->reporting_asset ? a->reporting_asset : asset, a->exchange, amount, out);
}

static bool unknown(risk_order *r, bool all) { return risk_must(r, all, REASON_EQUITY_UNKNOWN, false, 0, 0); }

/* The stricter of an amount and of basis points of equity; 0: there is none. False: it depends on an equity not known. */
static bool limit_of(const risk_order *r, i128 most, uint32_t bp, i128 *limit)
{
    const core_worth *w = &r->account->worth;
    i128 share;
    *limit = most;
    if (bp == 0) return true;
    if (!w->known || !fixed_ratio(w->equity < 0 ? 0 : w->equity, bp, RISK_BP, &share)) return false;
    if (share == 0) share = 1; /* nothing is left: nothing more is allowed */
    if (most == 0 || share < most) *limit = share;
    return true;
}

static bool position_fits(risk_order *r, bool all, const core_limit_row *row)
{
    const core_limits *l = &row->limits;
    exposure e;
    i128 limit, value, before;
    if (!l->position_max && !l->position_bp) return true;
    here(r, row, &e);
    before = magnitude(side_of(&e, r->m->side));
    e.open[r->m->side] += (i128)r->m->qty_lots * r->instrument->spec.base_unit;
    i128 after = side_of(&e, r->m->side);
    bool raises = (r->m->side == SIDE_BUY ? after > 0 : after < 0) && magnitude(after) > before;
    if (r->m->flags & FLAG_REDUCE_ONLY || !raises) return risk_must(r, all, REASON_POSITION_MAX, true, 0, 0);
    if (!limit_of(r, l->position_max, l->position_bp, &limit) || !worth(r, r->instrument, magnitude(after), &value)) return unknown(r, all);
    return risk_at_most(r, all, REASON_POSITION_MAX, limit, value);
}

static bool add_worth(const risk_order *r, const core_seat *seat, bool own, i128 *sum)
{
    exposure e = {0};
    i128 value;
    add_seat(r->c, seat, &e);
    if (own && r->amended) e.open[r->m->side] -= (i128)(r->amended->qty_lots - r->amended->filled_lots) * r->instrument->spec.base_unit;
    if (own) e.open[r->m->side] += (i128)r->m->qty_lots * r->instrument->spec.base_unit;
    return worth(r, INSTRUMENT(r->c, seat->instrument), worst_of(&e), &value) && !__builtin_add_overflow(*sum, value, sum);
}

static bool gross_of(const risk_order *r, const core_limit_row *row, i128 *sum)
{
    const core *c = r->c;
    core_seat none = {.account = r->d->account, .instrument = r->d->instrument};
    bool account = row == &r->account->own, known = true;
    *sum = 0;
    if (r->d->seat == 0) known = add_worth(r, &none, true, sum);
    if (account)
        for (uint32_t i = r->account->first_seat; i && known; i = SEAT(c, i)->next_of_account)
            known = add_worth(r, SEAT(c, i), i == r->d->seat, sum);
    else
        for (uint32_t i = 1; i < c->seats.used && known; i++)
            if (in_scope(r, row, SEAT(c, i))) known = add_worth(r, SEAT(c, i), i == r->d->seat, sum);
    return known;
}

static bool raises_worst(const risk_order *r)
{
    exposure e;
    here(r, &r->account->own, &e);
    i128 before = worst_of(&e);
    e.open[r->m->side] += (i128)r->m->qty_lots * r->instrument->spec.base_unit;
    return !(r->m->flags & FLAG_REDUCE_ONLY) && worst_of(&e) > before;
}

static bool gross_fits(risk_order *r, bool all, const core_limit_row *row)
{
    const core_limits *l = &row->limits;
    i128 limit, value;
    if (!l->gross_max && !l->gross_bp) return true;
    if (!raises_worst(r)) return risk_must(r, all, REASON_GROSS_EXPOSURE_MAX, true, 0, 0);
    if (!limit_of(r, l->gross_max, l->gross_bp, &limit) || !gross_of(r, row, &value)) return unknown(r, all);
    return risk_at_most(r, all, REASON_GROSS_EXPOSURE_MAX, limit, value);
}

/* Of a margin account: a cash account has no leverage to speak of. */
static bool leverage_fits(risk_order *r, bool all)
{
    uint32_t most = r->account->own.limits.leverage_bp;
    const core_worth *w = &r->account->worth;
    i128 gross, bp;
    if (most == 0 || r->account->margin == 0 || !raises_worst(r)) return risk_must(r, all, REASON_LEVERAGE_MAX, true, 0, 0);
    if (!w->known || !gross_of(r, &r->account->own, &gross)) return unknown(r, all);
    if (w->equity <= 0 || !fixed_ratio(gross, RISK_BP, w->equity, &bp)) bp = CORE_AMOUNT_MAX;
    return risk_at_most(r, all, REASON_LEVERAGE_MAX, most, bp);
}

bool exposure_allows(risk_order *r, bool all)
{
    if (!leverage_fits(r, all)) return false;
    for (uint32_t i = 0; i < r->limits.count; i++)
        if (!position_fits(r, all, r->limits.row[i])) return false;
    for (uint32_t i = 0; i < r->limits.count; i++)
        if (!gross_fits(r, all, r->limits.row[i])) return false;
    return true;
}

/* Controls of price: against the middle of the book as it stands, and against how it moved. */
#include "risk.h"

/* Twice the reference price, in ticks: the middle of the book. False when a side is empty: there is nothing to compare with. */
bool prices_reference(const risk_order *r, i128 *twice)
{
    const core_book *b = &r->instrument->book;
    if (b->levels[SIDE_BUY] == 0 || b->levels[SIDE_SELL] == 0) return false;
    *twice = (i128)b->best[SIDE_BUY] + b->best[SIDE_SELL];
    return *twice > 0;
}

/* The worst price the side may have when it may be bp off the reference: for a buy above it, for a sell below. */
static i128 worst_price(unsigned side, i128 twice, uint32_t bp)
{
    if (side == SIDE_BUY) return twice * (RISK_BP + bp) / (2 * RISK_BP);
    return bp >= RISK_BP ? 0 : (twice * (RISK_BP - bp) + 2 * RISK_BP - 1) / (2 * RISK_BP);
}

static bool within(risk_order *r, bool all, unsigned reason, bool above, i128 limit)
{
    i128 price = r->m->price_ticks;
    bool ok = above ? price <= limit : price >= limit;
    if (all) return risk_note(r, reason, ok, true, limit, price, above ? limit - price : price - limit);
    return ok || risk_refuse(r, reason, limit, price);
}

/* Without a reference an order that opens is refused, one that reduces passes. */
static bool blind(risk_order *r, bool all, unsigned reason)
{
    return risk_must(r, all, reason, risk_reduces(r), 0, r->m->price_ticks ? r->m->price_ticks : 1);
}

static bool banded(const core_command *m) { return m->type == TYPE_LIMIT; }

static bool collar(risk_order *r, bool all, bool known, i128 twice)
{
    uint32_t bp = r->limits.limits->collar_bp;
    unsigned side = r->m->side;
    if (bp == 0 || !banded(r->m)) return risk_must(r, all, REASON_PRICE_COLLAR, true, 0, 0);
    return known ? within(r, all, REASON_PRICE_COLLAR, side == SIDE_BUY, worst_price(side, twice, bp)) : blind(r, all, REASON_PRICE_COLLAR);
}

/* The other way round: a buy far below, a sell far above. */
static bool far_off(risk_order *r, bool all, bool known, i128 twice)
{
    uint32_t bp = r->limits.limits->far_bp;
    unsigned side = r->m->side;
    if (bp == 0 || !banded(r->m)) return risk_must(r, all, REASON_PRICE_FAR, true, 0, 0);
    return known ? within(r, all, REASON_PRICE_FAR, side == SIDE_SELL, worst_price(1u - side, twice, bp)) : blind(r, all, REASON_PRICE_FAR);
}

static i128 share_bp(i128 part, i128 whole)
{
    if (part <= 0 || whole <= 0) return 0;
    return part < CORE_AMOUNT_MAX ? part * RISK_BP / whole : part / (whole / RISK_BP + 1);
}

/* How far the average price of what would be met lies from the middle. */
static bool impact(risk_order *r, bool all, bool known, i128 twice)
{
    const core_command *m = r->m;
    const match_preview *p = &r->d->preview;
    uint32_t bp = r->limits.limits->impact_bp;
    bool takes = m->type == TYPE_MARKET || (banded(m) && book_crosses(&r->instrument->book, m->side, m->price_ticks));
    if (bp == 0 || !takes || (m->type == TYPE_MARKET && p->lots == 0)) return risk_must(r, all, REASON_MARKET_IMPACT, true, bp, 0);
    if (!known) return blind(r, all, REASON_MARKET_IMPACT);
    if (m->type == TYPE_LIMIT) match_walk(r->c, r->instrument, m, r->account->owner, r->instrument->spec.taker_fee_ppm, &r->d->preview);
    i128 doubled; /* what the same lots would cost at the middle, twice */
    const core_instrument_spec *spec = &r->instrument->spec;
    bool inverse = spec->kind == KIND_INVERSE; /* a dearer one is worth less base: half of it at twice the middle */
    if (twice > INT64_MAX || !fixed_worth(spec, SIDE_BUY, (int64_t)twice, p->lots, &doubled))
        return risk_refuse(r, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    if (inverse) doubled *= 4;
    i128 worse = (m->side == SIDE_BUY) != inverse ? 2 * p->cost - doubled : doubled - 2 * p->cost;
    return risk_at_most(r, all, REASON_MARKET_IMPACT, bp, share_bp(worse, doubled));
}

static bool calm(risk_order *r, bool all)
{
    const core_limits *l = r->limits.limits;
    if (l->volatility_bp == 0) return risk_must(r, all, REASON_VOLATILITY_PAUSE, true, 0, 0);
    int64_t moved = swing_bp(&r->instrument->swing, r->m->at_ns, l->volatility_window_s, l->volatility_pause_s, l->volatility_bp);
    bool ok = moved <= l->volatility_bp || risk_reduces(r);
    return risk_must(r, all, REASON_VOLATILITY_PAUSE, ok, l->volatility_bp, moved);
}

bool prices_allow(risk_order *r, bool all)
{
    i128 twice = 0;
    bool known = prices_reference(r, &twice);
    return collar(r, all, known, twice) && far_off(r, all, known, twice) && impact(r, all, known, twice) && calm(r, all);
}

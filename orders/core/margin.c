/* Every way of trading but plain spot on cash: borrowing, contracts, fees an exchange told; and what margin they need.
 *
 * On a margin account orders hold nothing. Instead the account's equity must cover the initial margin of the worst case:
 * of each instrument the larger of |position + all open buys| and |position - all open sells|, at its mark, summed in the
 * reporting asset and divided by the account's leverage. Orders that only reduce are no part of it. */
#include "state.h"

unsigned margin_way(const core_account *a, const core_instrument *in)
{
    if (in->spec.kind != KIND_SPOT) return in->spec.kind == KIND_INVERSE ? WAY_INVERSE : WAY_LINEAR;
    return a->margin ? WAY_BORROW : WAY_CASH;
}

void margin_turn(core *c, uint32_t account)
{
    core_account *a = ACCOUNT(c, account);
    for (uint32_t slot = a->first_seat; slot; slot = SEAT(c, slot)->next_of_account)
        SEAT(c, slot)->way = margin_way(a, INSTRUMENT(c, SEAT(c, slot)->instrument));
}

void margin_terms(const core *c, const core_order *o, core_report *r)
{
    i128 notional = 0;
    fixed_worth(&INSTRUMENT(c, o->instrument)->spec, o->side, r->last_ticks, r->last_lots, &notional); /* fits: the whole order did */
    r->cum_cost = o->cum_cost + notional;
    r->last_fee = fixed_fee(notional, r->liquidity == LIQUIDITY_MAKER ? o->maker_fee_ppm : o->taker_fee_ppm);
    r->hold = 0;
    r->filled_lots = o->filled_lots + r->last_lots;
}

/* An exchange takes what it takes: of an asset that is not there, free falls below zero, and that is known of the account. */
static bool add(core *c, uint32_t balance, i128 amount, bool told)
{
    core_balance_row *b = BALANCE(c, balance);
    if (__builtin_add_overflow(b->total, amount, &b->total)) return false;
    if (told && b->total < b->hold) ACCOUNT(c, b->account)->late = true;
    return true;
}

bool margin_move(core *c, const core_seat *seat, uint32_t position, core_report *r, i128 notional)
{
    const core_instrument_spec *s = &INSTRUMENT(c, seat->instrument)->spec;
    bool told = r->flags & FLAG_TOLD, elsewhere = told && r->fee_asset != 0; /* the fee is not in the settle asset */
    uint32_t account = seat->account, base = seat->balance[SIDE_SELL], quote = seat->balance[SIDE_BUY], way = seat->way;
    i128 amount, fee = elsewhere ? 0 : r->last_fee, realised = POSITION(c, position)->realised;
    bool good = fixed_amount(r->last_lots, s->base_unit, &amount) && position_fill(c, position, r->side, amount, notional, fee);
    i128 sign = r->side == SIDE_BUY ? 1 : -1;
    if (way >= WAY_LINEAR)
        good = good && add(c, quote, POSITION(c, position)->realised - realised - fee, told);
    else
        good = good && add(c, base, sign * amount, told) && add(c, quote, -sign * notional - fee, told);
    if (!good || !elsewhere) return good;
    uint32_t paid = account_balance_slot(c, account, (uint32_t)r->fee_asset);
    return add(c, paid, -r->last_fee, told);
}

/* ---- the worst case ---- */

static i128 size_of(i128 x) { return x < 0 ? -x : x; }

/* The largest position, either way, that open orders and so many lots more of one side could make here. */
static bool worst_of(const core *c, const core_instrument_spec *s, uint32_t seat, unsigned side, int64_t more, i128 *out)
{
    const core_seat *at = SEAT(c, seat); /* no seat yet: slot 0 reads as zeros */
    i128 qty = at->sum ? POSITION(c, at->sum)->qty : 0, reach[2];
    if (qty > CORE_AMOUNT_MAX * 10 || qty < -CORE_AMOUNT_MAX * 10) return false;
    for (unsigned i = 0; i < 2; i++) {
        i128 lots = (i128)at->open_lots[i] + (i == side ? more : 0);
        if (__builtin_mul_overflow(lots, s->base_unit, &reach[i]) || size_of(reach[i]) > CORE_AMOUNT_MAX * 10) return false;
    }
    i128 up = size_of(qty + reach[SIDE_BUY]), down = size_of(qty - reach[SIDE_SELL]);
    *out = up > down ? up : down;
    return true;
}

static bool add_exposure(const core *c, const core_account *a, const core_instrument *in, i128 qty, i128 *sum)
{
    i128 settled, reported;
    if (qty == 0) return true;
    return value_at_mark(c, in, qty, &settled) &&
           value_convert(c, in->spec.settle_asset, a->reporting_asset, a->exchange, settled, &reported) &&
           !__builtin_add_overflow(*sum, reported, sum);
}

void margin_with(const core *c, uint32_t account, uint32_t instrument, unsigned side, int64_t more_lots, margin_worst *out)
{
    const core_account *a = ACCOUNT(c, account);
    uint32_t own = table_get(&c->seat_ids, (uint64_t)account << 32 | instrument);
    const core_instrument *in = INSTRUMENT(c, instrument);
    i128 before = 0, after = 0, exposure = 0;
    bool fits = worst_of(c, &in->spec, own, side, 0, &before) && worst_of(c, &in->spec, own, side, more_lots, &after);
    *out = (margin_worst){.raises = !fits || after > before, .equity = a->worth.equity};
    bool known = fits && a->worth.known && add_exposure(c, a, in, after, &exposure);
    out->here = exposure;
    for (uint32_t slot = a->first_seat; slot && known; slot = SEAT(c, slot)->next_of_account) {
        const core_instrument *other = INSTRUMENT(c, SEAT(c, slot)->instrument);
        i128 worst = 0;
        if (slot == own) continue;
        known = worst_of(c, &other->spec, slot, side, 0, &worst) && add_exposure(c, a, other, worst, &exposure);
    }
    out->known = known;
    if (!known) return;
    i128 leverage = a->margin ? (i128)a->margin : CORE_BASIS;
    out->exposure = exposure;
    out->margin = exposure / leverage * CORE_BASIS + (exposure % leverage * CORE_BASIS + leverage - 1) / leverage;
}

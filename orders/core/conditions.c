/* Which conditions an order may carry, and whether it may be placed under them now. */
#include "state.h"

#define SECOND_NS 1000000000

static bool refuse(risk_decision *d, unsigned reason, i128 limit, i128 value)
{
    d->reason = reason;
    d->limit = limit;
    d->value = value;
    return false;
}

bool conditions_any(const core_terms *t)
{
    return t->stop_ticks || t->trail || t->expires_at_ns || t->tp_ticks || t->sl_stop_ticks || t->sl_limit_ticks;
}

/* What the order leaves to the core: where a trailing stop starts, when a day ends. */
void conditions_resolve(const core *c, const core_command *m, uint32_t instrument, core_terms *t)
{
    int64_t last = instrument ? INSTRUMENT(c, instrument)->last_ticks : 0;
    if (m->tif == TIF_DAY && t->expires_at_ns == 0) t->expires_at_ns = expiry_of_day(m->at_ns);
    if (m->type != TYPE_TRAILING_STOP || t->stop_ticks || t->trail <= 0 || last == 0) return;
    if (!trigger_trail(m->side, last, t->trail, m->flags & FLAG_TRAIL_PERCENT, &t->stop_ticks)) t->stop_ticks = 0;
}

static bool stop_fits(const core_command *m, const core_terms *t, risk_decision *d)
{
    bool trails = m->type == TYPE_TRAILING_STOP, percent = m->flags & FLAG_TRAIL_PERCENT;
    if (type_waits(m->type) && t->stop_ticks <= 0) return refuse(d, REASON_STOP_PRICE_INVALID, 1, t->stop_ticks);
    if (!type_waits(m->type) && t->stop_ticks) return refuse(d, REASON_TERMS_INVALID, 0, t->stop_ticks);
    if (trails ? t->trail <= 0 : (t->trail || percent)) return refuse(d, REASON_TERMS_INVALID, 0, t->trail);
    return !percent || t->trail < 10000 || refuse(d, REASON_TERMS_INVALID, 9999, t->trail);
}

static bool end_fits(const core_command *m, const core_terms *t, risk_decision *d)
{
    bool ends = m->tif == TIF_DAY || m->tif == TIF_GTD;
    int64_t soon = m->at_ns > INT64_MAX - SECOND_NS ? INT64_MAX : m->at_ns + SECOND_NS;
    if (!ends) return t->expires_at_ns == 0 || refuse(d, REASON_TERMS_INVALID, 0, t->expires_at_ns);
    if (m->type == TYPE_MARKET) return refuse(d, REASON_TERMS_INVALID, TIF_FOK, m->tif);
    return (t->expires_at_ns > 0 && (m->tif == TIF_DAY || t->expires_at_ns > soon)) ||
           refuse(d, REASON_EXPIRE_IN_PAST, soon, t->expires_at_ns);
}

/* A profit lies on the far side of the price, a loss on the near side: of an exit the other way round than of an entry. */
static bool legs_fit(const core_command *m, const core_terms *t, risk_decision *d)
{
    bool exits = m->flags & FLAG_REDUCE_ONLY, above = (m->side == SIDE_BUY) != exits; /* where the profit lies */
    int64_t profit = exits ? m->price_ticks : t->tp_ticks, loss = t->sl_stop_ticks;
    if (t->tp_ticks < 0 || t->sl_stop_ticks < 0 || t->sl_limit_ticks < 0 || (t->sl_limit_ticks && !loss))
        return refuse(d, REASON_TERMS_INVALID, 0, t->sl_limit_ticks);
    if (t->tp_ticks == 0 && loss == 0) return true;
    if (exits && (t->tp_ticks || m->type != TYPE_LIMIT || !tif_rests(m->tif))) return refuse(d, REASON_TERMS_INVALID, TYPE_LIMIT, m->type);
    if (m->order_no & (CHILD_STOP_LOSS | CHILD_TAKE_PROFIT)) return refuse(d, REASON_TERMS_INVALID, 0, (i128)m->order_no);
    if (profit && loss && (above ? loss >= profit : loss <= profit)) return refuse(d, REASON_STOP_PRICE_INVALID, profit, loss);
    if (exits || m->type != TYPE_LIMIT) return true;
    if (t->tp_ticks && (above ? profit <= m->price_ticks : profit >= m->price_ticks))
        return refuse(d, REASON_STOP_PRICE_INVALID, m->price_ticks, profit);
    return !loss || (above ? loss < m->price_ticks : loss > m->price_ticks) || refuse(d, REASON_STOP_PRICE_INVALID, m->price_ticks, loss);
}

/* A new price of a limit order stays between its profit and its loss: its own terms', or as a leg the other leg's. */
bool conditions_between(const core *c, const core_order *o, int64_t price, risk_decision *d)
{
    if (o->terms == 0 || o->type != TYPE_LIMIT || price == o->limit_ticks) return true;
    const terms_row *t = TERMS(c, o->terms);
    bool exits = o->flags & FLAG_REDUCE_ONLY, above = (o->side == SIDE_BUY) != exits;
    uint32_t other = exits && t->sibling ? ORDER(c, t->sibling)->terms : 0;
    int64_t profit = exits ? 0 : t->tp_ticks, loss = exits ? (other ? TERMS(c, other)->stop_ticks : 0) : t->sl_stop_ticks;
    if (profit && (above ? profit <= price : profit >= price)) return refuse(d, REASON_STOP_PRICE_INVALID, price, profit);
    return !loss || (above ? loss < price : loss > price) || refuse(d, REASON_STOP_PRICE_INVALID, price, loss);
}

/* Every price of the terms times the quantity must be a number that can be counted. */
static bool amounts_fit(const core_command *m, const core_terms *t, const core_instrument_spec *spec, risk_decision *d)
{
    const int64_t prices[] = {t->stop_ticks, t->tp_ticks, t->sl_stop_ticks, t->sl_limit_ticks};
    i128 amount;
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
        if (prices[i] && !fixed_worth(spec, SIDE_SELL, prices[i], m->qty_lots, &amount))
            return refuse(d, REASON_NUMBER_OVERFLOW, CORE_AMOUNT_MAX, 0);
    return true;
}

/* The shape of a special order; its type, tif, side, price and quantity were looked at before. */
bool conditions_fit(const core_command *m, const core_instrument_spec *spec, risk_decision *d)
{
    static const core_terms none = {.op = OP_TERMS};
    const core_terms *t = d->terms ? d->terms : &none;
    bool posts = m->flags & FLAG_POST_ONLY;
    if (posts && (m->type != TYPE_LIMIT || !tif_rests(m->tif))) return refuse(d, REASON_TERMS_INVALID, TYPE_LIMIT, m->type);
    return stop_fits(m, t, d) && end_fits(m, t, d) && legs_fit(m, t, d) && amounts_fit(m, t, spec, d);
}

/* Reduces only: the opposite of the position the strategy has, and no more than it. */
bool conditions_reduce(const core *c, const core_command *m, risk_decision *d)
{
    if (!(m->flags & FLAG_REDUCE_ONLY)) return true;
    int64_t room = terms_room(c, d->position, m->side);
    return m->qty_lots <= room || refuse(d, REASON_REDUCE_ONLY_VIOLATION, room, m->qty_lots);
}

/* Of what the book has now: d->preview was walked for market orders only. */
bool conditions_book(const core *c, const core_command *m, uint32_t owner, risk_decision *d)
{
    const core_instrument *in = INSTRUMENT(c, d->instrument);
    if (type_waits(m->type)) return true;
    if (m->flags & FLAG_POST_ONLY && book_crosses(&in->book, m->side, m->price_ticks))
        return refuse(d, REASON_POST_ONLY_WOULD_TAKE, in->book.best[1u - m->side], m->price_ticks);
    if (m->tif != TIF_FOK) return true;
    match_walk(c, in, m, owner, in->spec.taker_fee_ppm, &d->preview);
    return d->preview.lots == m->qty_lots || refuse(d, REASON_FOK_UNFILLABLE, d->preview.lots, m->qty_lots);
}

/* The price an order is valued and held at: of the two legs of an OCO the dearer. */
int64_t conditions_ticks(const core_command *m, const core_terms *t)
{
    if (t == NULL) return m->price_ticks;
    int64_t ticks = type_has_limit(m->type) ? m->price_ticks : t->stop_ticks;
    int64_t other = m->flags & FLAG_REDUCE_ONLY ? (t->sl_limit_ticks ? t->sl_limit_ticks : t->sl_stop_ticks) : 0;
    return other > ticks ? other : ticks;
}

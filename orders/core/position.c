/* Positions by account, instrument and strategy: average cost, exact.
 *
 * qty is signed; cost has its sign: what was paid for an open long, minus what was received for an open short, so
 * mark * qty - cost is the unrealised result of both. An inverse contract counts qty in quote and cost in base, and gains
 * the other way round: a long one owes the base that the same quote is worth now. Closing a part takes floor(|cost| * part / |qty|) out of
 * cost; the fraction of a unit left stays with the open part, and closing to flat takes everything, so nothing is lost. */
#include "state.h"

static uint64_t key_of(uint32_t seat, uint64_t strategy) { return fixed_mix(strategy + (uint64_t)seat * 0x9E3779B97F4A7C15u); }

/* Different pairs may share a key: the table leads to a chain, compared in full. */
uint32_t position_find(const core *c, uint32_t seat, uint64_t strategy)
{
    uint32_t recent = SEAT(c, seat)->recent;
    if (recent && SEAT(c, seat)->strategy == strategy) return recent;
    uint32_t slot = table_get(&c->position_ids, key_of(seat, strategy));
    while (slot && (POSITION(c, slot)->seat != seat || POSITION(c, slot)->strategy != strategy)) slot = POSITION(c, slot)->next_same_key;
    return slot;
}

/* While a seat has one position, that is the account's; with the second a row of sums begins, in no list and no table. */
static void join_sum(core *c, uint32_t seat, uint32_t slot)
{
    uint32_t sum = SEAT(c, seat)->sum;
    if (sum == 0) SEAT(c, seat)->sum = slot;
    if (sum == 0 || POSITION(c, sum)->is_sum) return;
    uint32_t row = pool_take(&c->positions);
    const core_position_row *first = POSITION(c, sum);
    *POSITION(c, row) = (core_position_row){
        .qty = first->qty, .cost = first->cost, .realised = first->realised, .fees = first->fees, .seat = seat, .is_sum = 1};
    SEAT(c, seat)->sum = row;
}

uint32_t position_used(core *c, uint32_t seat, uint32_t slot)
{
    SEAT(c, seat)->strategy = POSITION(c, slot)->strategy;
    return SEAT(c, seat)->recent = slot;
}

uint32_t position_slot(core *c, uint32_t seat, uint64_t strategy)
{
    uint32_t slot = position_find(c, seat, strategy);
    if (slot) return position_used(c, seat, slot);
    uint64_t key = key_of(seat, strategy);
    uint32_t head = table_get(&c->position_ids, key);
    slot = pool_take(&c->positions);
    core_position_row *p = POSITION(c, slot);
    core_account *a = ACCOUNT(c, SEAT(c, seat)->account);
    p->seat = seat;
    p->strategy = strategy;
    p->next_of_account = a->first_position;
    a->first_position = slot;
    join_sum(c, seat, slot);
    if (head) {
        p->next_same_key = POSITION(c, head)->next_same_key;
        POSITION(c, head)->next_same_key = slot;
    } else {
        table_put(&c->position_ids, key, slot);
    }
    return position_used(c, seat, slot);
}

static i128 magnitude(i128 x) { return x < 0 ? -x : x; }

static inline bool apply(core_position_row *p, unsigned side, i128 amount, i128 notional, i128 fee, bool inverse)
{
    i128 qty = p->qty, cost = p->cost, realised = p->realised, fees;
    i128 opening = amount, opening_notional = notional;
    bool buys = side == SIDE_BUY, broken = false;
    if (qty != 0 && (qty > 0) != buys) {
        i128 held = magnitude(qty), closing = held < amount ? held : amount;
        i128 closing_notional = fixed_share(notional, closing, amount);
        i128 removed = fixed_share(magnitude(cost), closing, held);
        i128 result = buys != inverse ? removed - closing_notional : closing_notional - removed;
        broken |= __builtin_add_overflow(realised, result, &realised);
        qty += buys ? closing : -closing;
        cost += buys ? removed : -removed;
        opening = amount - closing;
        opening_notional = notional - closing_notional;
    }
    broken |= __builtin_add_overflow(qty, buys ? opening : -opening, &qty);
    broken |= __builtin_add_overflow(cost, buys ? opening_notional : -opening_notional, &cost);
    broken |= __builtin_add_overflow(p->fees, fee, &fees);
    if (broken) return false;
    p->qty = qty;
    p->cost = cost;
    p->realised = realised;
    p->fees = fees;
    return true;
}

bool position_apply(core_position_row *p, unsigned side, i128 amount, i128 notional, i128 fee)
{
    return apply(p, side, amount, notional, fee, false);
}

bool position_add(core_position_row *sum, const core_position_row *more, const core_position_row *less)
{
    const i128 *a = &more->qty, *b = less ? &less->qty : NULL;
    i128 out[] = {sum->qty, sum->cost, sum->realised, sum->fees};
    for (size_t i = 0; i < 4; i++)
        if (__builtin_add_overflow(out[i], a[i], &out[i]) || (b && __builtin_sub_overflow(out[i], b[i], &out[i]))) return false;
    sum->qty = out[0];
    sum->cost = out[1];
    sum->realised = out[2];
    sum->fees = out[3];
    return true;
}

bool position_fill(core *c, uint32_t slot, unsigned side, i128 amount, i128 notional, i128 fee)
{
    core_position_row *p = POSITION(c, slot);
    const core_seat *seat = SEAT(c, p->seat);
    bool inverse = __builtin_expect(seat->way == WAY_INVERSE, 0);
    if (seat->sum == slot) return inverse ? apply(p, side, amount, notional, fee, true) : apply(p, side, amount, notional, fee, false);
    core_position_row before = *p;
    return apply(p, side, amount, notional, fee, inverse) && position_add(POSITION(c, seat->sum), p, &before);
}

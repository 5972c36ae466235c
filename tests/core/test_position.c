#include "harness.h"

static void test_closing_to_flat_leaves_no_cost(void)
{
    core_position_row p = {0};
    PROMISE(position_apply(&p, SIDE_BUY, 3, 100, 1));
    PROMISE(position_apply(&p, SIDE_SELL, 1, 40, 1) && p.qty == 2 && p.cost == 67 && p.realised == 7);
    PROMISE(position_apply(&p, SIDE_SELL, 2, 90, 1) && p.qty == 0 && p.cost == 0 && p.realised == 30 && p.fees == 3);
}

static void test_one_fill_may_turn_a_long_into_a_short(void)
{
    core_position_row p = {0};
    position_apply(&p, SIDE_BUY, 10, 1000, 0);
    PROMISE(position_apply(&p, SIDE_SELL, 15, 1800, 0));
    PROMISE(p.qty == -5 && p.cost == -600 && p.realised == 200);
    PROMISE(position_apply(&p, SIDE_BUY, 5, 500, 0) && p.qty == 0 && p.cost == 0 && p.realised == 300);
}

static void test_a_sum_past_128_bits_is_refused_whole(void)
{
    i128 most = (i128)(((u128)1 << 127) - 1);
    core_position_row p = {.qty = most, .cost = 5}, before = p;
    PROMISE(!position_apply(&p, SIDE_BUY, 1, 1, 0));
    PROMISE(memcmp(&p, &before, sizeof p) == 0);
}

static void test_equal_trades_in_any_parts_keep_all_money(void)
{
    core_position_row p = {0};
    i128 spent = 0;
    for (int64_t i = 1; i <= 1000; i++) {
        i128 amount = i * 7 % 13 + 1, notional = amount * (i % 17 + 3);
        uint8_t side = i % 3 == 0 ? SIDE_SELL : SIDE_BUY;
        PROMISE(position_apply(&p, side, amount, notional, 0));
        spent += side == SIDE_BUY ? notional : -notional;
        PROMISE(spent == p.cost - p.realised); /* cash out is either in the open cost or lost */
    }
}

int main(void)
{
    test_closing_to_flat_leaves_no_cost();
    test_one_fill_may_turn_a_long_into_a_short();
    test_a_sum_past_128_bits_is_refused_whole();
    test_equal_trades_in_any_parts_keep_all_money();
    return 0;
}

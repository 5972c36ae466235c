#include "harness.h"

static void test_a_fee_is_rounded_up_at_any_size(void)
{
    PROMISE(fixed_fee(0, 1000) == 0);
    PROMISE(fixed_fee(1, 1) == 1);
    PROMISE(fixed_fee(1000000, 1) == 1);
    PROMISE(fixed_fee(1000001, 1) == 2);
    PROMISE(fixed_fee(CORE_AMOUNT_MAX, CORE_FEE_UNIT) == CORE_AMOUNT_MAX);
    PROMISE(fixed_fee((i128)INT64_MAX + 1, 1) == ((i128)INT64_MAX + 1) / 1000000 + 1);
}

static void test_a_product_past_the_bound_is_refused_not_wrapped(void)
{
    i128 out;
    PROMISE(fixed_notional(INT64_MAX, 1, 1, &out) && out == INT64_MAX);
    PROMISE(!fixed_notional(INT64_MAX, INT64_MAX, 1, &out));
    PROMISE(!fixed_notional(INT64_MAX, INT64_MAX, CORE_AMOUNT_MAX, &out));
    PROMISE(fixed_amount(1, CORE_AMOUNT_MAX, &out) && out == CORE_AMOUNT_MAX);
    PROMISE(!fixed_amount(2, CORE_AMOUNT_MAX, &out));
    PROMISE(fixed_notional(100, 922337203685, 1, &out) && out == (i128)92233720368500);
}

static void test_a_share_is_exact_past_128_bits(void)
{
    i128 big = CORE_AMOUNT_MAX;
    PROMISE(fixed_share(big, big - 1, big) == big - 1);
    PROMISE(fixed_share(big, big / 3, big) == big / 3);
    PROMISE(fixed_share(10, 1, 3) == 3);
    PROMISE(fixed_share(7, 0, 3) == 0);
    i128 most = (i128)((((u128)1) << 126) + 12345), part = (i128)(((u128)1 << 125) + 999);
    i128 share = fixed_share(most, part, most - 1);
    PROMISE(share == part || share == part + 1);
}

static void test_a_ratio_is_rounded_to_the_even_half_and_refused_past_126_bits(void)
{
    i128 out, top = (i128)1 << 126;
    PROMISE(fixed_ratio(1, 1, 2, &out) && out == 0);
    PROMISE(fixed_ratio(3, 1, 2, &out) && out == 2);
    PROMISE(fixed_ratio(-3, 1, 2, &out) && out == -2);
    PROMISE(fixed_ratio(-5, 1, 3, &out) && out == -2);
    PROMISE(fixed_ratio(top - 1, 1, 1, &out) && out == top - 1);
    PROMISE(fixed_ratio(top, 1, 1, &out) && out == top);
    PROMISE(!fixed_ratio(top + 1, 1, 1, &out));
    PROMISE(fixed_ratio(-top, CORE_AMOUNT_MAX, CORE_AMOUNT_MAX, &out) && out == -top);
    PROMISE(!fixed_ratio(-top - 1, CORE_AMOUNT_MAX, CORE_AMOUNT_MAX, &out));
    PROMISE(!fixed_ratio(CORE_AMOUNT_MAX, CORE_AMOUNT_MAX, 1, &out));
    PROMISE(fixed_ratio(CORE_AMOUNT_MAX, CORE_AMOUNT_MAX - 1, CORE_AMOUNT_MAX, &out) && out == CORE_AMOUNT_MAX - 1);
}

static void test_an_inverse_worth_is_rounded_as_asked_and_refused_past_the_bound(void)
{
    i128 out;
    PROMISE(fixed_inverse(3, 1, CORE_UNIT, CORE_UNIT, false, &out) && out == CORE_UNIT / 3);
    PROMISE(fixed_inverse(3, 1, CORE_UNIT, CORE_UNIT, true, &out) && out == CORE_UNIT / 3 + 1);
    PROMISE(fixed_inverse(2, 1, CORE_UNIT, CORE_UNIT, true, &out) && out == CORE_UNIT / 2);
    PROMISE(fixed_inverse(1, (int64_t)CORE_UNIT, CORE_UNIT, CORE_UNIT, true, &out) && out == CORE_AMOUNT_MAX);
    PROMISE(!fixed_inverse(1, (int64_t)CORE_UNIT + 1, CORE_UNIT, CORE_UNIT, true, &out));
    PROMISE(!fixed_inverse(1, 1, CORE_AMOUNT_MAX, 1, false, &out));
    PROMISE(!fixed_inverse(0, 1, CORE_UNIT, CORE_UNIT, false, &out) && !fixed_inverse(-1, 1, CORE_UNIT, CORE_UNIT, false, &out));
    PROMISE(!fixed_inverse(INT64_MAX, 1, CORE_UNIT, CORE_AMOUNT_MAX, false, &out));
    PROMISE(fixed_inverse(INT64_MAX, INT64_MAX, CORE_UNIT / 10, CORE_UNIT / 10, false, &out) && out == CORE_UNIT);
}

int main(void)
{
    test_a_fee_is_rounded_up_at_any_size();
    test_a_product_past_the_bound_is_refused_not_wrapped();
    test_a_share_is_exact_past_128_bits();
    test_a_ratio_is_rounded_to_the_even_half_and_refused_past_126_bits();
    test_an_inverse_worth_is_rounded_as_asked_and_refused_past_the_bound();
    return 0;
}

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

/* The slow way: long division bit by bit of the whole product. */
static i128 share_bit_by_bit(u128 a, u128 b, u128 of)
{
    u128 rest = 0, quotient = 0, high = 0, low = 0;
    for (int bit = 127; bit >= 0; bit--) { /* (high, low) = a * b */
        high = high << 1 | low >> 127;
        low <<= 1;
        if (b >> bit & 1) {
            low += a;
            high += low < a;
        }
    }
    for (int bit = 255; bit >= 0; bit--) {
        bool carry = rest >> 127;
        rest = rest << 1 | ((bit > 127 ? high >> (bit - 128) : low >> bit) & 1);
        quotient <<= 1;
        if (carry || rest >= of) {
            rest -= of;
            quotient |= 1;
        }
    }
    return (i128)quotient;
}

static uint64_t state = 3;
static uint64_t draw(void)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static u128 any_size(void)
{
    u128 x = ((u128)draw() << 64 | draw()) >> (1 + draw() % 127);
    return draw() % 4 ? x : draw() % 2 ? x | ~(u128)0 >> (2 + draw() % 120) : (u128)1 << draw() % 126;
}

static void test_a_share_of_any_sizes_is_what_bit_by_bit_division_says(void)
{
    for (int i = 0; i < 100000; i++) {
        u128 whole = any_size() >> 1, of = any_size() >> 1, part = any_size() >> 1;
        if (of == 0) of = 1;
        part %= of + 1;
        PROMISE(fixed_share((i128)whole, (i128)part, (i128)of) == share_bit_by_bit(whole, part, of));
    }
}

static void test_a_fee_of_any_size_is_what_division_says(void)
{
    for (int i = 0; i < 100000; i++) {
        i128 notional = (i128)(any_size() % (u128)CORE_AMOUNT_MAX);
        uint32_t ppm = (uint32_t)(draw() % (CORE_FEE_UNIT + 1));
        i128 whole = notional / CORE_FEE_UNIT, rest = notional % CORE_FEE_UNIT;
        PROMISE(fixed_fee(notional, ppm) == whole * ppm + (rest * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT);
    }
}

int main(void)
{
    test_a_share_of_any_sizes_is_what_bit_by_bit_division_says();
    test_a_fee_of_any_size_is_what_division_says();
    test_a_fee_is_rounded_up_at_any_size();
    test_a_product_past_the_bound_is_refused_not_wrapped();
    test_a_share_is_exact_past_128_bits();
    test_a_ratio_is_rounded_to_the_even_half_and_refused_past_126_bits();
    test_an_inverse_worth_is_rounded_as_asked_and_refused_past_the_bound();
    return 0;
}

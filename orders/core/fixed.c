/* Exact arithmetic on 128-bit amounts. Every product that could leave its type is checked; nothing wraps. */
#include "state.h"

static bool within_amount(i128 x) { return x <= CORE_AMOUNT_MAX && x >= -CORE_AMOUNT_MAX; }

static bool is_narrow(i128 x) { return x == (int64_t)x; }

bool fixed_amount(int64_t lots, i128 unit, i128 *out)
{
    if (is_narrow(unit)) { /* one multiplication, and it fits: the ordinary case, here as below */
        *out = (i128)lots * (int64_t)unit;
        return within_amount(*out);
    }
    return !__builtin_mul_overflow((i128)lots, unit, out) && within_amount(*out);
}

bool fixed_notional(int64_t ticks, int64_t lots, i128 unit, i128 *out)
{
    i128 ticks_lots = (i128)ticks * lots; /* two int64 always fit */
    if (is_narrow(ticks_lots) && is_narrow(unit)) {
        *out = (i128)(int64_t)ticks_lots * (int64_t)unit;
        return within_amount(*out);
    }
    return !__builtin_mul_overflow(ticks_lots, unit, out) && within_amount(*out);
}

i128 fixed_fee(i128 notional, uint32_t ppm)
{
    if (notional <= INT64_MAX) { /* a division by a constant instead of a call */
        uint64_t n = (uint64_t)notional;
        uint64_t whole = n / CORE_FEE_UNIT, rest = n % CORE_FEE_UNIT;
        return (i128)whole * ppm + (i128)((rest * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT);
    }
    i128 whole = notional / CORE_FEE_UNIT, rest = notional % CORE_FEE_UNIT;
    return whole * ppm + (rest * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT;
}

/* whole * part needs up to 254 bits: schoolbook product in 64-bit limbs, then long division bit by bit. Slow and rare. */
static u128 share_wide(u128 whole, u128 part, u128 of)
{
    const u128 mask = UINT64_MAX;
    u128 a0 = whole & mask, a1 = whole >> 64, b0 = part & mask, b1 = part >> 64;
    u128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    u128 middle = (p00 >> 64) + (p01 & mask) + (p10 & mask);
    u128 low = (p00 & mask) | (middle << 64);
    u128 high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    u128 rest = high % of, quotient = 0; /* high / of is 0: part <= of, so the answer is at most whole */
    for (int bit = 127; bit >= 0; bit--) {
        bool carry = rest >> 127;
        rest = rest << 1 | (low >> bit & 1);
        quotient <<= 1;
        if (carry || rest >= of) {
            rest -= of;
            quotient |= 1;
        }
    }
    return quotient;
}

i128 fixed_share(i128 whole, i128 part, i128 of)
{
    if (part == of) return whole;
    u128 w = (u128)whole, p = (u128)part, d = (u128)of;
    if (w <= UINT32_MAX && p <= UINT32_MAX && d <= UINT64_MAX) return (i128)((uint64_t)w * (uint64_t)p / (uint64_t)d);
    if (w <= UINT64_MAX && p <= UINT64_MAX) return (i128)(w * p / d);
    return (i128)share_wide(w, p, d);
}

uint64_t fixed_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

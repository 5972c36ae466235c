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
    uint64_t high = (uint64_t)(notional >> 64), low = (uint64_t)notional, rest = high % CORE_FEE_UNIT;
    u128 whole = high / CORE_FEE_UNIT; /* half a word at a time, so that each division is one by a constant */
    for (int shift = 32; shift >= 0; shift -= 32) {
        uint64_t part = rest << 32 | (low >> shift & UINT32_MAX);
        whole = whole << 32 | part / CORE_FEE_UNIT;
        rest = part % CORE_FEE_UNIT;
    }
    return (i128)(whole * ppm + (rest * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT);
}

/* The next 64 bits of a quotient: (high, next) / of, where high < of and the top bit of `of` is set. The guess from the upper
 * halves is at most two too large. */
static uint64_t next_digit(u128 *high, uint64_t next, u128 of)
{
    uint64_t of1 = (uint64_t)(of >> 64), of0 = (uint64_t)of, top = (uint64_t)(*high >> 64), middle = (uint64_t)*high;
    u128 guess = top >= of1 ? UINT64_MAX : *high / of1, rest = *high - guess * of1;
    while (rest <= UINT64_MAX && guess * of0 > (rest << 64 | next)) {
        guess--;
        rest += of1;
    }
    *high = ((u128)middle << 64 | next) - guess * of; /* what both lose above 128 bits is the same */
    return (uint64_t)guess;
}

/* a * b / of needs up to 256 bits: schoolbook product in 64-bit limbs, then long division, two digits of 64 bits.
 * False when the quotient does not fit 128 bits. */
static bool divide_wide(u128 a, u128 b, u128 of, u128 *whole, u128 *left)
{
    const u128 mask = UINT64_MAX;
    u128 a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
    u128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    u128 middle = (p00 >> 64) + (p01 & mask) + (p10 & mask);
    u128 low = (p00 & mask) | (middle << 64);
    u128 high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    if (high >= of) return false;
    if (high == 0) {
        *whole = low / of;
        *left = low % of;
        return true;
    }
    uint64_t top = (uint64_t)(of >> 64);
    int shift = top ? __builtin_clzll(top) : 64 + __builtin_clzll((uint64_t)of);
    if (shift) high = high << shift | low >> (128 - shift);
    low <<= shift;
    of <<= shift;
    u128 first = next_digit(&high, (uint64_t)(low >> 64), of);
    *whole = first << 64 | next_digit(&high, (uint64_t)low, of);
    *left = high >> shift;
    return true;
}

i128 fixed_share(i128 whole, i128 part, i128 of)
{
    if (part == of) return whole;
    u128 w = (u128)whole, p = (u128)part, d = (u128)of;
    uint64_t product;
    bool narrow = w <= UINT64_MAX && p <= UINT64_MAX && d <= UINT64_MAX;
    if (narrow && !__builtin_mul_overflow((uint64_t)w, (uint64_t)p, &product)) return (i128)(product / (uint64_t)d);
    u128 share = 0, rest;
    divide_wide(w, p, d, &share, &rest); /* fits: part <= of, so the answer is at most whole */
    return (i128)share;
}

/* A contract of lot_unit quote a lot, at ticks * tick_unit quote for one whole of base: lots * lot_unit / price in base. */
bool fixed_inverse(int64_t ticks, int64_t lots, i128 lot_unit, i128 tick_unit, bool up, i128 *out)
{
    i128 value, price;
    u128 whole, rest;
    if (ticks <= 0 || lots < 0 || !fixed_amount(lots, lot_unit, &value) || !fixed_amount(ticks, tick_unit, &price)) return false;
    if (!divide_wide((u128)value, (u128)CORE_UNIT, (u128)price, &whole, &rest)) return false;
    if (up && rest) whole++;
    *out = (i128)whole;
    return whole <= (u128)CORE_AMOUNT_MAX;
}

bool fixed_ratio(i128 amount, i128 num, i128 den, i128 *out)
{
    u128 size = amount < 0 ? -(u128)amount : (u128)amount, whole, rest;
    if (size <= UINT64_MAX && num <= UINT64_MAX) {
        whole = size * (u128)num / (u128)den;
        rest = size * (u128)num % (u128)den;
    } else if (!divide_wide(size, (u128)num, (u128)den, &whole, &rest)) {
        return false;
    }
    u128 left = (u128)den - rest; /* compared like this, nothing is doubled past 128 bits */
    if (rest > left || (rest == left && whole & 1)) whole++;
    if (whole > (u128)1 << 126) return false;
    *out = amount < 0 ? -(i128)whole : (i128)whole;
    return true;
}

uint64_t fixed_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

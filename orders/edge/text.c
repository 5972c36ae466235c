/* Decimals, moments and uuids as text. */
#include "edge.h"

#include <string.h>

#define SCALE 18
#define UNIT 1000000000000000000ull /* 10^SCALE */
#define NS_A_DAY 86400000000000ll

/* Digits of x, at least `least`, ending before `end`; where they begin. */
static char *digits_before(char *end, uint64_t x, int least)
{
    for (; x || least > 0; x /= 10, least--) *--end = (char)('0' + x % 10);
    return end;
}

size_t decimal_text(i128 amount, char *out)
{
    char made[64], *end = made + sizeof made;
    u128 size = amount < 0 ? -(u128)amount : (u128)amount, whole = size / UNIT;
    uint64_t fraction = (uint64_t)(size % UNIT);
    char *at = end;
    if (fraction) {
        at = digits_before(end, fraction, SCALE);
        while (end[-1] == '0') end--;
        *--at = '.';
    }
    uint64_t high = (uint64_t)(whole / UNIT), low = (uint64_t)(whole % UNIT);
    at = digits_before(at, low, high ? SCALE : 1);
    if (high) at = digits_before(at, high, 1);
    if (amount < 0) *--at = '-';
    memcpy(out, at, (size_t)(end - at));
    return (size_t)(end - at);
}

static char *put(char *out, uint64_t x, int width, char after)
{
    digits_before(out + width, x, width);
    out[width] = after;
    return out + width + 1;
}

size_t iso_text(int64_t at_ns, char *out)
{
    int64_t days = at_ns / NS_A_DAY, rest = at_ns % NS_A_DAY;
    if (rest < 0) rest += NS_A_DAY, days--;
    /* the civil date of a day: years of 400 begin in March, so that a leap day is the last of its year */
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    uint64_t of_era = (uint64_t)(z - era * 146097);
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100), month = (5 * of_year + 2) / 153;
    uint64_t day = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    int64_t year = (int64_t)year_of_era + era * 400 + (month <= 2);
    if (year < 1 || year > 9999) return 0;
    uint64_t us = (uint64_t)rest / 1000, s = us / 1000000;
    char *at = put(out, (uint64_t)year, 4, '-');
    at = put(at, month, 2, '-');
    at = put(at, day, 2, 'T');
    at = put(at, s / 3600, 2, ':');
    at = put(at, s / 60 % 60, 2, ':');
    at = put(at, s % 60, 2, '.');
    return (size_t)(put(at, us % 1000000, 6, 'Z') - out);
}

size_t uuid_text(uint64_t high, uint64_t low, char *out)
{
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) *at++ = '-';
        *at++ = hex[(i < 16 ? high >> (60 - 4 * i) : low >> (124 - 4 * i)) & 15];
    }
    return (size_t)(at - out);
}

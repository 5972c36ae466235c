#include "../../orders/core/histogram.h"
#include "harness.h"

static uint64_t state = 7;
static uint64_t draw(void) { return state = state * 6364136223846793005u + 1442695040888963407u; }

static void test_every_value_is_in_a_bucket_that_begins_at_or_below_it(void)
{
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t least = histogram_least(i), next = histogram_least(i + 1);
        PROMISE(least < next && histogram_bucket(least) == i && histogram_bucket(next - 1) == i);
        PROMISE(next - least <= 1 || (next - least) * HISTOGRAM_PARTS <= least); /* known to a thirty-second part */
    }
    PROMISE(histogram_bucket(UINT64_MAX) == HISTOGRAM_BUCKETS - 1);
    PROMISE(histogram_bucket((uint64_t)1 << (HISTOGRAM_POWER_MAX + 1)) == HISTOGRAM_BUCKETS - 1);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_what_it_says_of_ranks_is_what_a_sorted_list_says(void)
{
    static uint64_t values[20000];
    static const uint32_t ASKED[] = {0, 1, 2500, 5000, 9000, 9900, 9990, 9999, 10000};
    static histogram h, half[2];
    size_t count = sizeof values / sizeof *values;
    for (size_t i = 0; i < count; i++) {
        values[i] = draw() >> (24 + draw() % 40); /* of every size up to 2^40 */
        histogram_record(&half[i % 2], values[i]);
    }
    histogram_merge(&h, &half[0]);
    histogram_merge(&h, &half[1]);
    qsort(values, count, sizeof *values, by_value);
    PROMISE(h.count == count && h.most == values[count - 1]);
    for (size_t i = 0; i < sizeof ASKED / sizeof *ASKED; i++) {
        size_t rank = count * ASKED[i] / 10000;
        uint64_t exact = values[rank < count ? rank : count - 1], said = histogram_at(&h, ASKED[i]);
        PROMISE(said <= exact && (exact - said) * HISTOGRAM_PARTS <= exact);
    }
}

static void test_an_empty_one_says_nothing(void)
{
    static histogram h;
    PROMISE(histogram_at(&h, 5000) == 0 && histogram_at(&h, 10000) == 0);
}

int main(void)
{
    test_every_value_is_in_a_bucket_that_begins_at_or_below_it();
    test_what_it_says_of_ranks_is_what_a_sorted_list_says();
    test_an_empty_one_says_nothing();
    return 0;
}

#include "harness.h"

static void test_best_prices_are_right_wherever_they_lie(void)
{
    static const int64_t PRICES[] = {1, 2, 4095, 4096, 4097, 100000, 1000000000, INT64_MAX / 2};
    core *c = cast_of(64, 64);
    core_quote q;
    uint64_t no = 1;
    for (size_t i = 0; i < sizeof PRICES / sizeof *PRICES; i++) {
        PROMISE(place(c, no++, ALICE, SIDE_BUY, PRICES[i], 1) == REASON_NONE);
        PROMISE(core_best(c, 1, SIDE_BUY, &q) && q.price_ticks == PRICES[i]);
        HOLDS(c);
    }
    for (size_t i = sizeof PRICES / sizeof *PRICES; i-- > 1;) {
        PROMISE(cancel(c, i + 1) == REASON_NONE);
        PROMISE(core_best(c, 1, SIDE_BUY, &q) && q.price_ticks == PRICES[i - 1]);
        HOLDS(c);
    }
    core_destroy(c);
}

static void test_any_int64_price_has_a_place_for_agents(void)
{
    core *c = cast_of(64, 64);
    core_quote q;
    core_command ask = order_of(1, 0, SIDE_SELL, INT64_MAX, 1), bid = order_of(2, 0, SIDE_BUY, 1, 1);
    ask.flags = bid.flags = FLAG_AGENT;
    PROMISE(core_place(c, &ask, 0) == REASON_NONE && core_place(c, &bid, 0) == REASON_NONE);
    PROMISE(core_best(c, 1, SIDE_SELL, &q) && q.price_ticks == INT64_MAX);
    PROMISE(core_best(c, 1, SIDE_BUY, &q) && q.price_ticks == 1);
    HOLDS(c);
    core_destroy(c);
}

static void test_the_window_follows_the_market(void)
{
    core *c = cast_of(1u << 16, 1024);
    uint64_t no = 1;
    for (int64_t middle = 10000; middle < 200000; middle += 2500) {
        for (int64_t d = 1; d <= 20; d++) {
            PROMISE(place(c, no++, ALICE, SIDE_BUY, middle - d * 37, 2) == REASON_NONE);
            PROMISE(place(c, no++, BOB, SIDE_SELL, middle + d * 37 + 2400, 2) == REASON_NONE);
            core_reports_clear(c);
        }
        HOLDS(c);
    }
    const core_book *b = &INSTRUMENT(c, 1)->book;
    PROMISE(b->best[SIDE_BUY] >= b->base && b->best[SIDE_BUY] < b->base + WINDOW_TICKS);
    core_destroy(c);
}

static void test_an_idle_instrument_costs_at_most_256_kilobytes(void)
{
    core *c = cast_of(1u << 16, 1024);
    core_counters before, after;
    core_instrument_spec spec = INSTRUMENT(c, 1)->spec;
    core_stats(c, &before);
    for (uint32_t i = 2; i < 66; i++) {
        PROMISE(core_set_instrument(c, i, &spec) == NULL);
        core_command m = order_of(i, ALICE, SIDE_BUY, 100000, 1);
        m.instrument = i;
        PROMISE(core_place(c, &m, 0) == REASON_NONE);
    }
    core_stats(c, &after);
    PROMISE((after.memory_bytes - before.memory_bytes) / 64 < 256 * 1024);
    core_destroy(c);
}

int main(void)
{
    test_best_prices_are_right_wherever_they_lie();
    test_any_int64_price_has_a_place_for_agents();
    test_the_window_follows_the_market();
    test_an_idle_instrument_costs_at_most_256_kilobytes();
    return 0;
}

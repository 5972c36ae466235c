/* The straight line comes to the same as the way of everybody: the same commands to two cores, one of which is careful. */
#include "harness.h"

#define NUMBERS 200

static uint64_t state = 1;
static uint64_t below(uint64_t n)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (z ^ z >> 31) % n;
}

static core *house(bool careful, i128 base_unit, i128 quote_unit)
{
    core *c = cast_of(1u << 12, 1u << 12);
    core_instrument_spec spec = INSTRUMENT(c, 1)->spec;
    spec.base_unit = base_unit;
    spec.quote_unit = quote_unit;
    spec.maker_fee_ppm = 500;
    spec.taker_fee_ppm = 1000;
    spec.qty_max_lots = 90;
    PROMISE(core_set_instrument(c, 1, &spec) == NULL);
    c->careful = careful;
    return c;
}

static core_command any_command(int64_t at_ns)
{
    core_command m = order_of(1 + below(NUMBERS), (uint32_t)(ALICE + below(2)), (uint8_t)below(2), (int64_t)(990 + below(20)),
                              (int64_t)(1 + below(100)));
    m.at_ns = at_ns;
    m.strategy = below(3) ? 0 : below(3);
    m.op = (uint8_t)(below(10) < 6 ? OP_PLACE : below(4) ? OP_CANCEL : OP_AMEND);
    if (m.op == OP_PLACE && below(5) == 0) m.type = TYPE_MARKET;
    if (m.op == OP_PLACE && below(4) == 0) m.tif = TIF_IOC;
    if (m.op == OP_PLACE && below(20) == 0) m.flags = FLAG_AGENT;
    if (m.op == OP_PLACE && below(5) == 0) m.flags |= FLAG_ALLOW_SELF_TRADE;
    if (m.op != OP_PLACE && below(2)) m.account = 0;
    if (below(50) == 0) m.price_ticks = (int64_t)(1 + below(10000));
    if (below(60) == 0) m.instrument = 2;
    if (below(60) == 0) m.spec_version = 2;
    return m;
}

static void alike(core *c, core *careful)
{
    const core_report *first, *second;
    size_t bytes = core_reports(c, &first);
    PROMISE(bytes == core_reports(careful, &second));
    PROMISE(bytes == 0 || memcmp(first, second, bytes) == 0);
    core_reports_clear(c);
    core_reports_clear(careful);
    PROMISE(core_hash(c) == core_hash(careful));
    core_counters a, b;
    core_stats(c, &a);
    core_stats(careful, &b);
    PROMISE(memcmp(&a, &b, offsetof(core_counters, memory_bytes)) == 0);
}

static void run(i128 base_unit, i128 quote_unit)
{
    core *c = house(false, base_unit, quote_unit), *careful = house(true, base_unit, quote_unit);
    for (int64_t i = 1; i <= 20000; i++) {
        core_command m = any_command(i * 1000);
        if (below(500) == 0) {
            core_limits limits = {.open_orders_max = (uint32_t)below(40),
                                  .notional_max = below(2) ? 0 : (i128)below(100000) * quote_unit,
                                  .rate_per_second = (uint32_t)(below(2) ? 0 : 1 + below(2000)),
                                  .rate_burst = (uint32_t)below(20),
                                  .self_trade = (uint32_t)below(3),
                                  .message_per_second = (uint32_t)(below(4) ? 0 : 1 + below(2000)),
                                  .duplicate_ms = (uint32_t)(below(4) ? 0 : below(1000))};
            uint32_t account = (uint32_t)(ALICE + below(2));
            PROMISE(core_set_limits(c, SCOPE_ACCOUNT, account, &limits) == NULL &&
                    core_set_limits(careful, SCOPE_ACCOUNT, account, &limits) == NULL);
        }
        PROMISE(core_process(c, &m, 1, 0) == 1 && core_process(careful, &m, 1, 0) == 1);
        alike(c, careful);
        if (i % 500 == 0) HOLDS(c);
    }
    core_destroy(c);
    core_destroy(careful);
}

static void test_both_ways_come_to_the_same_with_small_units(void) { run(1, 1); }
static void test_both_ways_come_to_the_same_with_real_units(void) { run(1000000000000, 10000000000000); }
static void test_both_ways_come_to_the_same_with_units_past_64_bits(void) { run((i128)INT64_MAX * 3, (i128)INT64_MAX + 1); }

int main(void)
{
    test_both_ways_come_to_the_same_with_small_units();
    test_both_ways_come_to_the_same_with_real_units();
    test_both_ways_come_to_the_same_with_units_past_64_bits();
    return 0;
}

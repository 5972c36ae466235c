/* The straight line comes to the same as the way of everybody: the same commands to two cores, one of which is careful. And
 * it is taken: counted by kind, in this build only. */
#include "harness.h"

#include "../../orders/core/straight.h"

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

static core_command any_command(int64_t at_ns, bool strategies)
{
    core_command m = order_of(1 + below(NUMBERS), (uint32_t)(ALICE + below(2)), (uint8_t)below(2), (int64_t)(990 + below(20)),
                              (int64_t)(1 + below(100)));
    m.at_ns = at_ns;
    m.strategy = strategies && below(3) == 0 ? below(3) : 0;
    m.op = (uint8_t)(below(10) < 6 ? OP_PLACE : below(2) ? OP_CANCEL : OP_AMEND);
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

/* Half of the time few limits and wide ones, which is what makes an order plain; else any. */
static core_limits any_limits(i128 quote_unit)
{
    core_limits wide = {.open_orders_max = (uint32_t)(below(2) ? 0 : 60 + below(100)),
                        .notional_max = below(2) ? 0 : (i128)(50000 + below(100000)) * quote_unit,
                        .rate_per_second = (uint32_t)(below(2) ? 0 : 500000 + below(1000000)),
                        .rate_burst = (uint32_t)(20 + below(1000)),
                        .self_trade = (uint32_t)(below(4) ? 0 : below(3))};
    core_limits any = {.open_orders_max = (uint32_t)below(40),
                       .notional_max = below(2) ? 0 : (i128)below(100000) * quote_unit,
                       .rate_per_second = (uint32_t)(below(2) ? 0 : 1 + below(2000)),
                       .rate_burst = (uint32_t)below(20),
                       .self_trade = (uint32_t)below(3),
                       .message_per_second = (uint32_t)(below(4) ? 0 : 1 + below(2000)),
                       .duplicate_ms = (uint32_t)(below(4) ? 0 : below(1000))};
    return below(2) ? wide : any;
}

static void run(i128 base_unit, i128 quote_unit)
{
    core *c = house(false, base_unit, quote_unit), *careful = house(true, base_unit, quote_unit);
    for (int64_t i = 1; i <= 20000; i++) {
        core_command m = any_command(i * 1000, i > 10000);
        if (below(200) == 0) {
            core_limits limits = any_limits(quote_unit);
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

/* How often each kind was taken since the last call. */
static void counted(uint64_t out[STRAIGHTS])
{
    memcpy(out, straight_taken, sizeof straight_taken);
    memset(straight_taken, 0, sizeof straight_taken);
}

static void test_both_ways_come_to_the_same_with_small_units(void) { run(1, 1); }
static void test_both_ways_come_to_the_same_with_real_units(void) { run(1000000000000, 10000000000000); }
static void test_both_ways_come_to_the_same_with_units_past_64_bits(void) { run((i128)INT64_MAX * 3, (i128)INT64_MAX + 1); }

/* Of 20,000 commands of every shape; what is compared above was not the same way twice. */
static void test_many_commands_of_every_kind_take_it(void)
{
    uint64_t taken[STRAIGHTS];
    counted(taken);
    run(1, 1);
    counted(taken);
    for (unsigned kind = 0; kind < STRAIGHTS; kind++) PROMISE(taken[kind] >= 50);
}

static void test_only_cancels_take_it_when_a_unit_is_past_64_bits(void)
{
    uint64_t taken[STRAIGHTS];
    counted(taken);
    run((i128)INT64_MAX * 3, (i128)INT64_MAX + 1);
    counted(taken);
    for (unsigned kind = 0; kind < STRAIGHTS; kind++) PROMISE(kind == STRAIGHT_CANCEL || taken[kind] == 0);
}

static void test_every_plain_command_takes_it(void)
{
    core *c = house(false, 1, 1);
    uint64_t taken[STRAIGHTS];
    PROMISE(place(c, 1, ALICE, SIDE_BUY, 990, 10) == REASON_NONE); /* an account's first order at an instrument is not plain */
    PROMISE(place(c, 2, BOB, SIDE_SELL, 1010, 10) == REASON_NONE);
    counted(taken);
    for (uint64_t no = 10; no < 20; no++) PROMISE(place(c, no, ALICE, SIDE_BUY, 1000, 10) == REASON_NONE);
    for (uint64_t no = 20; no < 25; no++) PROMISE(place(c, no, BOB, SIDE_SELL, 1000, 8) == REASON_NONE);
    core_command market = order_of(30, BOB, SIDE_SELL, 0, 5), late = order_of(31, BOB, SIDE_SELL, 1000, 60);
    market.type = TYPE_MARKET;
    late.tif = TIF_IOC;
    PROMISE(core_place(c, &market, 0) == REASON_NONE && core_place(c, &late, 0) == REASON_NONE);
    core_command less = {.op = OP_AMEND, .order_no = 1, .qty_lots = 7, .flags = FLAG_QTY_REMAINING}, far = {.op = OP_AMEND, .order_no = 2};
    far.qty_lots = 12;
    far.price_ticks = 1020;
    PROMISE(core_amend(c, &less, 0) == REASON_NONE && core_amend(c, &far, 0) == REASON_NONE);
    PROMISE(cancel(c, 1) == REASON_NONE && cancel(c, 2) == REASON_NONE);
    counted(taken);
    PROMISE(taken[STRAIGHT_REST] == 10 && taken[STRAIGHT_TAKE] == 7 && taken[STRAIGHT_CANCEL] == 2 && taken[STRAIGHT_AMEND] == 2);
    PROMISE(taken[STRAIGHT_MEET] == 15 && taken[STRAIGHT_FILL] == 0);
    HOLDS(c);
    core_destroy(c);
}

int main(void)
{
    test_both_ways_come_to_the_same_with_small_units();
    test_both_ways_come_to_the_same_with_real_units();
    test_both_ways_come_to_the_same_with_units_past_64_bits();
    test_many_commands_of_every_kind_take_it();
    test_only_cancels_take_it_when_a_unit_is_past_64_bits();
    test_every_plain_command_takes_it();
    return 0;
}

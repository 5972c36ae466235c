#include "harness.h"

#define COMMANDS 60

static size_t run(core *c, uint8_t *out, size_t lent)
{
    size_t used = 0;
    for (uint64_t i = 0; i < COMMANDS;) {
        core_command m[4];
        const core_report *waiting;
        for (uint64_t k = 0; k < 4; k++) { /* three rest, the fourth meets all three */
            m[k] = order_of(1 + i + k, k < 3 ? ALICE : BOB, k < 3 ? SIDE_SELL : SIDE_BUY, 100, k < 3 ? 2 : 7);
            m[k].op = OP_PLACE;
        }
        if (lent) core_lend(c, out + used, lent);
        i += core_process(c, m, 4, i);
        if (lent) used += core_take_back(c);
        size_t bytes = core_reports(c, &waiting);
        memcpy(out + used, waiting, bytes);
        used += bytes;
        core_reports_clear(c);
        PROMISE(cancel(c, i) == REASON_NONE); /* what the fourth left standing */
        core_reports_clear(c);
    }
    return used;
}

static void test_lent_memory_of_any_size_takes_the_same_reports_as_the_ring(void)
{
    static uint8_t plain[1 << 19], lent[1 << 19];
    static const size_t SIZES[] = {1, 64, 320, 700, 1000, 2000, 4096, 1 << 14};
    core *c = cast_of(1u << 10, 1u << 10);
    size_t bytes = run(c, plain, 0);
    uint64_t hash = core_hash(c);
    core_destroy(c);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        c = cast_of(1u << 10, 1u << 10);
        PROMISE(run(c, lent, SIZES[i]) == bytes && memcmp(plain, lent, bytes) == 0 && core_hash(c) == hash);
        HOLDS(c);
        core_destroy(c);
    }
}

int main(void)
{
    test_lent_memory_of_any_size_takes_the_same_reports_as_the_ring();
    return 0;
}

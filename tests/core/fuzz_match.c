/* Random bytes as commands: whatever comes in, the core answers, every invariant holds, and its reports alone rebuild it.
 * Usage: fuzz_match [rounds] [seed]. */
#include "harness.h"

static uint64_t state;
static uint64_t draw(void)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}
static uint64_t below(uint64_t n) { return draw() % n; }

static int64_t wild(int64_t usual)
{
    static const int64_t EDGES[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT64_MAX - 1, 1 << 20, 4096, (int64_t)1 << 40};
    return below(20) ? usual : EDGES[below(sizeof EDGES / sizeof *EDGES)];
}

static core_command any_command(uint64_t numbers)
{
    core_command m = {.op = (uint8_t)(below(50) ? 1 + below(5) : below(256)),
                      .side = (uint8_t)below(2),
                      .type = (uint8_t)(below(5) ? 0 : below(3)),
                      .tif = (uint8_t)(below(4) ? 0 : below(3)),
                      .account = (uint32_t)(1 + below(below(30) ? 2 : 4)),
                      .instrument = (uint32_t)(below(30) ? 1 : below(3)),
                      .spec_version = below(40) ? 1 : 2,
                      .order_no = below(numbers),
                      .strategy = below(3),
                      .price_ticks = wild((int64_t)(9990 + below(20))),
                      .qty_lots = wild((int64_t)(1 + below(50))),
                      .at_ns = (int64_t)below(1000000),
                      .trade_no = draw()};
    if (below(2)) m.op = OP_PLACE;
    if (below(6) == 0) m.flags = (uint32_t)below(32);
    if (below(12) == 0) m.price_ticks = (int64_t)(1 + below(1u << 20));
    if (m.op == OP_CLOSE) m.type = "4C80"[below(4)];
    return m;
}

static core *folded(const uint8_t *reports, size_t bytes)
{
    core *c = cast_of(1u << 16, 1u << 12);
    PROMISE(core_apply(c, reports, bytes) == NULL);
    return c;
}

static void restores_to_the_same(core *c)
{
    size_t size = core_checkpoint_size(c);
    uint8_t *bytes = malloc(size);
    core *again = core_create(1u << 16, 1u << 12);
    core_checkpoint(c, bytes);
    PROMISE(core_restore(again, bytes, size) == NULL && core_hash(again) == core_hash(c));
    core_destroy(again);
    again = core_create(1u << 16, 1u << 12);
    bytes[below(size)] ^= (uint8_t)(1 + below(255));
    PROMISE(core_restore(again, bytes, size) != NULL);
    core_destroy(again);
    free(bytes);
}

static void one_round(uint64_t seed)
{
    state = seed;
    core *c = cast_of(1u << 16, 1u << 12);
    size_t kept = 0, room = (1u << 14) * sizeof(core_report);
    uint8_t *journal = malloc(room);
    uint64_t numbers = 20 + below(300);
    if (below(2)) core_fail_at_report(c, 1 + below(100), false);
    for (int i = 0; i < 600; i++) {
        const core_report *first;
        core_command m = any_command(numbers);
        PROMISE(core_process(c, &m, 1, 0) == 1 && core_broken(c) == NULL);
        size_t count = core_reports(c, &first);
        PROMISE(kept + count <= room);
        memcpy(journal + kept, first, count);
        kept += count;
        core_reports_clear(c);
        if (i % 7 == 0) {
            const char *why = core_verify(c);
            if (why) fprintf(stderr, "seed %llu, command %d: %s\n", (unsigned long long)seed, i, why);
            PROMISE(why == NULL);
        }
    }
    size_t placed;
    core *again = folded(journal, kept);
    PROMISE(core_hash(again) == core_hash(c));
    PROMISE(core_rebuild_books(again, &placed) == NULL);
    HOLDS(again);
    restores_to_the_same(c);
    core_destroy(again);
    core_destroy(c);
    free(journal);
}

int main(int count, char **words)
{
    uint64_t rounds = count > 1 ? strtoull(words[1], NULL, 10) : 40, seed = count > 2 ? strtoull(words[2], NULL, 10) : 1;
    for (uint64_t i = 0; i < rounds; i++) one_round(seed + i);
    return 0;
}

/* Market blocks between orders, half of them sense and half of them noise: the core answers, every invariant holds, and no
 * account ever gets more of the market than was told. Usage: test_mirror [rounds] [seed]. */
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

typedef struct {
    uint64_t seq;
    int64_t at_ns, now_ns;
    uint32_t telling;
} source;

static int64_t wild(int64_t usual)
{
    static const int64_t EDGES[] = {0, -1, 1, INT64_MAX, INT64_MIN, CORE_TIME_MAX, CORE_TIME_MAX + 1, 4096, (int64_t)1 << 40};
    return below(60) ? usual : EDGES[below(sizeof EDGES / sizeof *EDGES)];
}

static mirror_record any_record(source *s)
{
    mirror_record r = {.instrument = 1, .spec_version = 1, .side = (uint8_t)below(2), .seq = ++s->seq};
    uint64_t kind = below(100);
    if (s->telling == 0) s->at_ns += (int64_t)below(4) ? 0 : (int64_t)below(400000000);
    r.exchange_ns = wild(s->at_ns - (below(8) ? 0 : (int64_t)below(300000000)));
    r.kind = s->telling  ? RECORD_LEVEL
             : kind < 4  ? RECORD_SNAPSHOT
             : kind < 40 ? RECORD_TRADE
             : kind < 80 ? RECORD_LEVEL
             : kind < 96 ? RECORD_TOP
                         : (uint8_t)below(12);
    r.ticks = wild(1000 + (r.side ? (int64_t)below(9) : -1 - (int64_t)below(9)));
    r.lots = wild((int64_t)below(40) + (s->telling || r.kind == RECORD_TRADE));
    if (r.kind == RECORD_SNAPSHOT) r.lots = wild((int64_t)below(14));
    if (s->telling) s->telling--;
    if (r.kind == RECORD_SNAPSHOT && r.lots > 0 && r.lots < 100) s->telling = (uint32_t)r.lots;
    if (below(200) == 0) s->seq += below(3);
    if (below(300) == 0) r.instrument = (uint32_t)below(3);
    if (below(300) == 0) r.spec_version = (uint16_t)below(3);
    return r;
}

static void tell(core *c, source *s)
{
    mirror_record block[12];
    size_t count = below(12), done = 0;
    for (size_t i = 0; i < count; i++) block[i] = any_record(s);
    if (count && below(40) == 0)
        for (size_t i = 0; i < sizeof *block; i++) ((uint8_t *)block)[i] = (uint8_t)draw();
    s->now_ns += (int64_t)below(100000000);
    while (done < count) {
        done += core_market(c, (const uint8_t *)(block + done), count - done, s->now_ns);
        PROMISE(core_broken(c) == NULL);
        core_reports_clear(c);
    }
}

static void trade(core *c, uint64_t *number, int64_t now_ns)
{
    core_command m = order_of(++*number, (uint32_t)(1 + below(2)), (uint8_t)below(2), 990 + (int64_t)below(20), 1 + (int64_t)below(50));
    m.at_ns = now_ns;
    m.type = below(4) ? TYPE_LIMIT : TYPE_MARKET;
    m.tif = below(4) && m.type == TYPE_LIMIT ? TIF_GTC : TIF_IOC;
    if (below(3) == 0)
        m = (core_command){.op = below(2) ? OP_CANCEL : OP_AMEND,
                           .order_no = 1 + below(*number),
                           .price_ticks = 990 + (int64_t)below(20),
                           .qty_lots = 1 + (int64_t)below(60),
                           .at_ns = now_ns};
    core_process(c, &m, 1, 0);
    PROMISE(core_broken(c) == NULL);
    core_reports_clear(c);
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000, number = 0;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 7;
    core *c = cast_of(2000, 64);
    source s = {.at_ns = 1000000000};
    PROMISE(core_set_mirror(c, 1, true, 500000, 0) == NULL);
    for (uint64_t round = 0; round < rounds; round++) {
        tell(c, &s);
        if (below(2)) trade(c, &number, s.now_ns);
        if (below(500) == 0) core_set_mirror(c, 1, below(2), (uint32_t)below(1000001), s.now_ns); /* may find no room */
        if (below(2000) == 0) core_set_mirror(c, 1, true, 500000, s.now_ns);
        core_reports_clear(c);
        if (below(20) == 0) HOLDS(c);
        if (below(3000) == 0) {
            core *fork = core_fork(c);
            if (fork) HOLDS(fork);
            if (fork) core_destroy(fork);
        }
    }
    HOLDS(c);
    core_counters n;
    core_stats(c, &n);
    PROMISE(n.trades > rounds / 100);
    core_destroy(c);
    printf("test_mirror: %llu rounds, %llu fills\n", (unsigned long long)rounds, (unsigned long long)n.trades);
    return 0;
}

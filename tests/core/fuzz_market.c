/* Any bytes as blocks of a market elsewhere, orders between them: the core answers, every invariant holds, a lost mirror takes
 * no order, and a twin that hears only the reports comes to the same account half. */
#include "fuzz.h"

typedef struct {
    uint64_t seq;
    int64_t at_ns, now_ns;
} source;

static mirror_record any_record(feed *f, source *s)
{
    static const uint8_t KINDS[] = {RECORD_TRADE, RECORD_TRADE, RECORD_LEVEL,    RECORD_LEVEL,
                                    RECORD_LEVEL, RECORD_TOP,   RECORD_SNAPSHOT, RECORD_LEVEL};
    mirror_record r;
    uint64_t shape = number(f, 1);
    if (shape == 255) { /* as wild as it gets */
        uint64_t words[sizeof r / 8];
        for (size_t i = 0; i < sizeof r / 8; i++) words[i] = number(f, 8);
        memcpy(&r, words, sizeof r);
        r.instrument = 1 + (r.instrument & 1);
        return r;
    }
    s->at_ns += (int64_t)(shape >> 4 & 3) * 70000000;
    r = (mirror_record){.instrument = 1, .spec_version = 1, .kind = KINDS[shape & 7], .side = shape >> 3 & 1, .exchange_ns = s->at_ns};
    uint64_t away = number(f, 1);
    r.ticks = 1000 + (r.side ? (int64_t)(away & 7) : -1 - (int64_t)(away & 7));
    if (away >> 3 == 31) r.ticks = wild(f, 1000, 9);
    r.lots = wild(f, r.kind == RECORD_TRADE ? 1 : 0, 30);
    if (r.kind == RECORD_SNAPSHOT) r.lots = away & 7;
    r.seq = s->seq += away == 200 ? 2 : 1;
    return r;
}

static void market(core *c, feed *f, source *s)
{
    mirror_record block[8];
    size_t count = number(f, 1) & 7, done = 0;
    for (size_t i = 0; i < count; i++) block[i] = any_record(f, s);
    s->now_ns += (int64_t)number(f, 1) * 2000000;
    done = core_market(c, (const uint8_t *)block, count, s->now_ns);
    PROMISE(done <= count);
}

static core_command any_command(feed *f, const source *s)
{
    uint64_t shape = number(f, 1);
    core_command m = {.spec_version = 1, .instrument = 1, .side = shape & 1, .account = 1 + (shape >> 1 & 1), .at_ns = s->now_ns};
    static const uint8_t OPS[] = {OP_PLACE, OP_PLACE, OP_PLACE, OP_PLACE, OP_PLACE, OP_CANCEL, OP_AMEND, OP_CLOSE};
    m.op = OPS[shape >> 2 & 7];
    m.type = shape >> 5 & 1 ? TYPE_MARKET : TYPE_LIMIT;
    m.tif = shape >> 6 & 1 ? TIF_IOC : TIF_GTC;
    if (shape >> 7) m.flags = (uint32_t)number(f, 1);
    m.flags &= ~(uint32_t)FLAG_AGENT;
    m.order_no = number(f, 1) % 48;
    m.price_ticks = wild(f, 990, 20);
    m.qty_lots = wild(f, 1, 50);
    if (m.op == OP_CLOSE) m.type = (uint8_t)"4C80"[shape & 3];
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed f = {data, data + (size < 4096 ? size : 4096)};
    source s = {.at_ns = 1000000000};
    core *c = cast_of(1u << 10, 1u << 10), *twin = cast_of(1u << 10, 1u << 10);
    PROMISE(core_set_mirror(c, 1, true, 500000, 0) == NULL);
    while (more(&f)) {
        const core_report *first;
        if (number(&f, 1) & 1) {
            market(c, &f, &s);
        } else {
            core_command m = any_command(&f, &s);
            bool usable = mirror_is_usable(c, INSTRUMENT(c, 1), m.at_ns);
            size_t before = core_reports(c, &first);
            core_process(c, &m, 1, 0);
            size_t after = core_reports(c, &first);
            if (m.op == OP_PLACE && !usable)
                PROMISE(nothing_but_refusals((const core_report *)(const void *)((const uint8_t *)first + before), after - before));
        }
        PROMISE(core_broken(c) == NULL);
        size_t bytes = core_reports(c, &first);
        PROMISE(core_apply(twin, (const uint8_t *)first, bytes) == NULL);
        core_reports_clear(c);
        HOLDS(c);
    }
    PROMISE(core_hash(c) == core_hash(twin));
    core_destroy(c);
    core_destroy(twin);
    return 0;
}

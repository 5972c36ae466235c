/* Any bytes as commands and tellings: the core answers each, a refusal changes nothing, every invariant holds, and a twin
 * that hears only the reports and tellings comes to the same account half. */
#include "fuzz.h"

static core_command any_command(feed *f)
{
    uint64_t shape = number(f, 1);
    core_command m = {.spec_version = 1, .instrument = 1 + (shape >> 6 & 1), .side = shape & 1, .account = 1 + (shape >> 1 & 1)};
    if (shape == 255) { /* as wild as it gets */
        uint64_t words[sizeof m / 8];
        for (size_t i = 0; i < sizeof m / 8; i++) words[i] = number(f, 8);
        memcpy(&m, words, sizeof m);
        return m;
    }
    static const uint8_t OPS[] = {OP_PLACE, OP_PLACE, OP_PLACE, OP_PLACE, OP_CANCEL, OP_AMEND, OP_FILL, OP_CLOSE};
    m.op = OPS[shape >> 2 & 7];
    uint64_t kind = number(f, 1);
    m.type = kind % 8 < 5 ? TYPE_LIMIT : (uint8_t)(kind % 8 - 4);
    m.tif = kind >> 3 & 1 ? (uint8_t)(kind >> 4 & 7) : TIF_GTC;
    if (kind >> 7) m.flags = (uint32_t)number(f, 2);
    m.order_no = number(f, 1) % 64;
    m.strategy = kind >> 6 & 1;
    m.price_ticks = wild(f, 9990, 20);
    m.qty_lots = wild(f, 1, 50);
    m.at_ns = wild(f, 1000, 200);
    m.trade_no = m.order_no;
    if (m.op == OP_CLOSE) m.type = (uint8_t)"4C80"[kind & 3];
    return m;
}

static unsigned run(core *c, const core_command *m)
{
    switch (m->op) {
    case OP_PLACE: return core_place(c, m, 0);
    case OP_CANCEL: return core_cancel(c, m, 0);
    case OP_AMEND: return core_amend(c, m, 0);
    case OP_FILL:
    case OP_CLOSE: return core_told(c, m, 0);
    default: PROMISE(core_process(c, m, 1, 0) == 1); return REASON_COMMAND_UNKNOWN;
    }
}

static void command(core *c, core *twin, feed *f)
{
    const core_report *first;
    core_command m = any_command(f);
    uint64_t before = digest(c);
    unsigned reason = run(c, &m);
    PROMISE(core_broken(c) == NULL && (reason == 0 || core_reason_name(reason) != NULL));
    size_t count = core_reports(c, &first);
    if (reason && nothing_but_refusals(first, count)) PROMISE(digest(c) == before);
    const char *why = core_apply(twin, (const uint8_t *)first, count);
    if (why) fprintf(stderr, "%s\n", why);
    PROMISE(why == NULL);
    core_reports_clear(c);
    PROMISE(core_hash(c) == core_hash(twin));
}

/* The world changes: both hear it, and one that is refused changed nothing. */
static void telling(core *c, core *twin, feed *f)
{
    uint64_t what = number(f, 1), key = number(f, 1) % 4;
    i128 amount = (i128)wild(f, 0, 200) * ((i128)1 << number(f, 1) % 64), total;
    core_instrument_spec spec = {.exchange = 1, .spec_version = 1, .base_asset = BTC, .quote_asset = USDT, .base_unit = 1, .quote_unit = 1};
    spec.status = what >> 4 & 3;
    spec.taker_fee_ppm = (uint32_t)key * 777;
    spec.qty_min_lots = wild(f, 0, 3);
    if (what >> 3 & 1) spec.kind = (uint32_t)key; /* the second instrument is whatever it was first */
    int64_t price = wild(f, 9990, 20), moment = wild(f, 1000, 200);
    uint64_t before = digest(c);
    const char *why[2];
    for (int i = 0; i < 2; i++) {
        core *one = i ? twin : c;
        why[i] = NULL;
        switch (what % 8) {
        case 0: why[i] = core_set_halt(one, (unsigned)(what >> 3), key, (unsigned)key); break;
        case 1: why[i] = core_post(one, (uint32_t)key, BTC + (what >> 4 & 1), amount, what & 1, &total); break;
        case 2: why[i] = core_reset_account(one, (uint32_t)key); break;
        case 3:
            why[i] = core_set_account(
                one, (uint32_t)key,
                &(core_account_spec){.owner = (uint32_t)what & 3, .reporting_asset = (uint32_t)what & 2, .margin = what & 8 ? 0 : 20000});
            break;
        case 4: why[i] = core_mark(one, 1 + (what >> 3 & 1), price, 1 + (int64_t)key, moment); break;
        case 5: core_revalue(one, moment); break;
        case 6: core_day_open(one, moment); break;
        default: why[i] = core_set_instrument(one, 1 + (what >> 3 & 1), &spec); break;
        }
    }
    PROMISE((why[0] == NULL) == (why[1] == NULL));
    if (why[0]) PROMISE(digest(c) == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed f = {data, data + (size < 4096 ? size : 4096)};
    core *c = cast_of(1u << 10, 1u << 10), *twin = cast_of(1u << 10, 1u << 10);
    while (more(&f)) {
        if (number(&f, 1) % 12 == 0)
            telling(c, twin, &f);
        else
            command(c, twin, &f);
        HOLDS(c);
    }
    HOLDS(twin);
    PROMISE(core_hash(c) == core_hash(twin));
    core_destroy(c);
    core_destroy(twin);
    return 0;
}

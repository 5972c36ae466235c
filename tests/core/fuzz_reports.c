/* Any bytes as stored reports: each is folded or refused with a sentence, a refused one changes nothing, and whatever was
 * folded, the core goes on answering. */
#include "fuzz.h"

/* A report that could be one of this core's: made from an open order, then damaged here and there. */
static core_report any_report(core *c, feed *f)
{
    core_report r = {0};
    uint64_t shape = number(f, 1);
    uint64_t open[8];
    size_t count = core_open_orders(c, 1 + (shape & 1), open, 8);
    if (count > 8) count = 8;
    if (count) core_order_view(c, open[number(f, 1) % count], &r);
    r.seq = c->seq + 1;
    r.layout = CORE_REPORT_LAYOUT;
    r.exec_type = (uint8_t)"0F54C8DLI"[shape % 9];
    if (r.exec_type == '0') {
        r = (core_report){
            .seq = r.seq, .layout = r.layout, .exec_type = '0', .order_no = 100 + shape, .account = 1, .instrument = 1, .spec_version = 1};
        r.price_ticks = 10;
        r.qty_lots = 10;
        r.hold = shape & 2 ? 100 : 10;
    }
    if (r.exec_type == 'F') {
        r.last_lots = 1;
        r.filled_lots += 1;
        r.last_ticks = r.price_ticks;
    }
    r.size = report_is_whole(r.exec_type, r.flags) ? (uint16_t)sizeof r : CORE_REPORT_HEAD;
    uint8_t *bytes = (uint8_t *)&r;
    for (uint64_t left = number(f, 1) % 4; left; left--) {
        uint64_t at = number(f, 2) % sizeof r;
        bytes[at] = (uint8_t)number(f, 1);
        if (at % 8 == 0 && at + 8 <= sizeof r && bytes[at] & 1) {
            int64_t edge = wild(f, 0, 100);
            memcpy(bytes + at, &edge, 8);
        }
    }
    return r;
}

static core_report raw_report(feed *f)
{
    core_report r;
    for (size_t i = 0; i < sizeof r; i++) ((uint8_t *)&r)[i] = (uint8_t)number(f, 1);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed f = {data, data + (size < 4096 ? size : 4096)};
    core *c = cast_of(1u << 8, 1u << 8);
    size_t placed;
    place(c, 1, ALICE, SIDE_BUY, 90, 10);
    place(c, 2, BOB, SIDE_SELL, 110, 10);
    core_reports_clear(c);
    while (more(&f) && core_broken(c) == NULL) {
        core_report r = number(&f, 1) % 8 ? any_report(c, &f) : raw_report(&f);
        uint64_t before = core_hash(c);
        const char *why = core_apply(c, (const uint8_t *)&r, r.size <= sizeof r ? r.size : sizeof r);
        if (why && core_broken(c) == NULL) PROMISE(core_hash(c) == before);
    }
    if (core_broken(c) == NULL) {
        core_rebuild_books(c, &placed);
        place(c, 1000, ALICE, SIDE_BUY, 120, 30);
        place(c, 1001, BOB, SIDE_SELL, 80, 30);
        cancel(c, 1);
        core_verify(c);
    }
    core_destroy(c);
    return 0;
}

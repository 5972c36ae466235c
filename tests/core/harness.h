/* What every C test of the core shares: a cast of two traders, short ways to trade, and one line a broken promise. */
#ifndef MERIDIAN_HARNESS_H
#define MERIDIAN_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../orders/core/state.h"

#define PROMISE(what)                                                                                                                      \
    do {                                                                                                                                   \
        if (!(what)) {                                                                                                                     \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #what);                                               \
            exit(1);                                                                                                                       \
        }                                                                                                                                  \
    } while (0)
#define HOLDS(c) PROMISE(whole(core_verify(c)))

/* NULL, or the sentence is said. */
static inline bool whole(const char *why)
{
    if (why != NULL) fprintf(stderr, "%s\n", why);
    return why == NULL;
}

enum { ALICE = 1, BOB = 2, BTC = 1, USDT = 2 };

static inline core *cast_of(uint32_t max_orders, uint32_t ring)
{
    core *c = core_create(max_orders, ring);
    PROMISE(c != NULL);
    core_instrument_spec spec = {.exchange = 1, .spec_version = 1, .base_asset = BTC, .quote_asset = USDT, .base_unit = 1, .quote_unit = 1};
    core_limits limits = {0};
    i128 total;
    PROMISE(core_set_instrument(c, 1, &spec) == NULL);
    for (uint32_t account = ALICE; account <= BOB; account++) {
        PROMISE(core_set_account(c, account, &(core_account_spec){.owner = account}) == NULL);
        PROMISE(core_set_limits(c, SCOPE_ACCOUNT, account, &limits) == NULL);
        for (uint32_t asset = BTC; asset <= USDT; asset++) PROMISE(core_post(c, account, asset, CORE_AMOUNT_MAX, true, &total) == NULL);
    }
    return c;
}

static inline core_command order_of(uint64_t no, uint32_t account, uint8_t side, int64_t price, int64_t lots)
{
    return (core_command){.op = OP_PLACE,
                          .side = side,
                          .account = account,
                          .instrument = 1,
                          .spec_version = 1,
                          .order_no = no,
                          .price_ticks = price,
                          .qty_lots = lots,
                          .at_ns = (int64_t)no};
}

static inline unsigned place(core *c, uint64_t no, uint32_t account, uint8_t side, int64_t price, int64_t lots)
{
    core_command m = order_of(no, account, side, price, lots);
    return core_place(c, &m, 0);
}

static inline unsigned cancel(core *c, uint64_t no)
{
    core_command m = {.op = OP_CANCEL, .order_no = no};
    return core_cancel(c, &m, 0);
}

static inline const core_report *last_report(const core *c)
{
    const core_report *first, *next;
    size_t bytes = core_reports(c, &first);
    PROMISE(bytes > 0);
    const uint8_t *end = (const uint8_t *)first + bytes;
    while ((const uint8_t *)(next = core_report_next(first)) < end) first = next;
    return first;
}

#endif

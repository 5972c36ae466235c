/* A stream's record as a command of the core: an order's account is its number mod ACCOUNTS. */
#ifndef MERIDIAN_BENCHMARK_COMMANDS_H
#define MERIDIAN_BENCHMARK_COMMANDS_H

#include "../core/core.h"
#include "bare.h"

#define ACCOUNTS 64u

static inline core_command command_of(const stream_record *r, int64_t at_ns)
{
    static const uint8_t OPS[] = {OP_PLACE, OP_CANCEL, OP_AMEND, OP_PLACE, OP_PLACE};
    return (core_command){
        .op = OPS[r->op],
        .side = r->side,
        .type = r->op == STREAM_MARKET ? TYPE_MARKET : TYPE_LIMIT,
        .tif = r->op == STREAM_LIMIT || r->op == STREAM_AMEND ? TIF_GTC : TIF_IOC,
        .flags = r->op == STREAM_AMEND ? FLAG_QTY_REMAINING : 0,
        .account = (uint32_t)(r->id % ACCOUNTS) + 1,
        .instrument = r->symbol + 1u,
        .spec_version = 1,
        .order_no = r->id,
        .price_ticks = (int64_t)r->price,
        .qty_lots = r->qty,
        .at_ns = at_ns,
    };
}

#endif

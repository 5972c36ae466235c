/* The trading core: books, matching, order states, risk, holds, positions. Pure C11, deterministic.
 *
 * Fed and drained: it never calls out, reads no clock, draws no random number, touches no float. Memory comes from its
 * pools (pool.c), which grow only before a command runs, up to a bound; exhaustion is the reason CAPACITY and nothing
 * has changed.
 *
 * Two halves. The account half (orders of accounts, holds, balances, positions, limits, halts) changes only by folding
 * reports: account_apply() is the one place, for a live command and for a stored report alike. The market half (books)
 * is derived and may be rebuilt.
 *
 * Units: price in ticks, quantity in lots (int64); amounts in the asset's smallest unit (128 bits).
 */
#ifndef MERIDIAN_CORE_H
#define MERIDIAN_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

/* No amount of one order may pass this: 10^36, so that sums of many stay inside NUMERIC(38) and far inside 128 bits. */
#define CORE_AMOUNT_MAX ((i128)1000000000000000000 * 1000000000000000000)
#define CORE_UNIT ((i128)1000000000000000000) /* one whole of any asset in its smallest units */
#define CORE_BASIS 10000                      /* basis points in one: leverage 20000 is twice the equity */
#define CORE_BRIDGES 3
#define CORE_FEE_UNIT 1000000 /* fees are parts per million */
#define CORE_NO_COMMAND UINT32_MAX
#define CORE_TIME_MAX ((int64_t)1 << 62) /* ns; so that sums of times fit */

#define CORE_ANY_STRATEGY UINT64_MAX /* OP_SWEEP: of every strategy */
#define CORE_ANY_SIDE 255            /* OP_SWEEP: of both sides */

enum core_op { OP_PLACE = 1, OP_CANCEL, OP_AMEND, OP_FILL, OP_CLOSE, OP_TERMS, OP_SWEEP, OP_TIME };
enum core_side { SIDE_BUY = 0, SIDE_SELL = 1 };
enum core_type { TYPE_LIMIT = 0, TYPE_MARKET, TYPE_STOP, TYPE_STOP_LIMIT, TYPE_TAKE_PROFIT, TYPE_TAKE_PROFIT_LIMIT, TYPE_TRAILING_STOP };
enum core_tif { TIF_GTC = 0, TIF_IOC, TIF_FOK, TIF_DAY, TIF_GTD }; /* a day ends at 00:00 UTC */
enum core_liquidity { LIQUIDITY_NONE = 0, LIQUIDITY_MAKER = 1, LIQUIDITY_TAKER = 2 };

enum core_flag {
    FLAG_AGENT = 1,            /* an order of the simulator's: no account, no risk, no reports, only book and tape */
    FLAG_QTY_REMAINING = 2,    /* amend: qty_lots is the new remaining quantity, not the new total */
    FLAG_ALLOW_SELF_TRADE = 4, /* this order may meet its owner's own */
    FLAG_TOLD = 8,             /* in reports: an exchange told it (OP_FILL, OP_CLOSE), the books here did not make it */
    FLAG_LATE = 16,            /* OP_FILL for an order already final; account, instrument, side, strategy come with it */
    FLAG_POST_ONLY = 32,       /* refused when it would take */
    FLAG_REDUCE_ONLY = 64,     /* never takes its strategy's position past flat */
    FLAG_TRAIL_PERCENT = 128,  /* the trail is in basis points of the price, not in ticks */
    FLAG_TRIGGERED = 256,      /* its stop was reached: from then on a market or a limit order */
    FLAG_ALLOW_DUPLICATE = 512,
    FLAG_TERMS = 1024,  /* the order has terms (core_terms); its NEW report carries them */
    FLAG_KEYED = 4096,  /* in NEW reports: key is there, because some key has limits */
    FLAG_UNWIND = 8192, /* with FLAG_REDUCE_ONLY: of a flatten, and past what would only keep it in */
    FLAG_CHILD = 2048,  /* born of a bracket or an OCO: order_no is the parent's with CHILD_TAKE_PROFIT or CHILD_STOP_LOSS */
};

/* What a caller may ask of an order and the order keeps; the rest is set by the core, or speaks of one command or report. */
#define FLAGS_OF_PLACE (FLAG_AGENT | FLAG_ALLOW_SELF_TRADE | FLAG_POST_ONLY | FLAG_REDUCE_ONLY | FLAG_TRAIL_PERCENT)

/* The numbers of a parent's children; no other order of an account may have these bits. */
#define CHILD_STOP_LOSS ((uint64_t)1 << 61)
#define CHILD_TAKE_PROFIT ((uint64_t)1 << 62)

enum core_halt { HALT_ACTIVE = 0, HALT_REDUCING = 1, HALT_HALTED = 2 };
/* POSITION is an account at one instrument, key = account << 32 | instrument: it can be halted, it has no limits. */
enum core_scope {
    SCOPE_GLOBAL = 0,
    SCOPE_EXCHANGE,
    SCOPE_OWNER,
    SCOPE_ACCOUNT,
    SCOPE_STRATEGY,
    SCOPE_INSTRUMENT,
    SCOPE_KEY,
    SCOPE_POSITION,
    SCOPE_COUNT
};
enum core_gate { GATE_ARM = 1, GATE_RECONCILE = 2, GATE_CLOCK = 4 }; /* closed: live and not armed, not reconciled, clock unsafe */
enum core_outcome { OUTCOME_ANSWERED = 0, OUTCOME_FAILED = 1, OUTCOME_UNKNOWN = 2 }; /* of a request to an exchange; of a send */
enum core_kind { KIND_SPOT = 0, KIND_LINEAR = 1, KIND_INVERSE = 2 };                 /* what trading an instrument moves: see position.c */
/* When an order would meet one of its owner's, of whichever account. A triggered one is never refused: theirs give way. */
enum core_self_trade { SELF_TRADE_ALLOW = 0, SELF_TRADE_REJECT_NEWEST, SELF_TRADE_CANCEL_OLDEST };
enum core_instrument_status { INSTRUMENT_TRADING = 0, INSTRUMENT_HALTED = 1, INSTRUMENT_DELISTED = 2 };

/* One reason per refusal, in families: 1xx the world, 2xx the order, 3xx the account, 4xx the market, 5xx the state of
 * the order named, 6xx this core, 7xx what trips. The numbers are stored in rows: never renumber. Names: core_reason_name(). */
enum core_reason {
    REASON_NONE = 0,
    REASON_TRADING_HALTED = 101,
    REASON_TRADING_REDUCING = 102,
    REASON_INSTRUMENT_UNKNOWN = 103,
    REASON_INSTRUMENT_NOT_TRADING = 104,
    REASON_SPEC_CHANGED = 105,
    REASON_LIMITS_MISSING = 106,
    REASON_ACCOUNT_UNKNOWN = 107,
    REASON_LIVE_NOT_ARMED = 108,
    REASON_RECONCILING = 109,
    REASON_CLOCK_UNSAFE = 110,
    REASON_PRICE_PRECISION = 201,
    REASON_QTY_PRECISION = 202,
    REASON_QTY_MIN = 203,
    REASON_QTY_MAX = 204,
    REASON_NOTIONAL_MIN = 205,
    REASON_NOTIONAL_MAX = 206,
    REASON_TYPE_UNSUPPORTED = 207,
    REASON_TIF_UNSUPPORTED = 208,
    REASON_NUMBER_OVERFLOW = 209,
    REASON_EXPIRE_IN_PAST = 210,
    REASON_STOP_PRICE_INVALID = 211,
    REASON_TERMS_INVALID = 212, /* a combination that means nothing */
    REASON_OPEN_ORDERS_MAX = 301,
    REASON_RATE_ORDERS = 302,
    REASON_SELF_TRADE = 303,
    REASON_BALANCE_INSUFFICIENT = 304,
    REASON_REDUCE_ONLY_VIOLATION = 305,
    REASON_POSITION_MAX = 306,
    REASON_GROSS_EXPOSURE_MAX = 307,
    REASON_MARGIN_INSUFFICIENT = 308,
    REASON_LEVERAGE_MAX = 309,
    REASON_RATE_MESSAGES = 310,
    REASON_DUPLICATE_ORDER = 311,
    REASON_EQUITY_UNKNOWN = 312,
    REASON_NO_LIQUIDITY = 401,
    REASON_POST_ONLY_WOULD_TAKE = 402,
    REASON_FOK_UNFILLABLE = 403,
    REASON_DATA_STALE = 404,
    REASON_PRICE_COLLAR = 405,
    REASON_PRICE_FAR = 406,
    REASON_MARKET_IMPACT = 407,
    REASON_VOLATILITY_PAUSE = 408,
    REASON_ORDER_UNKNOWN = 501,
    REASON_ORDER_FINAL = 502, /* the account half still has it open, the market has not: a report was lost, ask the exchange */
    REASON_ORDER_NO_REUSED = 503,
    REASON_QTY_BELOW_FILLED = 504,
    REASON_FILL_EXCEEDS_ORDER = 505,
    REASON_FILL_PRICE_WORSE = 506,
    REASON_OCO_OTHER_LEG = 507, /* its other leg was filled or triggered, or its bracket was closed */
    REASON_CAPACITY = 601,
    REASON_COMMAND_UNKNOWN = 602,
    REASON_DAILY_LOSS = 701,
    REASON_MAX_DRAWDOWN = 702,
    REASON_PRICE_JUMP = 703,
    REASON_REJECT_STORM = 704,
    REASON_REPEATED_EXECUTION = 705,
    REASON_EXCHANGE_DEGRADED = 706,
    REASON_STOPLOSS_GUARD = 707,
    REASON_COOLDOWN = 708,
};

typedef struct {
    uint8_t op, side, type, tif; /* OP_FILL: type is the liquidity; OP_CLOSE: type is the exec_type */
    uint32_t flags;
    uint32_t account, instrument, spec_version, key; /* key: the API key's id, 0 when none was used */
    uint64_t order_no, strategy;
    int64_t price_ticks, qty_lots, at_ns;
    uint64_t trade_no;          /* OP_FILL: the exchange's; the caller has made sure that it is new */
    uint64_t fee_low, fee_high; /* OP_FILL: the fee the exchange took, 128 bits, in fee_asset; negative: it was given */
    uint64_t fee_asset;         /* 0: none was told, and it is reckoned from the order's own rate in the settle asset */
} core_command;

/* The conditions of the OP_PLACE that follows in the batch; 0 = none of that kind. As a command: op is OP_TERMS. */
typedef struct {
    uint8_t op, pad0[7];
    int64_t stop_ticks;                              /* what triggers; of a trailing stop 0 = from the last trade */
    int64_t trail;                                   /* ticks, or basis points with FLAG_TRAIL_PERCENT */
    int64_t expires_at_ns;                           /* GTD */
    int64_t tp_ticks, sl_stop_ticks, sl_limit_ticks; /* a bracket's children, or the other leg of an OCO; sl_limit 0 = market */
    uint64_t pad[5];
} core_terms;

/* What happened to one order, with the state AFTER it. exec_type and ord_status are FIX 4.4's letters ('D' restated: a
 * trailing stop moved; 'L' triggered); exec_type 'I' with a reason is the refusal of a cancel, an amend or a told event.
 * Stored bytes: this layout is for ever.
 *
 * Most events change one hold and nothing else, so most reports are short: only the head is there, and the fields below
 * it must be neither read nor written. Executions, refusals, triggers and orders with terms are whole (report_is_whole). */
typedef struct {
    uint64_t seq;
    int64_t at_ns;
    uint64_t order_no, strategy;
    uint32_t account, instrument;
    uint8_t exec_type, ord_status, side, type, tif, liquidity;
    uint16_t reason;
    uint32_t flags, spec_version;
    int64_t price_ticks, qty_lots, filled_lots;
    uint32_t command_index;                /* which command of the batch; CORE_NO_COMMAND for an order other than the command's own */
    uint16_t size, layout;                 /* bytes of this report; CORE_REPORT_LAYOUT */
    uint32_t maker_fee_ppm, taker_fee_ppm; /* NEW: what this order keeps for life */
    i128 hold, held;                       /* what the order holds; the whole hold of the balance it holds of */

    /* Whole reports only, from here. NEW and 'D' with FLAG_TERMS: the order's terms lie where an execution has its numbers.
     * 'L': last_ticks triggered it. */
    union {
        int64_t last_ticks, stop_ticks;
    };
    union {
        int64_t last_lots, trail;
    };
    union {
        uint64_t trade_no;
        int64_t expires_at_ns;
    };
    union {
        uint64_t fee_asset; /* what last_fee was taken in, when an exchange told it and it is not the settle asset */
        uint64_t key;       /* NEW with FLAG_KEYED */
    };
    union {
        i128 cum_cost;
        struct {
            int64_t tp_ticks, sl_stop_ticks;
        };
    };
    union {
        i128 last_fee;
        int64_t sl_limit_ticks;
    };
    i128 base_total, base_hold, quote_total, quote_hold;
    union {
        struct {
            i128 pos_qty, pos_cost, pos_realised, pos_fees;
        };
        struct {
            i128 limit, value; /* refused: the limit and what was asked */
        };
    };
} core_report;

#define CORE_REPORT_LAYOUT 2u /* 1 was always whole, 320 bytes in another order; reports of it are refused */
#define CORE_REPORT_HEAD 128u

/* One public print. seq counts prints of this process; a gap means that the tape was not drained in time. */
typedef struct {
    uint64_t trade_no;
    int64_t at_ns;
    uint64_t taker_order_no, maker_order_no;
    uint32_t instrument;
    uint8_t side, pad[3]; /* the taker's */
    int64_t price_ticks, qty_lots;
    uint32_t taker_flags, maker_flags;
    uint64_t seq;
} core_tape;

_Static_assert(sizeof(core_command) == 96, "packed command");
_Static_assert(sizeof(core_terms) == 96, "as long as a command");
_Static_assert(sizeof(core_report) == 320 && offsetof(core_report, last_ticks) == CORE_REPORT_HEAD, "packed report");
_Static_assert(sizeof(core_tape) == 72, "packed tape record");

typedef struct core core;

typedef struct {
    uint32_t exchange, spec_version, base_asset, quote_asset;
    i128 base_unit;                     /* what a position counts of one lot: base; of an inverse contract its value in quote */
    i128 quote_unit;                    /* quote amount of one tick times one lot; of an inverse contract the price of one tick */
    int64_t qty_min_lots, qty_max_lots; /* max 0 = none */
    i128 notional_min;
    uint32_t status, maker_fee_ppm, taker_fee_ppm;
    uint32_t kind, settle_asset; /* settle_asset 0: the quote of spot and linear, the base of inverse; there is no other */
    int64_t stale_after_ns;      /* its mark is good for so long; 0 = for ever */
} core_instrument_spec;

typedef struct {
    uint32_t owner, exchange;
    uint32_t reporting_asset; /* what its worth is counted in; 0: its equity is never known */
    uint32_t margin;          /* 0: cash. Else the most leverage in basis points: it may borrow, and trade contracts */
} core_account_spec;

/* Every limit, by name; 0 = none of that kind. bp: basis points, _s: seconds. At ACCOUNT scope, limits never set refuse
 * everything. message_: new orders, amends and cancels, whose last 30 % are for cancels. self_trade: 0 allowed, 1 reject
 * newest, 2 cancel oldest. position_ and gross_ are worst cases in one instrument and over all, as bp of equity or as an
 * amount of the account's reporting asset. orders/limits.py says what each means and where it may be set. */
/* clang-format off */
#define CORE_LIMIT_COUNTS(X) \
    X(open_orders_max) X(open_orders_instrument_max) X(rate_per_second) X(rate_burst) X(message_per_second) X(message_burst) \
    X(self_trade) X(duplicate_ms) X(collar_bp) X(far_bp) X(impact_bp) X(volatility_bp) X(volatility_window_s) \
    X(volatility_pause_s) X(position_bp) X(gross_bp) X(leverage_bp) X(daily_loss_bp) X(drawdown_bp) X(price_jump_bp) \
    X(executions_max) X(executions_window_s) X(rejects_max) X(rejects_window_s) X(unknown_max) X(unknown_window_s) \
    X(errors_bp) X(errors_window_s) X(stop_outs_max) X(stop_outs_window_s) X(stop_outs_pause_s) X(cooldown_s)
#define CORE_LIMIT_AMOUNTS(X) X(notional_max) X(quantity_max) X(position_max) X(gross_max)
/* clang-format on */

typedef struct {
#define CORE_LIMIT_FIELD(name) i128 name;
    CORE_LIMIT_AMOUNTS(CORE_LIMIT_FIELD)
#undef CORE_LIMIT_FIELD
#define CORE_LIMIT_FIELD(name) uint32_t name;
    CORE_LIMIT_COUNTS(CORE_LIMIT_FIELD)
#undef CORE_LIMIT_FIELD
} core_limits;

/* One control's answer to a check. Not bounded: there is no such limit, or nothing it could be measured by was asked. */
typedef struct {
    uint16_t reason;
    bool ok, bounded;
    i128 limit, value, room;
} core_verdict;
#define CORE_VERDICTS_MAX 64

/* A scope was stopped (or a lock of time ended) by the core itself; the caller makes it a row. until 0 = until a person. */
typedef struct {
    int64_t at_ns, until_ns;
    uint64_t key;
    uint32_t scope;
    uint16_t reason;
    uint8_t state, pad0;
    i128 limit, value;
} core_trip;

_Static_assert(sizeof(core_trip) == 64, "packed trip");

typedef struct {
    uint64_t orders_open, orders_market, commands, reports, checks, trades, quantity, trade_hash, memory_bytes, tape_lost;
} core_counters;

/* Life. create returns NULL when memory fails. max_orders bounds orders of both halves, ring_capacity undrained reports. */
core *core_create(uint32_t max_orders, uint32_t ring_capacity);
void core_destroy(core *c);
/* NULL, or why this core must not be used any more (an invariant broke in the middle of a command). */
const char *core_broken(const core *c);
const char *core_reason_name(unsigned reason); /* NULL for a number without a name */

/* The world. Each returns NULL, or the sentence why not; then nothing has changed. */
const char *core_set_instrument(core *c, uint32_t instrument, const core_instrument_spec *spec);
const char *core_set_account(core *c, uint32_t account, const core_account_spec *spec);
const char *core_set_limits(core *c, unsigned scope, uint64_t key, const core_limits *limits);
const char *core_clear_limits(core *c, unsigned scope, uint64_t key); /* as if never set; of an account: everything is refused */
const char *core_set_halt(core *c, unsigned scope, uint64_t key, unsigned state);
const char *core_stop(core *c, const core_trip *t); /* a halt with the reason, numbers and end a trip gave it */
const char *core_set_gates(core *c, unsigned scope, uint64_t key, uint32_t closed); /* of an account or an exchange */
/* Mirrored markets that went quiet only reduce until they are heard again; a caller asks now and then. */
void core_watch(core *c, int64_t at_ns);
/* How a request of an account to an exchange ended; for EXCHANGE_DEGRADED. */
const char *core_outcome(core *c, uint32_t account, uint32_t exchange, unsigned outcome, int64_t at_ns);
/* A flow is money that comes or goes (a deposit): no profit. What is none (funding) is profit or loss. */
const char *core_post(core *c, uint32_t account, uint32_t asset, i128 amount, bool flow, i128 *total);
const char *core_reset_account(core *c, uint32_t account);
/* A position that another core held until now; the account has none there. qty, cost, realised, fees. */
const char *core_take_position(core *c, uint32_t account, uint32_t instrument, uint64_t strategy, const i128 held[4]);
/* Where an instrument's market is: here, or elsewhere and told in blocks. front_ppm: how much of what is canceled at a
 * price stood in front of an order of ours (the rest behind it). Orders that would now meet each other are canceled. */
const char *core_set_mirror(core *c, uint32_t instrument, bool on, uint32_t front_ppm, int64_t at_ns);

/* Worth (value.c). Marks and rates are ratios, num / den, good for their stale_after beside the newest time told. A spot
 * instrument's mark is a rate too. Their coming changes nothing until core_revalue, which values every account. */
typedef struct {
    bool known, day_known, peak_known; /* each of the amounts below means something only when it is known */
    i128 equity, day_open, peak;       /* now, at the start of the day, the highest; the peak goes up with deposits */
    i128 flows;                        /* money that came in since the start of the day, less what went */
    int64_t at_ns;                     /* the newest time told */
} core_equity_view;
const char *core_set_bridges(core *c, const uint32_t assets[CORE_BRIDGES]); /* what a conversion may go through; 0 = none */
const char *core_mark(core *c, uint32_t instrument, int64_t num, int64_t den, int64_t at_ns); /* ticks */
const char *core_rate(core *c, uint32_t asset, uint32_t into, uint32_t source, i128 num, i128 den, int64_t at_ns, int64_t stale_after_ns);
void core_revalue(core *c, int64_t at_ns);
void core_day_open(core *c, int64_t day_start_ns);
bool core_equity(const core *c, uint32_t account, core_equity_view *out); /* false: no such account */
void core_valued(const core *c, int64_t *at_ns, int64_t *day_start_ns);   /* the newest time told, the day that was opened */
bool core_convert(const core *c, uint32_t account, uint32_t asset, uint32_t into, i128 amount, i128 *out);

/* Commands. Each returns a reason, 0 when taken; its reports wait in the ring. O(1) plus O(1) per order met. */
unsigned core_place(core *c, const core_command *m, uint64_t index);
unsigned core_place_with(core *c, const core_command *m, const core_terms *terms, uint64_t index);
unsigned core_cancel(core *c, const core_command *m, uint64_t index);
unsigned core_sweep(core *c, const core_command *m, uint64_t index); /* CAPACITY: drain and call again, it is not over */
unsigned core_at(core *c, int64_t at_ns);                            /* time has come so far; CAPACITY as above */
unsigned core_amend(core *c, const core_command *m, uint64_t index);
unsigned core_told(core *c, const core_command *m, uint64_t index); /* OP_FILL, OP_CLOSE */
/* Runs commands until done or until the ring wants draining; returns how many ran. */
size_t core_process(core *c, const core_command *commands, size_t count, uint64_t first_index);
bool core_idle(const core *c); /* false: triggered orders wait for the ring to be drained and core_process to be called */

/* Market records of 40 bytes (marketdata/blocks.py) for mirrored instruments; others are passed over. Returns how many were
 * taken: fewer when the ring wants draining first. None, too, when what waits must be filled first. 0 records: let go of what
 * has waited long enough. */
size_t core_market(core *c, const uint8_t *block, size_t records, int64_t now_ns);
/* Whether a place would be taken now: every control's verdict, in the order of risk.c; how many. Changes nothing. */
size_t core_check(core *c, const core_command *m, const core_terms *terms, core_verdict *out);

/* Draining. The pointer is good until the next command; the answer is bytes, core_report_next() goes from one to the next. */
size_t core_reports(const core *c, const core_report **first);
/* Spares a copy: reports are written to that memory (aligned to 16) as long as they fit, then to the ring as ever. Only while
 * the ring is empty, and nothing but commands until it is taken back, which says how many bytes were written. */
void core_lend(core *c, uint8_t *memory, size_t bytes);
size_t core_take_back(core *c);
static inline const core_report *core_report_next(const core_report *r)
{
    return (const core_report *)(const void *)((const uint8_t *)r + r->size);
}
void core_reports_clear(core *c);
size_t core_tape_take(core *c, core_tape *out, size_t room); /* oldest first; returns how many */
size_t core_tape_count(const core *c);
size_t core_trips_take(core *c, core_trip *out, size_t room); /* oldest first; returns how many */

/* Recovery. */
const char *core_apply(core *c, const uint8_t *reports, size_t bytes); /* wherever they lie */
const char *core_rebuild_books(core *c, size_t *placed);
void core_advance_trade_no(core *c, uint64_t trade_no);
size_t core_checkpoint_size(const core *c);
void core_checkpoint(const core *c, uint8_t *out);                    /* exactly core_checkpoint_size bytes */
const char *core_restore(core *c, const uint8_t *state, size_t size); /* onto a fresh core */
uint64_t core_hash(const core *c);
core *core_fork(const core *c);   /* for "what if": both halves as they are, ring and tape empty; NULL when memory fails */
const char *core_verify(core *c); /* NULL, or the first invariant that does not hold; O(everything) */
void core_fail_at_report(core *c, uint64_t nth, bool kills);

/* Looking. bool answers: whether there is such a thing. */
typedef struct {
    int64_t price_ticks, qty_lots;
} core_quote;
typedef struct {
    i128 qty, cost, realised, fees;
    uint64_t strategy;
    uint32_t instrument;
} core_position_view;
bool core_best(const core *c, uint32_t instrument, unsigned side, core_quote *out);
size_t core_depth(const core *c, uint32_t instrument, unsigned side, core_quote *out, size_t levels);
bool core_cost_to_fill(const core *c, uint32_t instrument, unsigned side, int64_t lots, int64_t *filled, i128 *cost);
bool core_order_view(const core *c, uint64_t order_no, core_report *out);             /* account half */
bool core_market_view(const core *c, uint64_t order_no, core_report *out);            /* book; qty_lots = remaining */
uint32_t core_market_flags(const core *c, uint64_t order_no);                         /* 0 when it stands in no book */
size_t core_open_orders(const core *c, uint32_t account, uint64_t *out, size_t room); /* newest first; how many there are */
bool core_balance(const core *c, uint32_t account, uint32_t asset, i128 *total, i128 *hold);
bool core_account_position(const core *c, uint32_t account, uint32_t instrument, core_position_view *out); /* all strategies */
bool core_position(const core *c, uint32_t account, uint32_t instrument, uint64_t strategy, core_position_view *out);
size_t core_positions(const core *c, uint32_t account, core_position_view *out, size_t room);
void core_stats(const core *c, core_counters *out);
typedef struct {
    uint64_t seq, gaps;
    int64_t heard_ns, clock_ns;
    uint32_t state, held, levels, orders, front_ppm; /* state: 0 lost, 1 whole */
} core_mirror_view;
bool core_mirror_look(const core *c, uint32_t instrument, core_mirror_view *out); /* false: its market is here */
/* The queues of resting orders: every known one, how many; and one of an earlier process, of use when it is the same. */
typedef struct {
    uint64_t order_no, arrival;
    int64_t ahead;
} core_queue_view;
size_t core_queues(const core *c, core_queue_view *out, size_t room);
bool core_set_queue(core *c, const core_queue_view *saved);

#endif

/* The only file that knows Python: arguments in, objects out. No decision about orders is made here, and no Python runs
 * while a book is half changed. While process() runs without the GIL, every other call on the same Core is refused. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <time.h>

#include "core.h"
#include "histogram.h"

typedef struct {
    PyObject *error, *core_type;
} module_state;
typedef struct {
    PyObject_HEAD core *core;
    PyObject *error; /* CoreError, borrowed from nobody */
    bool busy;
    histogram *stages;    /* how long calls took, by enum stage */
    uint32_t every, left; /* one call of so many is measured (0: none), and how many are left until the next */
} CoreObject;

/* ---- numbers ---- */

static PyObject *int_from_i128(i128 x)
{
    if (x >= INT64_MIN && x <= INT64_MAX) return PyLong_FromLongLong((long long)x);
    PyObject *high = PyLong_FromLongLong((long long)(x >> 64)), *low = PyLong_FromUnsignedLongLong((unsigned long long)x);
    PyObject *by = PyLong_FromLong(64), *shifted = high && by ? PyNumber_Lshift(high, by) : NULL;
    PyObject *whole = shifted && low ? PyNumber_Or(shifted, low) : NULL;
    Py_XDECREF(high);
    Py_XDECREF(low);
    Py_XDECREF(by);
    Py_XDECREF(shifted);
    return whole;
}

static bool i128_from_int(PyObject *o, i128 *out)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow) {
        *out = small;
        return !(small == -1 && PyErr_Occurred());
    }
    uint64_t low = PyLong_AsUnsignedLongLongMask(o);
    PyObject *by = PyLong_FromLong(64), *shifted = by ? PyNumber_Rshift(o, by) : NULL;
    Py_XDECREF(by);
    if (shifted == NULL) return false;
    long long high = PyLong_AsLongLongAndOverflow(shifted, &overflow);
    Py_DECREF(shifted);
    if (overflow) {
        PyErr_SetString(PyExc_OverflowError, "an amount must fit 128 bits");
        return false;
    }
    *out = (i128)(((u128)(uint64_t)high << 64) | low);
    return true;
}

static int convert_i128(PyObject *o, void *out) { return i128_from_int(o, out); }

/* Most arguments are of one digit: read in place, it costs a fifth of a call into Python's own conversion. */
static inline bool one_digit(PyObject *o, int64_t *out)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyLong_CheckExact(o) || !PyUnstable_Long_IsCompact((PyLongObject *)o)) return false;
    *out = PyUnstable_Long_CompactValue((PyLongObject *)o);
#else
    if (!PyLong_CheckExact(o) || Py_SIZE(o) < -1 || Py_SIZE(o) > 1) return false;
    *out = Py_SIZE(o) * (int64_t)((PyLongObject *)o)->ob_digit[0];
#endif
    return true;
}

static bool u32_from(PyObject *o, uint32_t *out)
{
    int64_t small;
    if (one_digit(o, &small) && small >= 0 && small <= UINT32_MAX) {
        *out = (uint32_t)small;
        return true;
    }
    unsigned long long x = PyLong_AsUnsignedLongLong(o);
    if (x == (unsigned long long)-1 && PyErr_Occurred()) return false;
    if (x > UINT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a number must fit 32 bits");
        return false;
    }
    *out = (uint32_t)x;
    return true;
}

static int convert_u32(PyObject *o, void *out) { return u32_from(o, out); }

static bool u8_from(PyObject *o, uint8_t *out)
{
    uint32_t x;
    if (!u32_from(o, &x)) return false;
    *out = x > UINT8_MAX ? UINT8_MAX : (uint8_t)x; /* no code is that large: the core refuses it with a reason */
    return true;
}

static bool u64_from(PyObject *o, uint64_t *out)
{
    int64_t small;
    if (one_digit(o, &small) && small >= 0) {
        *out = (uint64_t)small;
        return true;
    }
    *out = PyLong_AsUnsignedLongLong(o);
    return !(*out == UINT64_MAX && PyErr_Occurred());
}

static int convert_u64(PyObject *o, void *out) { return u64_from(o, out); }

static bool i64_from(PyObject *o, int64_t *out)
{
    if (one_digit(o, out)) return true;
    *out = PyLong_AsLongLong(o);
    return !(*out == -1 && PyErr_Occurred());
}

/* ---- guards ---- */

static bool enter(CoreObject *self)
{
    if (self->busy)
        PyErr_SetString(self->error, "the core is running another call");
    else if (core_broken(self->core))
        PyErr_Format(self->error, "the core has stopped: %s", core_broken(self->core));
    else
        return true;
    return false;
}

static bool counted(Py_ssize_t given, Py_ssize_t wanted)
{
    if (given == wanted) return true;
    PyErr_Format(PyExc_TypeError, "%zd arguments expected, %zd were given", wanted, given);
    return false;
}

static PyObject *answered(CoreObject *self, const char *why)
{
    if (why == NULL) Py_RETURN_NONE;
    PyErr_SetString(self->error, why);
    return NULL;
}

static PyObject *reasoned(CoreObject *self, unsigned reason) { return enter(self) ? PyLong_FromLong(reason) : NULL; }

/* ---- how long things take ---- */

/* The binding holds the clock, the core has none. Two readings of it cost more than many a call, so single calls are
 * measured now and then; batches and what is rare, always. */
enum stage { STAGE_PLACE, STAGE_CANCEL, STAGE_AMEND, STAGE_BATCH, STAGE_COMMAND, STAGE_MARKET, STAGE_APPLY, STAGE_CHECKPOINT, STAGES };
static const char *const STAGE_NAMES[STAGES] = {"place", "cancel", "amend", "batch", "command", "market", "apply", "checkpoint"};
#define CALLS_A_MEASURE 64u

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t measure_call(CoreObject *self) /* 0: not this one */
{
    if (__builtin_expect(--self->left != 0, 1)) return 0;
    self->left = self->every;
    return self->every ? clock_ns() : 0;
}

static inline void measured(CoreObject *self, enum stage stage, uint64_t since)
{
    if (__builtin_expect(since != 0, 0)) histogram_record(&self->stages[stage], clock_ns() - since);
}

static bool is_stage(PyObject *o, uint32_t *stage)
{
    if (!u32_from(o, stage)) return false;
    if (*stage < STAGES) return true;
    PyErr_SetString(PyExc_ValueError, "there is no such stage");
    return false;
}

/* Packed counts, to be added to others or read; they say nothing of which core they came from. */
static bool histogram_from(PyObject *packed, histogram *h)
{
    Py_buffer view;
    if (PyObject_GetBuffer(packed, &view, PyBUF_SIMPLE) < 0) return false;
    bool whole = view.len == sizeof *h;
    if (whole) memcpy(h, view.buf, sizeof *h);
    PyBuffer_Release(&view);
    if (!whole) PyErr_SetString(PyExc_ValueError, "not the packed counts of a histogram");
    return whole;
}

static PyObject *Core_histogram(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t stage;
    histogram sum = {0};
    if (!(n == 2 || counted(n, 1)) || !is_stage(a[0], &stage) || (n == 2 && !histogram_from(a[1], &sum))) return NULL;
    histogram_merge(&sum, &self->stages[stage]);
    return PyBytes_FromStringAndSize((const char *)&sum, sizeof sum);
}

static PyObject *Core_record(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t stage;
    uint64_t ns;
    if (!counted(n, 2) || !is_stage(a[0], &stage) || !u64_from(a[1], &ns)) return NULL;
    histogram_record(&self->stages[stage], ns);
    Py_RETURN_NONE;
}

static PyObject *Core_measure_calls(CoreObject *self, PyObject *every)
{
    if (!u32_from(every, &self->every)) return NULL;
    self->left = self->every;
    Py_RETURN_NONE;
}

static PyObject *histogram_read(PyObject *module, PyObject *packed)
{
    (void)module;
    histogram h;
    if (!histogram_from(packed, &h)) return NULL;
    return Py_BuildValue("{sKsKsKsKsKsKsK}", "count", (unsigned long long)h.count, "total_ns", (unsigned long long)h.total, "most_ns",
                         (unsigned long long)h.most, "p50_ns", (unsigned long long)histogram_at(&h, 5000), "p90_ns",
                         (unsigned long long)histogram_at(&h, 9000), "p99_ns", (unsigned long long)histogram_at(&h, 9900), "p999_ns",
                         (unsigned long long)histogram_at(&h, 9990));
}

static bool add_stages(PyObject *module)
{
    PyObject *names = PyDict_New();
    bool ok = names != NULL;
    for (unsigned stage = 0; ok && stage < STAGES; stage++) {
        PyObject *value = PyLong_FromLong(stage);
        ok = value && PyDict_SetItemString(names, STAGE_NAMES[stage], value) == 0;
        Py_XDECREF(value);
    }
    ok = ok && PyModule_AddObjectRef(module, "STAGES", names) == 0;
    Py_XDECREF(names);
    return ok;
}

/* ---- life ---- */

static PyObject *Core_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"max_orders", "ring_capacity", NULL};
    uint32_t max_orders = 1u << 20, ring_capacity = 1u << 16;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O&O&:Core", names, convert_u32, &max_orders, convert_u32, &ring_capacity))
        return NULL;
    if (max_orders == 0 || max_orders > 1u << 28 || ring_capacity < 8 || ring_capacity > 1u << 26) {
        PyErr_SetString(PyExc_ValueError, "max_orders must be from 1 to 2^28, ring_capacity from 8 to 2^26");
        return NULL;
    }
    module_state *state = PyType_GetModuleState(type);
    if (state == NULL) return NULL;
    CoreObject *self = (CoreObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->error = Py_NewRef(state->error);
    self->every = self->left = CALLS_A_MEASURE;
    self->stages = PyMem_Calloc(STAGES, sizeof *self->stages);
    self->core = self->stages ? core_create(max_orders, ring_capacity) : NULL;
    if (self->core != NULL) return (PyObject *)self;
    Py_DECREF(self);
    return PyErr_NoMemory();
}

static void Core_dealloc(CoreObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->core != NULL) core_destroy(self->core);
    Py_XDECREF(self->error);
    PyMem_Free(self->stages);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- the world ---- */

static PyObject *Core_set_instrument(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"instrument",
                            "exchange",
                            "spec_version",
                            "base_asset",
                            "quote_asset",
                            "base_unit",
                            "quote_unit",
                            "quantity_min_lots",
                            "quantity_max_lots",
                            "notional_min",
                            "status",
                            "maker_fee_ppm",
                            "taker_fee_ppm",
                            "kind",
                            "settle_asset",
                            "stale_after_ns",
                            NULL};
    uint32_t id;
    core_instrument_spec s = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&O&O&O&O&LLO&O&O&O&|$O&O&L:set_instrument", names, convert_u32, &id, convert_u32,
                                     &s.exchange, convert_u32, &s.spec_version, convert_u32, &s.base_asset, convert_u32, &s.quote_asset,
                                     convert_i128, &s.base_unit, convert_i128, &s.quote_unit, &s.qty_min_lots, &s.qty_max_lots,
                                     convert_i128, &s.notional_min, convert_u32, &s.status, convert_u32, &s.maker_fee_ppm, convert_u32,
                                     &s.taker_fee_ppm, convert_u32, &s.kind, convert_u32, &s.settle_asset, &s.stale_after_ns))
        return NULL;
    return enter(self) ? answered(self, core_set_instrument(self->core, id, &s)) : NULL;
}

static PyObject *Core_set_account(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"account", "owner", "exchange", "reporting_asset", "margin", NULL};
    uint32_t account;
    core_account_spec s = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&|$O&O&O&:set_account", names, convert_u32, &account, convert_u32, &s.owner,
                                     convert_u32, &s.exchange, convert_u32, &s.reporting_asset, convert_u32, &s.margin))
        return NULL;
    return enter(self) ? answered(self, core_set_account(self->core, account, &s)) : NULL;
}

static const struct {
    const char *name;
    size_t at;
    bool amount;
} LIMITS[] = {
#define NAMED(name) {#name, offsetof(core_limits, name), false},
    CORE_LIMIT_COUNTS(NAMED)
#undef NAMED
#define NAMED(name) {#name, offsetof(core_limits, name), true},
        CORE_LIMIT_AMOUNTS(NAMED)
#undef NAMED
};

static bool limit_from(core_limits *l, PyObject *name, PyObject *value)
{
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        if (PyUnicode_CompareWithASCIIString(name, LIMITS[i].name) != 0) continue;
        void *at = (char *)l + LIMITS[i].at;
        return LIMITS[i].amount ? i128_from_int(value, at) : u32_from(value, at);
    }
    PyErr_Format(PyExc_TypeError, "there is no limit %U", name);
    return false;
}

static PyObject *Core_set_limits(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    uint32_t scope;
    uint64_t key;
    core_limits l = {0};
    PyObject *name, *value;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(args, "O&O&:set_limits", convert_u32, &scope, convert_u64, &key)) return NULL;
    while (kwargs != NULL && PyDict_Next(kwargs, &at, &name, &value))
        if (!limit_from(&l, name, value)) return NULL;
    return enter(self) ? answered(self, core_set_limits(self->core, scope, key, &l)) : NULL;
}

static PyObject *Core_clear_limits(CoreObject *self, PyObject *args)
{
    uint32_t scope;
    uint64_t key;
    if (!PyArg_ParseTuple(args, "O&O&:clear_limits", convert_u32, &scope, convert_u64, &key)) return NULL;
    return enter(self) ? answered(self, core_clear_limits(self->core, scope, key)) : NULL;
}

static PyObject *Core_set_halt(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"scope", "key", "state", "reason", "until_ns", "limit", "value", NULL};
    core_trip t = {0};
    uint32_t state, reason = 0;
    long long until = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&|O&LO&O&:set_halt", names, convert_u32, &t.scope, convert_u64, &t.key,
                                     convert_u32, &state, convert_u32, &reason, &until, convert_i128, &t.limit, convert_i128, &t.value))
        return NULL;
    t.state = state > UINT8_MAX ? UINT8_MAX : (uint8_t)state;
    t.reason = (uint16_t)reason;
    t.until_ns = until;
    return enter(self) ? answered(self, core_stop(self->core, &t)) : NULL;
}

static PyObject *Core_set_gates(CoreObject *self, PyObject *args)
{
    uint32_t scope, closed;
    uint64_t key;
    if (!PyArg_ParseTuple(args, "O&O&O&:set_gates", convert_u32, &scope, convert_u64, &key, convert_u32, &closed)) return NULL;
    return enter(self) ? answered(self, core_set_gates(self->core, scope, key, closed)) : NULL;
}

static PyObject *Core_outcome(CoreObject *self, PyObject *args)
{
    uint32_t account, exchange, outcome;
    long long at_ns;
    if (!PyArg_ParseTuple(args, "O&O&O&L:outcome", convert_u32, &account, convert_u32, &exchange, convert_u32, &outcome, &at_ns))
        return NULL;
    return enter(self) ? answered(self, core_outcome(self->core, account, exchange, outcome, at_ns)) : NULL;
}

static PyObject *Core_watch(CoreObject *self, PyObject *at_ns)
{
    int64_t at;
    if (!i64_from(at_ns, &at) || !enter(self)) return NULL;
    core_watch(self->core, at);
    Py_RETURN_NONE;
}

static PyObject *Core_trips(CoreObject *self, PyObject *unused)
{
    (void)unused;
    core_trip trips[16];
    if (!enter(self)) return NULL;
    size_t count = core_trips_take(self->core, trips, sizeof trips / sizeof *trips);
    return PyBytes_FromStringAndSize((const char *)trips, (Py_ssize_t)(count * sizeof *trips));
}

static PyObject *Core_post(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"account", "asset", "amount", "flow", NULL};
    uint32_t account, asset;
    i128 amount, total;
    int flow = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&|$p:post", names, convert_u32, &account, convert_u32, &asset, convert_i128,
                                     &amount, &flow))
        return NULL;
    if (!enter(self)) return NULL;
    const char *why = core_post(self->core, account, asset, amount, flow, &total);
    return why ? answered(self, why) : int_from_i128(total);
}

static PyObject *Core_reset_account(CoreObject *self, PyObject *account)
{
    uint32_t id;
    return u32_from(account, &id) && enter(self) ? answered(self, core_reset_account(self->core, id)) : NULL;
}

/* ---- worth ---- */

static PyObject *Core_set_bridges(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t assets[CORE_BRIDGES];
    if (!counted(n, CORE_BRIDGES) || !u32_from(a[0], &assets[0]) || !u32_from(a[1], &assets[1]) || !u32_from(a[2], &assets[2])) return NULL;
    return enter(self) ? answered(self, core_set_bridges(self->core, assets)) : NULL;
}

static PyObject *Core_mark(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"instrument", "ticks", "at_ns", "den", NULL};
    uint32_t instrument;
    long long ticks, at_ns, den = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&LL|$L:mark", names, convert_u32, &instrument, &ticks, &at_ns, &den)) return NULL;
    if (!enter(self)) return NULL;
    const char *why = core_mark(self->core, instrument, ticks, den, at_ns);
    if (why == NULL) core_revalue(self->core, at_ns);
    return answered(self, why);
}

static PyObject *Core_rate(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"asset", "into_asset", "num", "den", "at_ns", "source", "stale_after_ns", NULL};
    uint32_t asset, into, source = 0;
    i128 num, den;
    long long at_ns, stale_after_ns = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&O&O&L|$O&L:rate", names, convert_u32, &asset, convert_u32, &into, convert_i128,
                                     &num, convert_i128, &den, &at_ns, convert_u32, &source, &stale_after_ns) ||
        !enter(self))
        return NULL;
    const char *why = core_rate(self->core, asset, into, source, num, den, at_ns, stale_after_ns);
    if (why == NULL) core_revalue(self->core, at_ns);
    return answered(self, why);
}

/* Rows of (instrument, ticks, den), all of one time; then every account is valued once. */
static PyObject *Core_marks(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    int64_t at_ns;
    if (!counted(n, 2) || !i64_from(a[0], &at_ns) || !enter(self)) return NULL;
    PyObject *rows = PySequence_Fast(a[1], "marks must be a list of (instrument, ticks, den)");
    const char *why = NULL;
    for (Py_ssize_t i = 0; rows != NULL && why == NULL && i < PySequence_Fast_GET_SIZE(rows); i++) {
        PyObject *row = PySequence_Fast(PySequence_Fast_GET_ITEM(rows, i), "a mark must be (instrument, ticks, den)");
        uint32_t instrument = 0;
        int64_t ticks = 0, den = 0;
        bool read = row != NULL && counted(PySequence_Fast_GET_SIZE(row), 3) && u32_from(PySequence_Fast_GET_ITEM(row, 0), &instrument) &&
                    i64_from(PySequence_Fast_GET_ITEM(row, 1), &ticks) && i64_from(PySequence_Fast_GET_ITEM(row, 2), &den);
        Py_XDECREF(row);
        if (read)
            why = core_mark(self->core, instrument, ticks, den, at_ns);
        else
            Py_CLEAR(rows);
    }
    if (rows == NULL) return NULL;
    Py_DECREF(rows);
    if (why == NULL) core_revalue(self->core, at_ns);
    return answered(self, why);
}

static PyObject *Core_day_open(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    int64_t day_start_ns;
    /* whether it was opened late, and with what, is for the journal's reader, not for the core */
    if (((n < 1 || n > 3) && !counted(n, 1)) || !i64_from(a[0], &day_start_ns) || !enter(self)) return NULL;
    core_day_open(self->core, day_start_ns);
    Py_RETURN_NONE;
}

static PyObject *known_or_none(bool known, i128 amount) { return known ? int_from_i128(amount) : Py_NewRef(Py_None); }

static PyObject *Core_equity(CoreObject *self, PyObject *account)
{
    uint32_t id;
    core_equity_view v;
    if (!u32_from(account, &id) || !enter(self)) return NULL;
    if (!core_equity(self->core, id, &v)) return answered(self, "the equity of an account that was never set");
    return Py_BuildValue("NNNNN", PyBool_FromLong(v.known), known_or_none(v.known, v.equity), known_or_none(v.day_known, v.day_open),
                         known_or_none(v.peak_known, v.peak), int_from_i128(v.flows));
}

static PyObject *Core_valued(CoreObject *self, PyObject *unused)
{
    (void)unused;
    int64_t at_ns, day_start_ns;
    if (!enter(self)) return NULL;
    core_valued(self->core, &at_ns, &day_start_ns);
    return Py_BuildValue("LL", (long long)at_ns, (long long)day_start_ns);
}

static PyObject *Core_convert(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, asset, into;
    i128 amount, out = 0;
    if (!counted(n, 4) || !u32_from(a[0], &account) || !u32_from(a[1], &asset) || !u32_from(a[2], &into) || !i128_from_int(a[3], &amount) ||
        !enter(self))
        return NULL;
    bool known = core_convert(self->core, account, asset, into, amount, &out);
    return known_or_none(known, out);
}

/* ---- orders ---- */

static bool place_from(PyObject *const *a, core_command *m)
{
    return i64_from(a[0], &m->at_ns) && u64_from(a[1], &m->order_no) && u32_from(a[2], &m->account) && u32_from(a[3], &m->instrument) &&
           u32_from(a[4], &m->spec_version) && u8_from(a[5], &m->side) && u8_from(a[6], &m->type) && u8_from(a[7], &m->tif) &&
           u32_from(a[8], &m->flags) && u64_from(a[9], &m->strategy) && i64_from(a[10], &m->price_ticks) && i64_from(a[11], &m->qty_lots);
}

static PyObject *Core_place(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_PLACE};
    if (!(n == 13 || counted(n, 12)) || !place_from(a, &m) || (n == 13 && !u32_from(a[12], &m.key)) || !enter(self)) return NULL;
    uint64_t since = measure_call(self);
    unsigned reason = core_place(self->core, &m, 0);
    measured(self, STAGE_PLACE, since);
    return reasoned(self, reason);
}

static bool terms_from(PyObject *const *a, core_terms *t)
{
    int64_t *terms[] = {&t->stop_ticks, &t->trail, &t->expires_at_ns, &t->tp_ticks, &t->sl_stop_ticks, &t->sl_limit_ticks};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        if (!i64_from(a[i], terms[i])) return false;
    return true;
}

static PyObject *Core_place_with(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_PLACE};
    core_terms t = {.op = OP_TERMS};
    if (!counted(n, 19) || !place_from(a, &m) || !u32_from(a[12], &m.key) || !terms_from(a + 13, &t)) return NULL;
    return enter(self) ? reasoned(self, core_place_with(self->core, &m, &t, 0)) : NULL;
}

static PyObject *verdict(const core_verdict *v)
{
    if (!v->bounded) return Py_BuildValue("iOOOO", (int)v->reason, v->ok ? Py_True : Py_False, Py_None, Py_None, Py_None);
    return Py_BuildValue("iONNN", (int)v->reason, v->ok ? Py_True : Py_False, int_from_i128(v->limit), int_from_i128(v->value),
                         int_from_i128(v->room));
}

static PyObject *Core_check(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_PLACE};
    core_terms t = {.op = OP_TERMS};
    core_verdict v[CORE_VERDICTS_MAX];
    if (!(n == 13 || n == 19 || counted(n, 12)) || !place_from(a, &m) || (n >= 13 && !u32_from(a[12], &m.key))) return NULL;
    if ((n == 19 && !terms_from(a + 13, &t)) || !enter(self)) return NULL;
    size_t count = core_check(self->core, &m, &t, v);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *row = verdict(&v[i]);
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

/* The caller names an order by number alone, so it is told apart here whether it is an agent's. */
static uint32_t agent_flag(const core *c, uint64_t order_no) { return core_market_flags(c, order_no) & FLAG_AGENT; }

static PyObject *Core_sweep(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_SWEEP};
    if (!(n == 6 || counted(n, 5)) || !i64_from(a[0], &m.at_ns) || !u32_from(a[1], &m.account) || !u32_from(a[2], &m.instrument) ||
        !u64_from(a[3], &m.strategy) || !u8_from(a[4], &m.side) || (n == 6 && !u64_from(a[5], &m.order_no)) || !enter(self))
        return NULL;
    return reasoned(self, core_sweep(self->core, &m, 0));
}

static PyObject *Core_time(CoreObject *self, PyObject *at_ns)
{
    int64_t at;
    return i64_from(at_ns, &at) && enter(self) ? reasoned(self, core_at(self->core, at)) : NULL;
}

static PyObject *Core_cancel(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_CANCEL};
    if (!counted(n, 2) || !i64_from(a[0], &m.at_ns) || !u64_from(a[1], &m.order_no) || !enter(self)) return NULL;
    m.flags = agent_flag(self->core, m.order_no);
    uint64_t since = measure_call(self);
    unsigned reason = core_cancel(self->core, &m, 0);
    measured(self, STAGE_CANCEL, since);
    return reasoned(self, reason);
}

static PyObject *Core_amend(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_command m = {.op = OP_AMEND};
    if (!counted(n, 5) || !i64_from(a[0], &m.at_ns) || !u64_from(a[1], &m.order_no) || !u32_from(a[2], &m.flags) ||
        !i64_from(a[3], &m.price_ticks) || !i64_from(a[4], &m.qty_lots) || !enter(self))
        return NULL;
    m.flags |= agent_flag(self->core, m.order_no);
    uint64_t since = measure_call(self);
    unsigned reason = core_amend(self->core, &m, 0);
    measured(self, STAGE_AMEND, since);
    return reasoned(self, reason);
}

static PyObject *drained(CoreObject *self)
{
    const core_report *first;
    size_t used = core_reports(self->core, &first);
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)first, (Py_ssize_t)used);
    if (bytes != NULL) core_reports_clear(self->core);
    return bytes;
}

/* A batch on its way. Its reports are written where Python will read them; the ring is for what finds no room there. */
#define BYTES_A_COMMAND 256u /* most commands make one short report, some a few whole ones */
#define BYTES_TO_SPARE 4096u /* a command, until there are enough for any that meets many orders */
#define BYTES_TO_SPARE_MOST ((size_t)1 << 17)
typedef struct {
    const core_command *commands;
    size_t count, done;
    uint8_t *out; /* the memory of a bytes object that nobody else has yet */
    size_t used, room;
} core_batch;

/* Runs until all is done or the room is too small for what waits in the ring; returns how many bytes wait. No Python. */
static size_t run_batch(core *c, core_batch *b)
{
    for (;;) {
        const core_report *first;
        size_t waiting = core_reports(c, &first), left = b->count - b->done;
        if (waiting > b->room - b->used) return waiting;
        memcpy(b->out + b->used, first, waiting);
        b->used += waiting;
        core_reports_clear(c);
        if ((left == 0 && core_idle(c)) || core_broken(c) != NULL) return 0;
        core_lend(c, b->out + b->used, b->room - b->used);
        b->done += core_process(c, b->commands + b->done, left, b->done);
        b->used += core_take_back(c);
    }
}

_Static_assert(offsetof(PyBytesObject, ob_sval) % 16 == 0, "reports are written straight into bytes");
static PyObject *process_buffer(CoreObject *self, const Py_buffer *view)
{
    const core_report *first;
    core_batch b = {.commands = view->buf, .count = (size_t)view->len / sizeof(core_command)};
    size_t waiting = core_reports(self->core, &first);
    uint64_t since = clock_ns();
    PyObject *out = PyBytes_FromStringAndSize(NULL, 0);
    do {
        size_t left = b.count - b.done, spare = left * BYTES_TO_SPARE;
        b.room = b.used + waiting + left * BYTES_A_COMMAND + (spare < BYTES_TO_SPARE_MOST ? spare : BYTES_TO_SPARE_MOST);
        if (out == NULL || _PyBytes_Resize(&out, (Py_ssize_t)b.room) < 0) return NULL;
        b.out = (uint8_t *)PyBytes_AS_STRING(out);
        self->busy = true;
        Py_BEGIN_ALLOW_THREADS waiting = run_batch(self->core, &b);
        Py_END_ALLOW_THREADS self->busy = false;
    } while (waiting);
    if (_PyBytes_Resize(&out, (Py_ssize_t)b.used) < 0) return NULL;
    measured(self, STAGE_BATCH, since);
    if (b.count) histogram_record(&self->stages[STAGE_COMMAND], (clock_ns() - since) / b.count);
    if (!enter(self)) Py_CLEAR(out);
    return out;
}

static PyObject *Core_reports(CoreObject *self, PyObject *unused)
{
    (void)unused;
    static const core_command none = {0};
    if (!enter(self)) return NULL;
    return core_idle(self->core) ? drained(self) : process_buffer(self, &(Py_buffer){.buf = (void *)(uintptr_t)&none, .len = 0});
}

static PyObject *Core_process(CoreObject *self, PyObject *commands)
{
    Py_buffer view;
    if (!enter(self) || PyObject_GetBuffer(commands, &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *out = NULL;
    if (view.len % (Py_ssize_t)sizeof(core_command) || (uintptr_t)view.buf % _Alignof(core_command))
        PyErr_SetString(PyExc_ValueError, "commands must be whole packed records, aligned to 8 bytes");
    else
        out = process_buffer(self, &view);
    PyBuffer_Release(&view);
    return out;
}

static PyObject *Core_tape(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    size_t count = core_tape_count(self->core);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * sizeof(core_tape)));
    if (bytes != NULL) core_tape_take(self->core, (core_tape *)(void *)PyBytes_AS_STRING(bytes), count);
    return bytes;
}

/* ---- mirrored markets ---- */

static PyObject *Core_set_mirror(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"instrument", "on", "front_ppm", "at_ns", NULL};
    uint32_t instrument, front_ppm = 0;
    long long at_ns = 0;
    int on = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|$pO&L:set_mirror", names, convert_u32, &instrument, &on, convert_u32, &front_ppm,
                                     &at_ns))
        return NULL;
    return enter(self) ? answered(self, core_set_mirror(self->core, instrument, on, front_ppm, at_ns)) : NULL;
}

static PyObject *Core_market(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    Py_buffer view;
    int64_t now_ns;
    if (!counted(n, 2) || !i64_from(a[1], &now_ns) || !enter(self) || PyObject_GetBuffer(a[0], &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *taken = NULL;
    if (view.len % 40)
        PyErr_SetString(PyExc_ValueError, "a market block must be whole records of 40 bytes");
    else if (now_ns < 0 || now_ns > CORE_TIME_MAX)
        PyErr_SetString(PyExc_ValueError, "a time must be from 0 to 2^62 ns");
    else {
        uint64_t since = clock_ns();
        taken = PyLong_FromSize_t(core_market(self->core, view.buf, (size_t)view.len / 40, now_ns));
        measured(self, STAGE_MARKET, since);
    }
    PyBuffer_Release(&view);
    if (taken != NULL && !enter(self)) Py_CLEAR(taken);
    return taken;
}

static PyObject *Core_mirror(CoreObject *self, PyObject *instrument)
{
    uint32_t id;
    core_mirror_view v;
    if (!u32_from(instrument, &id) || !enter(self)) return NULL;
    if (!core_mirror_look(self->core, id, &v)) Py_RETURN_NONE;
    return Py_BuildValue("{sIsKsKsLsLsIsIsIsI}", "state", v.state, "seq", v.seq, "gaps", v.gaps, "heard_ns", (long long)v.heard_ns,
                         "clock_ns", (long long)v.clock_ns, "held", v.held, "levels", v.levels, "orders", v.orders, "front_ppm",
                         v.front_ppm);
}

static PyObject *Core_queues(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    size_t count = core_queues(self->core, NULL, 0);
    core_queue_view *views = PyMem_Calloc(count + 1, sizeof *views);
    if (views == NULL) return PyErr_NoMemory();
    core_queues(self->core, views, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *row =
            Py_BuildValue("(KKL)", (unsigned long long)views[i].order_no, (unsigned long long)views[i].arrival, (long long)views[i].ahead);
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    PyMem_Free(views);
    return list;
}

static PyObject *Core_set_queue(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    core_queue_view v;
    if (!counted(n, 3) || !u64_from(a[0], &v.order_no) || !u64_from(a[1], &v.arrival) || !i64_from(a[2], &v.ahead) || !enter(self))
        return NULL;
    return PyBool_FromLong(core_set_queue(self->core, &v));
}

/* ---- recovery ---- */

static PyObject *Core_apply(CoreObject *self, PyObject *reports)
{
    Py_buffer view;
    if (!enter(self) || PyObject_GetBuffer(reports, &view, PyBUF_SIMPLE) < 0) return NULL;
    uint64_t since = clock_ns();
    PyObject *answer = answered(self, core_apply(self->core, view.buf, (size_t)view.len));
    measured(self, STAGE_APPLY, since);
    PyBuffer_Release(&view);
    return answer;
}

static PyObject *Core_rebuild_books(CoreObject *self, PyObject *unused)
{
    (void)unused;
    size_t placed;
    if (!enter(self)) return NULL;
    const char *why = core_rebuild_books(self->core, &placed);
    return why ? answered(self, why) : PyLong_FromSize_t(placed);
}

static PyObject *Core_advance_trade_no(CoreObject *self, PyObject *trade_no)
{
    uint64_t number;
    if (!u64_from(trade_no, &number) || !enter(self)) return NULL;
    core_advance_trade_no(self->core, number);
    Py_RETURN_NONE;
}

static PyObject *Core_checkpoint(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    uint64_t since = clock_ns();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)core_checkpoint_size(self->core));
    if (bytes != NULL) core_checkpoint(self->core, (uint8_t *)PyBytes_AS_STRING(bytes));
    measured(self, STAGE_CHECKPOINT, since);
    return bytes;
}

static PyObject *Core_restore(CoreObject *self, PyObject *state)
{
    Py_buffer view;
    if (!enter(self) || PyObject_GetBuffer(state, &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *answer = answered(self, core_restore(self->core, view.buf, (size_t)view.len));
    PyBuffer_Release(&view);
    return answer;
}

static PyObject *Core_hash(CoreObject *self, PyObject *unused)
{
    (void)unused;
    return enter(self) ? PyLong_FromUnsignedLongLong(core_hash(self->core)) : NULL;
}

static PyObject *Core_fork(CoreObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self)) return NULL;
    PyTypeObject *type = Py_TYPE(self);
    CoreObject *fork = (CoreObject *)type->tp_alloc(type, 0);
    if (fork == NULL) return NULL;
    fork->error = Py_NewRef(self->error);
    fork->every = fork->left = self->every;
    fork->stages = PyMem_Calloc(STAGES, sizeof *fork->stages);
    fork->core = fork->stages ? core_fork(self->core) : NULL;
    if (fork->core != NULL) return (PyObject *)fork;
    Py_DECREF(fork);
    return PyErr_NoMemory();
}

static PyObject *Core_verify(CoreObject *self, PyObject *unused)
{
    (void)unused;
    return enter(self) ? answered(self, core_verify(self->core)) : NULL;
}

static PyObject *Core_fail_at(CoreObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"point", "nth", NULL};
    const char *point;
    uint64_t nth;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO&:fail_at", names, &point, convert_u64, &nth) || !enter(self)) return NULL;
    if (strcmp(point, "market.report") != 0) return answered(self, "there is no such failpoint");
    core_fail_at_report(self->core, nth);
    Py_RETURN_NONE;
}

/* ---- looking ---- */

static PyObject *Core_best(CoreObject *self, PyObject *instrument)
{
    uint32_t id;
    core_quote bid = {0}, ask = {0};
    if (!u32_from(instrument, &id) || !enter(self)) return NULL;
    PyObject *bid_ticks = core_best(self->core, id, SIDE_BUY, &bid) ? PyLong_FromLongLong(bid.price_ticks) : Py_NewRef(Py_None);
    PyObject *ask_ticks = core_best(self->core, id, SIDE_SELL, &ask) ? PyLong_FromLongLong(ask.price_ticks) : Py_NewRef(Py_None);
    return Py_BuildValue("NLNL", bid_ticks, (long long)bid.qty_lots, ask_ticks, (long long)ask.qty_lots);
}

static PyObject *ladder_list(CoreObject *self, uint32_t instrument, unsigned side, size_t levels)
{
    core_quote *quotes = PyMem_New(core_quote, levels ? levels : 1);
    if (quotes == NULL) return PyErr_NoMemory();
    size_t count = core_depth(self->core, instrument, side, quotes, levels);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair = Py_BuildValue("LL", (long long)quotes[i].price_ticks, (long long)quotes[i].qty_lots);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    PyMem_Free(quotes);
    return list;
}

static PyObject *Core_depth(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t id, levels;
    if (!counted(n, 2) || !u32_from(a[0], &id) || !u32_from(a[1], &levels) || !enter(self)) return NULL;
    if (levels > 1u << 20) levels = 1u << 20;
    PyObject *bids = ladder_list(self, id, SIDE_BUY, levels), *asks = bids ? ladder_list(self, id, SIDE_SELL, levels) : NULL;
    if (asks != NULL) return Py_BuildValue("NN", bids, asks);
    Py_XDECREF(bids);
    return NULL;
}

static PyObject *Core_cost_to_fill(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t id;
    uint8_t side;
    int64_t lots, filled = 0;
    i128 cost = 0;
    if (!counted(n, 3) || !u32_from(a[0], &id) || !u8_from(a[1], &side) || !i64_from(a[2], &lots) || !enter(self)) return NULL;
    if (side > SIDE_SELL) return answered(self, "a side must be SIDE_BUY or SIDE_SELL");
    core_cost_to_fill(self->core, id, side, lots, &filled, &cost);
    return Py_BuildValue("LN", (long long)filled, int_from_i128(cost));
}

static PyObject *Core_order(CoreObject *self, PyObject *order_no)
{
    uint64_t number;
    core_report r;
    if (!u64_from(order_no, &number) || !enter(self)) return NULL;
    if (!core_order_view(self->core, number, &r)) Py_RETURN_NONE;
    return Py_BuildValue("{sIsIsisisisKsLsLsLsLsNsNsisIsI}", "account", r.account, "instrument", r.instrument, "side", r.side, "type",
                         r.type, "tif", r.tif, "strategy", (unsigned long long)r.strategy, "price_ticks", (long long)r.price_ticks,
                         "stop_ticks", (long long)r.stop_ticks, "qty_lots", (long long)r.qty_lots, "filled_lots", (long long)r.filled_lots,
                         "cum_cost", int_from_i128(r.cum_cost), "hold", int_from_i128(r.hold), "ord_status", r.ord_status, "flags", r.flags,
                         "spec_version", r.spec_version);
}

static PyObject *Core_market_order(CoreObject *self, PyObject *order_no)
{
    uint64_t number;
    core_report r;
    if (!u64_from(order_no, &number) || !enter(self)) return NULL;
    if (!core_market_view(self->core, number, &r)) Py_RETURN_NONE;
    return Py_BuildValue("{sLsLsIsisI}", "price_ticks", (long long)r.price_ticks, "remaining_lots", (long long)r.qty_lots, "instrument",
                         r.instrument, "side", r.side, "flags", r.flags);
}

static PyObject *Core_open_orders(CoreObject *self, PyObject *account)
{
    uint32_t id;
    if (!u32_from(account, &id) || !enter(self)) return NULL;
    size_t count = core_open_orders(self->core, id, NULL, 0);
    uint64_t *numbers = PyMem_New(uint64_t, count + 1);
    if (numbers == NULL) return PyErr_NoMemory();
    core_open_orders(self->core, id, numbers, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) { /* oldest first */
        PyObject *number = PyLong_FromUnsignedLongLong(numbers[count - 1 - i]);
        if (number == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    PyMem_Free(numbers);
    return list;
}

static PyObject *Core_balance(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, asset;
    i128 total, hold;
    if (!counted(n, 2) || !u32_from(a[0], &account) || !u32_from(a[1], &asset) || !enter(self)) return NULL;
    core_balance(self->core, account, asset, &total, &hold);
    return Py_BuildValue("NN", int_from_i128(total), int_from_i128(hold));
}

static PyObject *Core_position(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, instrument;
    uint64_t strategy;
    core_position_view p;
    if (!counted(n, 3) || !u32_from(a[0], &account) || !u32_from(a[1], &instrument) || !u64_from(a[2], &strategy) || !enter(self))
        return NULL;
    if (!core_position(self->core, account, instrument, strategy, &p)) Py_RETURN_NONE;
    return Py_BuildValue("NNNN", int_from_i128(p.qty), int_from_i128(p.cost), int_from_i128(p.realised), int_from_i128(p.fees));
}

static PyObject *Core_account_position(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, instrument;
    core_position_view p;
    if (!counted(n, 2) || !u32_from(a[0], &account) || !u32_from(a[1], &instrument) || !enter(self)) return NULL;
    if (!core_account_position(self->core, account, instrument, &p)) Py_RETURN_NONE;
    return Py_BuildValue("NNNN", int_from_i128(p.qty), int_from_i128(p.cost), int_from_i128(p.realised), int_from_i128(p.fees));
}

static PyObject *Core_positions(CoreObject *self, PyObject *account)
{
    uint32_t id;
    if (!u32_from(account, &id) || !enter(self)) return NULL;
    size_t count = core_positions(self->core, id, NULL, 0);
    core_position_view *views = PyMem_Malloc((count + 1) * sizeof *views);
    if (views == NULL) return PyErr_NoMemory();
    core_positions(self->core, id, views, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        const core_position_view *p = &views[i];
        PyObject *row = Py_BuildValue("IKNNNN", p->instrument, (unsigned long long)p->strategy, int_from_i128(p->qty),
                                      int_from_i128(p->cost), int_from_i128(p->realised), int_from_i128(p->fees));
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    PyMem_Free(views);
    return list;
}

static PyObject *Core_stats(CoreObject *self, PyObject *unused)
{
    (void)unused;
    core_counters s;
    if (!enter(self)) return NULL;
    core_stats(self->core, &s);
    return Py_BuildValue("{sKsKsKsKsKsKsKsKsKsK}", "orders_open", s.orders_open, "orders_market", s.orders_market, "commands", s.commands,
                         "reports", s.reports, "checks", s.checks, "trades", s.trades, "quantity", s.quantity, "trade_hash", s.trade_hash,
                         "memory_bytes", s.memory_bytes, "tape_lost", s.tape_lost);
}

/* ---- tables ---- */

#define FAST(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_FASTCALL, NULL}
#define WORDS(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_VARARGS | METH_KEYWORDS, NULL}
#define ONE(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_O, NULL}
#define SOME(name) {#name, (PyCFunction)Core_##name, METH_VARARGS, NULL}
#define NONE(name) {#name, (PyCFunction)(void (*)(void))Core_##name, METH_NOARGS, NULL}

static PyMethodDef METHODS[] = {
    WORDS(set_instrument),
    WORDS(set_account),
    WORDS(set_limits),
    SOME(clear_limits),
    WORDS(set_halt),
    SOME(set_gates),
    SOME(outcome),
    NONE(trips),
    ONE(watch),
    WORDS(post),
    ONE(reset_account),
    FAST(set_bridges),
    WORDS(mark),
    WORDS(rate),
    FAST(marks),
    FAST(day_open),
    ONE(equity),
    FAST(convert),
    NONE(valued),
    FAST(histogram),
    FAST(record),
    ONE(measure_calls),
    FAST(place),
    FAST(place_with),
    FAST(check),
    FAST(cancel),
    FAST(amend),
    FAST(sweep),
    ONE(time),
    ONE(process),
    NONE(reports),
    NONE(tape),
    WORDS(set_mirror),
    FAST(market),
    ONE(mirror),
    NONE(queues),
    FAST(set_queue),
    ONE(apply),
    NONE(rebuild_books),
    ONE(advance_trade_no),
    NONE(checkpoint),
    ONE(restore),
    NONE(hash),
    NONE(fork),
    NONE(verify),
    WORDS(fail_at),
    ONE(best),
    FAST(depth),
    FAST(cost_to_fill),
    ONE(order),
    ONE(market_order),
    ONE(open_orders),
    FAST(balance),
    FAST(position),
    FAST(account_position),
    ONE(positions),
    NONE(stats),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot SLOTS[] = {{Py_tp_new, Core_new},
                              {Py_tp_dealloc, Core_dealloc},
                              {Py_tp_methods, METHODS},
                              {Py_tp_doc, "One deterministic trading core."},
                              {0, NULL}};
static PyType_Spec SPEC = {
    .name = "orders._core.Core", .basicsize = sizeof(CoreObject), .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, .slots = SLOTS};

static const struct {
    const char *name;
    long value;
} CONSTANTS[] = {
#define C(name) {#name, name}
    C(OP_PLACE),
    C(OP_CANCEL),
    C(OP_AMEND),
    C(OP_FILL),
    C(OP_CLOSE),
    C(OP_TERMS),
    C(OP_SWEEP),
    C(OP_TIME),
    C(SIDE_BUY),
    C(SIDE_SELL),
    C(TYPE_LIMIT),
    C(TYPE_MARKET),
    C(TYPE_STOP),
    C(TYPE_STOP_LIMIT),
    C(TYPE_TAKE_PROFIT),
    C(TYPE_TAKE_PROFIT_LIMIT),
    C(TYPE_TRAILING_STOP),
    C(TIF_GTC),
    C(TIF_IOC),
    C(TIF_FOK),
    C(TIF_DAY),
    C(TIF_GTD),
    C(FLAG_AGENT),
    C(FLAG_QTY_REMAINING),
    C(FLAG_ALLOW_SELF_TRADE),
    C(FLAG_TOLD),
    C(FLAG_LATE),
    C(FLAG_POST_ONLY),
    C(FLAG_REDUCE_ONLY),
    C(FLAG_TRAIL_PERCENT),
    C(FLAG_TRIGGERED),
    C(FLAG_ALLOW_DUPLICATE),
    C(FLAG_TERMS),
    C(FLAG_CHILD),
    C(LIQUIDITY_NONE),
    C(LIQUIDITY_MAKER),
    C(LIQUIDITY_TAKER),
    C(HALT_ACTIVE),
    C(HALT_REDUCING),
    C(HALT_HALTED),
    C(SCOPE_GLOBAL),
    C(SCOPE_EXCHANGE),
    C(SCOPE_OWNER),
    C(SCOPE_ACCOUNT),
    C(SCOPE_STRATEGY),
    C(SCOPE_INSTRUMENT),
    C(KIND_SPOT),
    C(KIND_LINEAR),
    C(KIND_INVERSE),
    C(SCOPE_KEY),
    C(SCOPE_POSITION),
    C(GATE_ARM),
    C(GATE_RECONCILE),
    C(GATE_CLOCK),
    C(OUTCOME_ANSWERED),
    C(OUTCOME_FAILED),
    C(OUTCOME_UNKNOWN),
    C(INSTRUMENT_TRADING),
    C(INSTRUMENT_HALTED),
    C(INSTRUMENT_DELISTED),
    {"REPORT_SIZE", sizeof(core_report)},
    {"REPORT_HEAD_SIZE", CORE_REPORT_HEAD},
    {"NO_COMMAND", CORE_NO_COMMAND},
    {"COMMAND_SIZE", sizeof(core_command)},
    {"TAPE_SIZE", sizeof(core_tape)},
    {"ANY_SIDE", CORE_ANY_SIDE},
#undef C
};

static bool add_wide(PyObject *module)
{
    static const struct {
        const char *name;
        uint64_t value;
    } wide[] = {{"CHILD_STOP_LOSS", CHILD_STOP_LOSS}, {"CHILD_TAKE_PROFIT", CHILD_TAKE_PROFIT}, {"ANY_STRATEGY", CORE_ANY_STRATEGY}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(wide[i].value);
        bool ok = value != NULL && PyModule_AddObjectRef(module, wide[i].name, value) == 0;
        Py_XDECREF(value);
        if (!ok) return false;
    }
    return true;
}

static bool add_reasons(PyObject *module)
{
    PyObject *names = PyDict_New();
    bool ok = names != NULL;
    for (unsigned reason = 1; ok && reason < 1000; reason++) {
        const char *name = core_reason_name(reason);
        if (name == NULL) continue;
        PyObject *key = PyLong_FromLong(reason), *value = PyUnicode_FromString(name);
        ok = key && value && PyDict_SetItem(names, key, value) == 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    ok = ok && PyModule_AddObjectRef(module, "REASONS", names) == 0;
    Py_XDECREF(names);
    return ok;
}

#define REPORT_HEAD "Qq2Q2I6BH2I3qI2H2IQqQq"
#define REPORT_AMOUNTS "QqQqQqQqQqQqQqQqQqQq"

static int module_exec(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    state->error = PyErr_NewExceptionWithDoc("orders._core.CoreError", "A broken invariant or a call the core cannot take.", NULL, NULL);
    if (state->error == NULL || PyModule_AddObjectRef(module, "CoreError", state->error) < 0) return -1;
    state->core_type = PyType_FromModuleAndSpec(module, &SPEC, NULL);
    if (state->core_type == NULL || PyModule_AddObjectRef(module, "Core", state->core_type) < 0) return -1;
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof *CONSTANTS; i++)
        if (PyModule_AddIntConstant(module, CONSTANTS[i].name, CONSTANTS[i].value) < 0) return -1;
    if (PyModule_AddStringConstant(module, "COMMAND_FORMAT", "<4B5I2Q3qQ3Q") < 0) return -1;
    if (PyModule_AddStringConstant(module, "TERMS_FORMAT", "<B7x6q5Q") < 0) return -1;
    if (PyModule_AddStringConstant(module, "REPORT_FORMAT", "<" REPORT_HEAD "2q2Q" REPORT_AMOUNTS) < 0) return -1;
    if (PyModule_AddStringConstant(module, "REPORT_HEAD_FORMAT", "<" REPORT_HEAD) < 0) return -1;
    if (PyModule_AddStringConstant(module, "TRIP_FORMAT", "<2qQIHBxQqQq") < 0) return -1;
    if (PyModule_AddStringConstant(module, "TAPE_FORMAT", "<Qq2QI4B2q2IQ") < 0) return -1;
    return add_wide(module) && add_reasons(module) && add_stages(module) ? 0 : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    module_state *state = PyModule_GetState(module);
    Py_VISIT(state->error);
    Py_VISIT(state->core_type);
    return 0;
}

static int module_clear(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->core_type);
    return 0;
}

static PyModuleDef_Slot MODULE_SLOTS[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};
static PyMethodDef FUNCTIONS[] = {{"histogram_read", histogram_read, METH_O, "Packed counts of Core.histogram() as numbers."},
                                  {NULL, NULL, 0, NULL}};
static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,         .m_name = "orders._core",       .m_doc = "One deterministic trading core.",
    .m_methods = FUNCTIONS,        .m_size = sizeof(module_state), .m_slots = MODULE_SLOTS,
    .m_traverse = module_traverse, .m_clear = module_clear};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&MODULE); }

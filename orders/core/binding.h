/* What the files of the binding share: the Python object around a core, arguments into numbers, the guard every call passes,
 * the clock, and the list of methods. What a call needs on its way in is here to be inlined. Only the binding (module.c,
 * bind_*.c) includes this, and Python.h through it: arguments in, objects out; no decision about orders is made here, and no
 * Python runs while a book is half changed. While process() runs without the GIL, every other call on the same Core is
 * refused. */
#ifndef MERIDIAN_BINDING_H
#define MERIDIAN_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"
#include "histogram.h"

typedef struct {
    PyObject_HEAD core *core;
    PyObject *error; /* CoreError, borrowed from nobody */
    bool busy;
    histogram *stages;    /* how long calls took, by enum stage */
    uint32_t every, left; /* one call of so many is measured (0: none), and how many are left until the next */
} CoreObject;

/* ---- numbers: bind_numbers.c ---- */

PyObject *int_from_i128(i128 x);
PyObject *known_or_none(bool known, i128 amount);
bool i128_from_int(PyObject *o, i128 *out);
/* for PyArg_Parse's O& */
int convert_i128(PyObject *o, void *out);
int convert_u32(PyObject *o, void *out);
int convert_u64(PyObject *o, void *out);

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

static inline bool u32_from(PyObject *o, uint32_t *out)
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

static inline bool u8_from(PyObject *o, uint8_t *out)
{
    uint32_t x;
    if (!u32_from(o, &x)) return false;
    *out = x > UINT8_MAX ? UINT8_MAX : (uint8_t)x; /* no code is that large: the core refuses it with a reason */
    return true;
}

static inline bool u64_from(PyObject *o, uint64_t *out)
{
    int64_t small;
    if (one_digit(o, &small) && small >= 0) {
        *out = (uint64_t)small;
        return true;
    }
    *out = PyLong_AsUnsignedLongLong(o);
    return !(*out == UINT64_MAX && PyErr_Occurred());
}

static inline bool i64_from(PyObject *o, int64_t *out)
{
    if (one_digit(o, out)) return true;
    *out = PyLong_AsLongLong(o);
    return !(*out == -1 && PyErr_Occurred());
}

/* ---- guards ---- */

static inline bool enter(CoreObject *self)
{
    if (self->busy)
        PyErr_SetString(self->error, "the core is running another call");
    else if (core_broken(self->core))
        PyErr_Format(self->error, "the core has stopped: %s", core_broken(self->core));
    else
        return true;
    return false;
}

static inline bool counted(Py_ssize_t given, Py_ssize_t wanted)
{
    if (given == wanted) return true;
    PyErr_Format(PyExc_TypeError, "%zd arguments expected, %zd were given", wanted, given);
    return false;
}

static inline PyObject *answered(CoreObject *self, const char *why)
{
    if (why == NULL) Py_RETURN_NONE;
    PyErr_SetString(self->error, why);
    return NULL;
}

static inline PyObject *reasoned(CoreObject *self, unsigned reason) { return enter(self) ? PyLong_FromLong(reason) : NULL; }

/* ---- how long things take: bind_measure.c ---- */

/* The binding holds the clock, the core has none. Two readings of it cost more than many a call, so single calls are
 * measured now and then; batches and what is rare, always. */
enum stage { STAGE_PLACE, STAGE_CANCEL, STAGE_AMEND, STAGE_BATCH, STAGE_COMMAND, STAGE_MARKET, STAGE_APPLY, STAGE_CHECKPOINT, STAGES };

uint64_t clock_ns(void);

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

/* ---- methods ---- */

/* Every method of Core, by how it takes its arguments: positional (FAST), one (ONE), none (NONE), a tuple (SOME), with
 * keywords (WORDS). Declared here, tabled in module.c. */
/* clang-format off */
#define CORE_METHODS(FAST, ONE, NONE, SOME, WORDS) \
    /* bind_tell.c */ \
    WORDS(set_instrument) WORDS(set_account) WORDS(set_limits) SOME(clear_limits) WORDS(set_halt) SOME(set_gates) \
    SOME(outcome) NONE(trips) ONE(watch) WORDS(post) ONE(reset_account) SOME(take_position) \
    /* bind_worth.c */ \
    FAST(set_bridges) WORDS(mark) WORDS(rate) FAST(marks) FAST(day_open) ONE(equity) FAST(convert) NONE(valued) \
    /* bind_measure.c */ \
    FAST(histogram) FAST(record) ONE(measure_calls) \
    /* bind_command.c */ \
    FAST(place) FAST(place_with) FAST(check) FAST(cancel) FAST(amend) FAST(sweep) ONE(time) ONE(process) NONE(reports) \
    NONE(tape) \
    /* bind_mirror.c */ \
    WORDS(set_mirror) FAST(market) ONE(mirror) NONE(queues) FAST(set_queue) \
    /* bind_recover.c */ \
    ONE(apply) NONE(rebuild_books) ONE(advance_trade_no) NONE(checkpoint) ONE(restore) NONE(hash) NONE(fork) \
    NONE(verify) WORDS(fail_at) \
    /* bind_look.c */ \
    ONE(best) FAST(depth) FAST(cost_to_fill) ONE(order) ONE(market_order) ONE(open_orders) FAST(balance) FAST(position) \
    FAST(account_position) ONE(positions) NONE(stats)
/* clang-format on */

#define FAST(name) PyObject *Core_##name(CoreObject *self, PyObject *const *a, Py_ssize_t n);
#define ONE(name) PyObject *Core_##name(CoreObject *self, PyObject *argument);
#define SOME(name) PyObject *Core_##name(CoreObject *self, PyObject *args);
#define WORDS(name) PyObject *Core_##name(CoreObject *self, PyObject *args, PyObject *kwargs);
CORE_METHODS(FAST, ONE, ONE, SOME, WORDS)
#undef FAST
#undef ONE
#undef SOME
#undef WORDS

/* Of the module itself: bind_measure.c, bind_names.c. */
PyObject *histogram_read(PyObject *module, PyObject *packed);
bool add_stages(PyObject *module);
bool add_names(PyObject *module);

#endif

/* What things are worth: marks, rates, bridges and the day's opening told; equity and conversions asked for. */
#include "binding.h"

PyObject *Core_set_bridges(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t assets[CORE_BRIDGES];
    if (!counted(n, CORE_BRIDGES) || !u32_from(a[0], &assets[0]) || !u32_from(a[1], &assets[1]) || !u32_from(a[2], &assets[2])) return NULL;
    return enter(self) ? answered(self, core_set_bridges(self->core, assets)) : NULL;
}

PyObject *Core_mark(CoreObject *self, PyObject *args, PyObject *kwargs)
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

PyObject *Core_rate(CoreObject *self, PyObject *args, PyObject *kwargs)
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
PyObject *Core_marks(CoreObject *self, PyObject *const *a, Py_ssize_t n)
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

PyObject *Core_day_open(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    int64_t day_start_ns;
    /* whether it was opened late, and with what, is for the journal's reader, not for the core */
    if (((n < 1 || n > 3) && !counted(n, 1)) || !i64_from(a[0], &day_start_ns) || !enter(self)) return NULL;
    core_day_open(self->core, day_start_ns);
    Py_RETURN_NONE;
}

PyObject *Core_equity(CoreObject *self, PyObject *account)
{
    uint32_t id;
    core_equity_view v;
    if (!u32_from(account, &id) || !enter(self)) return NULL;
    if (!core_equity(self->core, id, &v)) return answered(self, "the equity of an account that was never set");
    return Py_BuildValue("NNNNN", PyBool_FromLong(v.known), known_or_none(v.known, v.equity), known_or_none(v.day_known, v.day_open),
                         known_or_none(v.peak_known, v.peak), int_from_i128(v.flows));
}

PyObject *Core_valued(CoreObject *self, PyObject *unused)
{
    (void)unused;
    int64_t at_ns, day_start_ns;
    if (!enter(self)) return NULL;
    core_valued(self->core, &at_ns, &day_start_ns);
    return Py_BuildValue("LL", (long long)at_ns, (long long)day_start_ns);
}

PyObject *Core_convert(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t account, asset, into;
    i128 amount, out = 0;
    if (!counted(n, 4) || !u32_from(a[0], &account) || !u32_from(a[1], &asset) || !u32_from(a[2], &into) || !i128_from_int(a[3], &amount) ||
        !enter(self))
        return NULL;
    bool known = core_convert(self->core, account, asset, into, amount, &out);
    return known_or_none(known, out);
}

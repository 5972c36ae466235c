/* What the benchmark needs below Python: records of a stream turned into commands, the bare book timed, and the time of
 * each single command of the core without Python around it. */
#define PY_SSIZE_T_CLEAN
#define _POSIX_C_SOURCE 200809L
#include <Python.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool records_of(PyObject *o, Py_buffer *view)
{
    if (PyObject_GetBuffer(o, view, PyBUF_SIMPLE) < 0) return false;
    const stream_record *r = view->buf;
    bool whole = view->len % (Py_ssize_t)sizeof *r == 0 && (uintptr_t)view->buf % _Alignof(stream_record) == 0;
    for (Py_ssize_t i = 0; whole && i < view->len / (Py_ssize_t)sizeof *r; i++) whole = r[i].op <= STREAM_MARKET && r[i].side <= 1;
    if (whole) return true;
    PyBuffer_Release(view);
    PyErr_SetString(PyExc_ValueError, "not whole, aligned records of a command stream");
    return false;
}

static PyObject *pack(PyObject *module, PyObject *records)
{
    (void)module;
    Py_buffer view;
    if (!records_of(records, &view)) return NULL;
    Py_ssize_t count = view.len / (Py_ssize_t)sizeof(stream_record);
    PyObject *out = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(core_command));
    for (Py_ssize_t i = 0; out != NULL && i < count; i++) {
        core_command m = command_of((const stream_record *)view.buf + i, i + 1);
        memcpy(PyBytes_AS_STRING(out) + i * (Py_ssize_t)sizeof m, &m, sizeof m);
    }
    PyBuffer_Release(&view);
    return out;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static PyObject *percentiles(uint32_t *ns, size_t count)
{
    qsort(ns, count, sizeof *ns, by_value);
    return Py_BuildValue("III", ns[count / 2], ns[(size_t)((double)count * 0.99)], ns[(size_t)((double)count * 0.999)]);
}

/* bare(records, preload, symbols) -> None, or (ns for all after the preload, hash) */
static PyObject *bare_timed(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *records;
    Py_ssize_t preload;
    unsigned symbols;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OnI", &records, &preload, &symbols) || !records_of(records, &view)) return NULL;
    size_t count = (size_t)view.len / sizeof(stream_record);
    bare *b = bare_create(view.buf, count, symbols);
    if (b == NULL) {
        PyBuffer_Release(&view);
        Py_RETURN_NONE;
    }
    bare_run(b, view.buf, (size_t)preload);
    uint64_t start = now_ns();
    bare_run(b, (const stream_record *)view.buf + preload, count - (size_t)preload);
    uint64_t spent = now_ns() - start;
    PyObject *answer = Py_BuildValue("KK", (unsigned long long)spent, (unsigned long long)bare_hash(b));
    bare_destroy(b);
    PyBuffer_Release(&view);
    return answer;
}

/* bare_latencies(records, preload, symbols) -> None, or (p50, p99, p99.9) ns of one command */
static PyObject *bare_latencies(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *records;
    Py_ssize_t preload;
    unsigned symbols;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OnI", &records, &preload, &symbols) || !records_of(records, &view)) return NULL;
    size_t count = (size_t)view.len / sizeof(stream_record), timed = count - (size_t)preload;
    bare *b = bare_create(view.buf, count, symbols);
    uint32_t *ns = b ? malloc((timed + 1) * sizeof *ns) : NULL;
    PyObject *answer = NULL;
    if (ns != NULL) {
        bare_run(b, view.buf, (size_t)preload);
        uint64_t last = now_ns();
        for (size_t i = 0; i < timed; i++) {
            bare_run(b, (const stream_record *)view.buf + preload + i, 1);
            uint64_t now = now_ns();
            ns[i] = (uint32_t)(now - last);
            last = now;
        }
        answer = percentiles(ns, timed);
    }
    free(ns);
    if (b != NULL) bare_destroy(b);
    PyBuffer_Release(&view);
    if (answer != NULL || PyErr_Occurred()) return answer;
    Py_RETURN_NONE;
}

static core *prepared(unsigned symbols)
{
    core *c = core_create(1u << 22, 1u << 16);
    const char *why = NULL;
    core_instrument_spec spec = {.exchange = 1,
                                 .spec_version = 1,
                                 .base_asset = 1,
                                 .quote_asset = 2,
                                 .base_unit = 1,
                                 .quote_unit = 1,
                                 .qty_min_lots = 1,
                                 .qty_max_lots = 1000000,
                                 .notional_min = 1,
                                 .maker_fee_ppm = 500,
                                 .taker_fee_ppm = 1000};
    core_limits limits = {.open_orders_max = 1000000,
                          .open_orders_instrument_max = 1000000,
                          .notional_max = 1000000000000000,
                          .rate_per_second = 1000000000,
                          .rate_burst = 1000000000};
    i128 total;
    for (unsigned i = 1; c && !why && i <= symbols; i++) why = core_set_instrument(c, i, &spec);
    for (unsigned a = 1; c && !why && a <= ACCOUNTS; a++) {
        why = core_set_account(c, a, &(core_account_spec){.owner = a});
        if (!why) why = core_set_limits(c, SCOPE_ACCOUNT, a, &limits);
        for (unsigned asset = 1; !why && asset <= 2; asset++)
            why = core_post(c, a, asset, (i128)1000000000000000000 * 1000000, true, &total);
    }
    if (c == NULL || why == NULL) return c;
    core_destroy(c);
    return NULL;
}

static bool step(core *c, const core_command *m)
{
    core_tape drain[64];
    bool ran = core_process(c, m, 1, 0) == 1;
    core_reports_clear(c);
    while (core_tape_take(c, drain, 64) == 64) continue;
    return ran;
}

/* latencies(commands, preload, symbols) -> (p50, p99, p99.9) ns of one command of the core, everything on */
static PyObject *latencies(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer view;
    Py_ssize_t preload;
    unsigned symbols;
    if (!PyArg_ParseTuple(args, "y*nI", &view, &preload, &symbols)) return NULL;
    const core_command *m = view.buf;
    size_t count = (size_t)view.len / sizeof *m, timed = count - (size_t)preload;
    core *c = prepared(symbols);
    uint32_t *ns = c ? malloc((timed + 1) * sizeof *ns) : NULL;
    PyObject *answer = NULL;
    if (ns != NULL) {
        for (size_t i = 0; i < (size_t)preload; i++) step(c, &m[i]);
        uint64_t last = now_ns();
        for (size_t i = 0; i < timed; i++) {
            step(c, &m[(size_t)preload + i]);
            uint64_t now = now_ns();
            ns[i] = (uint32_t)(now - last);
            last = now;
        }
        answer = percentiles(ns, timed);
    } else {
        PyErr_NoMemory();
    }
    free(ns);
    if (c != NULL) core_destroy(c);
    PyBuffer_Release(&view);
    return answer;
}

/* The least a call from Python with numbers can cost: six of them parsed, nothing done. */
static PyObject *noop(PyObject *module, PyObject *const *a, Py_ssize_t n)
{
    (void)module;
    long long sum = 0;
    if (n != 6) {
        PyErr_SetString(PyExc_TypeError, "six numbers are wanted");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        long long x = PyLong_AsLongLong(a[i]);
        if (x == -1 && PyErr_Occurred()) return NULL;
        sum += x;
    }
    return PyLong_FromLong(sum == 0);
}

static PyMethodDef METHODS[] = {
    {"noop", (PyCFunction)(void (*)(void))noop, METH_FASTCALL, "Six numbers parsed, nothing done: what any call costs."},
    {"pack", pack, METH_O, "Records of a stream as packed commands of the core."},
    {"bare", bare_timed, METH_VARARGS, "The bare book over a stream: (ns, hash), or None when its window does not hold the prices."},
    {"bare_latencies", bare_latencies, METH_VARARGS, "p50, p99, p99.9 of one command of the bare book."},
    {"latencies", latencies, METH_VARARGS, "p50, p99, p99.9 of one command of the core."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot SLOTS[] = {{0, NULL}};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, .m_name = "orders.benchmark._limits", .m_methods = METHODS, .m_slots = SLOTS};

PyMODINIT_FUNC PyInit__limits(void);
PyMODINIT_FUNC PyInit__limits(void) { return PyModuleDef_Init(&MODULE); }

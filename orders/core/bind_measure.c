/* How long calls took, as histograms a stage. The binding reads the clock, and only here; nothing of it goes back into the
 * core. */
#include "binding.h"

#include <time.h>

static const char *const STAGE_NAMES[STAGES] = {"place", "cancel", "amend", "batch", "command", "market", "apply", "checkpoint"};

uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
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

PyObject *Core_histogram(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t stage;
    histogram sum = {0};
    if (!(n == 2 || counted(n, 1)) || !is_stage(a[0], &stage) || (n == 2 && !histogram_from(a[1], &sum))) return NULL;
    histogram_merge(&sum, &self->stages[stage]);
    return PyBytes_FromStringAndSize((const char *)&sum, sizeof sum);
}

PyObject *Core_record(CoreObject *self, PyObject *const *a, Py_ssize_t n)
{
    uint32_t stage;
    uint64_t ns;
    if (!counted(n, 2) || !is_stage(a[0], &stage) || !u64_from(a[1], &ns)) return NULL;
    histogram_record(&self->stages[stage], ns);
    Py_RETURN_NONE;
}

PyObject *Core_measure_calls(CoreObject *self, PyObject *every)
{
    if (!u32_from(every, &self->every)) return NULL;
    self->left = self->every;
    Py_RETURN_NONE;
}

PyObject *histogram_read(PyObject *module, PyObject *packed)
{
    (void)module;
    histogram h;
    if (!histogram_from(packed, &h)) return NULL;
    return Py_BuildValue("{sKsKsKsKsKsKsK}", "count", (unsigned long long)h.count, "total_ns", (unsigned long long)h.total, "most_ns",
                         (unsigned long long)h.most, "p50_ns", (unsigned long long)histogram_at(&h, 5000), "p90_ns",
                         (unsigned long long)histogram_at(&h, 9000), "p99_ns", (unsigned long long)histogram_at(&h, 9900), "p999_ns",
                         (unsigned long long)histogram_at(&h, 9990));
}

bool add_stages(PyObject *module)
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

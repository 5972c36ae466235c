/* Numbers of Python and of C where they are rare or wide: amounts of 128 bits, and what PyArg_Parse calls. Those that are read
 * on every call are in binding.h, to be inlined. */
#include "binding.h"

PyObject *int_from_i128(i128 x)
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

bool i128_from_int(PyObject *o, i128 *out)
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

int convert_i128(PyObject *o, void *out) { return i128_from_int(o, out); }

PyObject *known_or_none(bool known, i128 amount) { return known ? int_from_i128(amount) : Py_NewRef(Py_None); }

int convert_u32(PyObject *o, void *out) { return u32_from(o, out); }

int convert_u64(PyObject *o, void *out) { return u64_from(o, out); }

/* The core's numbers under their names: codes, flags, the names of reasons, and the layouts of the packed records, so that Python
 * repeats none of them. */
#include "binding.h"

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
    C(FLAG_UNWIND),
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

bool add_names(PyObject *module)
{
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof *CONSTANTS; i++)
        if (PyModule_AddIntConstant(module, CONSTANTS[i].name, CONSTANTS[i].value) < 0) return false;
    if (PyModule_AddStringConstant(module, "COMMAND_FORMAT", "<4B5I2Q3qQ3Q") < 0) return false;
    if (PyModule_AddStringConstant(module, "TERMS_FORMAT", "<B7x6q5Q") < 0) return false;
    if (PyModule_AddStringConstant(module, "REPORT_FORMAT", "<" REPORT_HEAD "2q2Q" REPORT_AMOUNTS) < 0) return false;
    if (PyModule_AddStringConstant(module, "REPORT_HEAD_FORMAT", "<" REPORT_HEAD) < 0) return false;
    if (PyModule_AddStringConstant(module, "TRIP_FORMAT", "<2qQIHBxQqQq") < 0) return false;
    if (PyModule_AddStringConstant(module, "TAPE_FORMAT", "<Qq2QI4B2q2IQ") < 0) return false;
    return add_wide(module) && add_reasons(module);
}

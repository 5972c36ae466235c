/* The core without Python over a stream, beside the bare book: parts STREAM [rounds]. Built by suite.py once whole and once
 * for each part left out (see LEAVE_OUT in straight.c), so that the difference is what the part costs.
 *
 * The time of a batch of 512 is the least of all rounds, so what else the machine does is left out as well. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../commands.h"

#define BATCH ((size_t)512)
#define OUT_BYTES ((size_t)1 << 24)

typedef struct {
    const stream_record *records;
    core_command *commands;
    size_t count, preload;
    unsigned symbols;
    uint64_t hash;
} stream;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool load(const char *path, stream *s)
{
    uint64_t header[8];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(header, sizeof header, 1, file) != 1) return false;
    *s = (stream){.count = header[1], .preload = header[2], .symbols = (unsigned)header[3], .hash = header[7]};
    stream_record *records = malloc(s->count * sizeof *records);
    s->records = records;
    s->commands = malloc(s->count * sizeof *s->commands);
    if (records == NULL || s->commands == NULL || fread(records, sizeof *records, s->count, file) != s->count) return false;
    for (size_t i = 0; i < s->count; i++) s->commands[i] = command_of(&records[i], (int64_t)i + 1);
    return fclose(file) == 0;
}

static core *prepared(unsigned symbols)
{
    core *c = core_create(1u << 22, 1u << 16);
    core_instrument_spec spec = {.exchange = 1, .spec_version = 1, .base_asset = 1, .quote_asset = 2, .base_unit = 1, .quote_unit = 1};
    core_limits limits = {.open_orders_max = 1000000,
                          .open_orders_instrument_max = 1000000,
                          .notional_max = 1000000000000000,
                          .rate_per_second = 1000000000,
                          .rate_burst = 1000000000};
    i128 total;
    spec.qty_min_lots = spec.notional_min = 1;
    spec.qty_max_lots = 1000000;
    spec.maker_fee_ppm = 500;
    spec.taker_fee_ppm = 1000;
    bool bad = c == NULL;
    for (unsigned i = 1; !bad && i <= symbols; i++) bad = core_set_instrument(c, i, &spec) != NULL;
    for (unsigned a = 1; !bad && a <= ACCOUNTS; a++) {
        bad = core_set_account(c, a, &(core_account_spec){.owner = a}) || core_set_limits(c, SCOPE_ACCOUNT, a, &limits);
        for (unsigned asset = 1; !bad && asset <= 2; asset++) bad = core_post(c, a, asset, CORE_AMOUNT_MAX / 1000, true, &total) != NULL;
    }
    return bad ? NULL : c;
}

static void run_batch(core *c, const core_command *m, size_t count, uint8_t *out)
{
    static core_tape tape[1 << 16];
    const core_report *first;
    for (size_t done = 0, used = 0; done < count;) {
        core_lend(c, out + used, OUT_BYTES / 2 - used);
        done += core_process(c, m + done, count - done, done);
        used += core_take_back(c);
        size_t waiting = core_reports(c, &first);
        memcpy(out + used, first, waiting);
        used += waiting;
        core_reports_clear(c);
    }
    core_tape_take(c, tape, sizeof tape / sizeof *tape);
}

static void keep_least(double *least, double ns)
{
    if (*least == 0 || ns < *least) *least = ns;
}

static bool round_of_core(const stream *s, uint8_t *out, double *least)
{
    core *c = prepared(s->symbols);
    core_counters counters;
    if (c == NULL) return false;
    for (size_t at = 0; at < s->preload; at += BATCH)
        run_batch(c, s->commands + at, s->preload - at < BATCH ? s->preload - at : BATCH, out);
    for (size_t at = s->preload; at + BATCH <= s->count; at += BATCH) {
        double start = now_ns();
        run_batch(c, s->commands + at, BATCH, out);
        keep_least(least++, now_ns() - start);
    }
    run_batch(c, s->commands + s->count - (s->count - s->preload) % BATCH, (s->count - s->preload) % BATCH, out);
    core_stats(c, &counters);
    core_destroy(c);
    return counters.trade_hash == s->hash;
}

static bool round_of_bare(const stream *s, double *least)
{
    bare *b = bare_create(s->records, s->count, s->symbols);
    if (b == NULL) return false;
    bare_run(b, s->records, s->preload);
    for (size_t at = s->preload; at + BATCH <= s->count; at += BATCH) {
        double start = now_ns();
        bare_run(b, s->records + at, BATCH);
        keep_least(least++, now_ns() - start);
    }
    bare_destroy(b);
    return true;
}

static double mean(const double *least, size_t batches)
{
    double sum = 0;
    for (size_t i = 0; i < batches; i++) sum += least[i];
    return batches ? sum / (double)batches / (double)BATCH : 0;
}

int main(int count, char **words)
{
    stream s;
    if (count < 2 || !load(words[1], &s)) return 1;
    size_t batches = (s.count - s.preload) / BATCH;
    double *core_least = calloc(batches + 1, sizeof *core_least), *bare_least = calloc(batches + 1, sizeof *bare_least);
    uint8_t *out = aligned_alloc(64, OUT_BYTES);
    bool same = true, held = true;
    if (core_least == NULL || bare_least == NULL || out == NULL) return 1;
    memset(out, 1, OUT_BYTES);
    for (int left = count > 2 ? atoi(words[2]) : 5; left > 0; left--) {
        same = round_of_core(&s, out, core_least) && same;
        held = round_of_bare(&s, bare_least) && held;
    }
    printf("{\"core_ns\": %.1f, \"bare_ns\": %.1f, \"same\": %s}\n", mean(core_least, batches), held ? mean(bare_least, batches) : 0.0,
           same ? "true" : "false");
    return 0;
}

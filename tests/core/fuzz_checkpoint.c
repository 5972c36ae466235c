/* Any bytes as a checkpoint, its checksum made to hold: it restores to a core that keeps every invariant, or it is refused
 * with a sentence and the core is as fresh as before. */
#include "fuzz.h"

#include <stdlib.h>

static uint64_t checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = 0x45524F434E44524Du;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        sum = fixed_mix(sum ^ word) + 0x9E3779B97F4A7C15u;
    }
    return sum;
}

static core *lived(void)
{
    core *c = cast_of(1u << 8, 1u << 8);
    core_set_halt(c, SCOPE_STRATEGY, 7, HALT_REDUCING);
    place(c, 1, ALICE, SIDE_BUY, 90, 10);
    place(c, 2, BOB, SIDE_SELL, 110, 10);
    place(c, 3, ALICE, SIDE_BUY, 110, 4);
    core_reports_clear(c);
    return c;
}

static void restores_or_refuses(const uint8_t *bytes, size_t size)
{
    core *c = core_create(1u << 8, 1u << 8);
    const char *why = core_restore(c, bytes, size);
    if (why == NULL) {
        HOLDS(c);
        size_t again = core_checkpoint_size(c);
        uint8_t *written = malloc(again);
        core_checkpoint(c, written);
        core *other = core_create(1u << 8, 1u << 8);
        PROMISE(core_restore(other, written, again) == NULL && core_hash(other) == core_hash(c));
        core_destroy(other);
        free(written);
        place(c, 1000, ALICE, SIDE_BUY, 120, 30);
        place(c, 1001, BOB, SIDE_SELL, 80, 30);
        cancel(c, 1);
        HOLDS(c);
    } else {
        core *good = lived();
        size_t whole = core_checkpoint_size(good);
        uint8_t *saved = malloc(whole);
        core_checkpoint(good, saved);
        PROMISE(core_broken(c) == NULL && core_hash(c) == 0);
        PROMISE(core_restore(c, saved, whole) == NULL && core_hash(c) == core_hash(good));
        core_destroy(good);
        free(saved);
    }
    core_destroy(c);
}

/* A true checkpoint with some words changed, or bytes as they come. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed f = {data, data + (size < 4096 ? size : 4096)};
    core *c = lived();
    size_t whole = core_checkpoint_size(c);
    uint8_t *bytes = malloc(whole + 8);
    core_checkpoint(c, bytes);
    core_destroy(c);
    if (number(&f, 1) % 8 == 0) {
        whole = 8 + (size_t)(f.end - f.at) / 8 * 8;
        bytes = realloc(bytes, whole + 8);
        for (size_t i = 0; i < whole - 8; i++) bytes[i] = (uint8_t)number(&f, 1);
    } else {
        for (uint64_t left = 1 + number(&f, 1) % 4; left; left--) {
            int64_t word = wild(&f, 0, 30);
            memcpy(bytes + number(&f, 2) % (whole / 8 - 1) * 8, &word, 8);
        }
        if (number(&f, 1) % 8 == 0) whole -= 8 * (1 + number(&f, 1) % (whole / 8 - 1));
    }
    uint64_t sum = checksum(bytes, whole - 8);
    memcpy(bytes + whole - 8, &sum, 8);
    restores_or_refuses(bytes, whole);
    free(bytes);
    return 0;
}

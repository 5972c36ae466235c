/* A fuzz target without libFuzzer: every file named, then seeded bytes. Usage: fuzz_x [rounds] [seed] [file...]. */
#include "fuzz.h"

static uint64_t state;

static uint64_t draw(void) { return fixed_mix(state += 0x9E3779B97F4A7C15u); }

static void one_file(const char *name)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(name, "rb");
    PROMISE(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
}

int main(int count, char **words)
{
    uint64_t rounds = count > 1 ? strtoull(words[1], NULL, 10) : 60, seed = count > 2 ? strtoull(words[2], NULL, 10) : 1;
    for (int i = 3; i < count; i++) one_file(words[i]);
    for (uint64_t round = 0; round < rounds; round++) {
        static uint8_t bytes[8192];
        state = seed + round;
        size_t size = draw() % sizeof bytes;
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)draw();
        LLVMFuzzerTestOneInput(bytes, size);
    }
    return 0;
}

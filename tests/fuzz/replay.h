/*
 * Fuzz targets without a fuzzer: run given inputs, or the target's corpus.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Each fuzz target's own; returns 0. A broken property must abort(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int replay_target(const uint8_t *data, size_t size);

/* Arguments are files or folders of inputs; without any, the corpus folder
 * tests/fuzz/corpus/NAME of the program fuzz_NAME. Prints TAP. */
int replay_main(replay_target *target, int argc, char **argv);

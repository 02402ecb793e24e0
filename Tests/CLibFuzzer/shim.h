#include <stddef.h>
#include <stdint.h>

// Of libFuzzer (compiler-rt/lib/fuzzer/FuzzerInterface.h): for programs that have a main of their own.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *bytes, size_t count));

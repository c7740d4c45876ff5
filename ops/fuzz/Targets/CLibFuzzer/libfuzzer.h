// libFuzzer's driver, in the compiler's clang_rt.fuzzer_no_main library.
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test_one_input)(const uint8_t *data, size_t size));

#pragma once
#include <stddef.h>

/// How many blocks of memory this process has asked the heap for: new ones, and old ones that had to become larger.
size_t allocations_count(void);

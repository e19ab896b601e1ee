/* Memory that ends where a page begins that nobody may touch: whoever reads or writes one byte too far is stopped at once. */
#ifndef TRAINHOST_FENCE_H
#define TRAINHOST_FENCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Zeroed; NULL when there is no memory. size is at most a page and a multiple of 8, as all structs of the ABI are. */
static inline void* fence_new(size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* pages = (char*)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0) return NULL;
  return pages + page - size;
}

static inline void fence_free(void* memory) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  munmap((void*)((uintptr_t)memory / page * page), 2 * page);
}

#endif

/* Everything that can go wrong inside of a call, by name. */
#ifndef TRAINHOST_MISHAPS_H
#define TRAINHOST_MISHAPS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int mishap_zero = 0;
static volatile uintptr_t mishap_nowhere = 16;

static int mishap_overflow_stack(volatile char* from_above) {
  volatile char room[4096];
  room[0] = *from_above;
  return mishap_zero ? 0 : mishap_overflow_stack(room) + room[0];
}

static void mishap_touch_beyond_a_file(void) {
  FILE* file = tmpfile();
  char* bytes = (char*)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
  mishap_zero += *(volatile char*)bytes;
}

static void mishap_write_to_nobody(void) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  close(ends[0]);
  if (write(ends[1], "x", 1) != -1) abort();
  close(ends[1]);
}

static void mishap_sleep(long milliseconds) {
  const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

/* Returns only from what leaves the thread alive. */
static void let_happen(const char* mishap) {
  volatile char top = 0;
  if (strcmp(mishap, "SIGSEGV") == 0) *(volatile int*)mishap_nowhere = 1;
  if (strcmp(mishap, "SIGABRT") == 0) abort();
  if (strcmp(mishap, "SIGFPE") == 0) mishap_zero = 1000 / mishap_zero;
  if (strcmp(mishap, "SIGILL") == 0) __builtin_trap();
  if (strcmp(mishap, "SIGBUS") == 0) mishap_touch_beyond_a_file();
  if (strcmp(mishap, "stack overflow") == 0) mishap_zero = mishap_overflow_stack(&top);
  if (strcmp(mishap, "exit") == 0) exit(0);
  if (strcmp(mishap, "sleep") == 0) mishap_sleep(1200);
  if (strcmp(mishap, "SIGPIPE") == 0) mishap_write_to_nobody();
  if (strcmp(mishap, "hang") == 0)
    for (;;) pause();
  if (strcmp(mishap, "wait for go") == 0)
    while (access("go", F_OK) != 0) mishap_sleep(5);
}

#endif

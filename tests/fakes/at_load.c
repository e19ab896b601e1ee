/* A rule whose library goes wrong before anybody calls it, in its constructor. */
#include "mishaps.h"

__attribute__((constructor)) static void at_load(void) { let_happen(AT_LOAD); }

#include "rule.c"

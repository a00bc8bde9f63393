#ifndef ORDERS_H
#define ORDERS_H

#include <signal.h>
#include <stddef.h>

extern volatile sig_atomic_t wanted_end; /* 'h', 'p', 'r': how the machine shall end; 0: it goes on */

void orders_take(char kind, int channel, const char *data, size_t length);

#endif

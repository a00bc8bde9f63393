#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>

void report(const char *what); /* one line into the kernel's log, and so onto the console */
void fail(const char *what);   /* what must work and doesn't: say so, then end as a kernel without an init */
double uptime_ms(void); /* since it was booted, or went on */
void begin_clock(void);
size_t read_text(const char *path, char *text, size_t size); /* 0: nothing could be read */
void write_text(const char *path, const char *text);
bool word(const char *name, char *value, size_t size); /* NAME=VALUE on the kernel's command line */

#endif

#ifndef RUN_H
#define RUN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { MAX_CHANNELS = 8 };

void run_argument(int channel, const char *data, size_t length);
void run_facts(int channel, const char *data, size_t length);
void run_start(int channel, char how); /* as 'r'oot, as the 'l'earner, as a 'c'heck */
void run_input(int channel, const char *data, size_t length);
void run_credit(int channel, size_t bytes);
void run_kill(int channel);
void run_kill_all(void);
bool run_reap(pid_t pid, int status);
int run_polled(struct pollfd *polled); /* at most 3 a channel */
void run_ready(const struct pollfd *polled, int count);

#endif

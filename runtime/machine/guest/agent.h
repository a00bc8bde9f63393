#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_PAYLOAD = 4096 };

/* What to do with a frame. */
typedef void agent_taker(char kind, int channel, const char *data, size_t length);

bool agent_open(void);
int agent_fd(void);
void agent_hello(double init_ms);
void agent_ready(double shell_ms);
void agent_bye(const char *how);
bool agent_has_room(void);
bool agent_wants_write(void);
void agent_send(char kind, int channel, const void *data, size_t length);
void agent_forget(void); /* what was not yet sent: nobody waits for it any more */
void agent_read(agent_taker *take);
void agent_flush(void);
uint64_t agent_number(const char *at, int bytes);

#endif

/* What the three parts of a machine's process 1 share; the wire is described in runtime/machine/agent.py. */
#ifndef GUEST_H
#define GUEST_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { MAX_PAYLOAD = 4096, WINDOW = 32768, MAX_CHANNELS = 8 };

/* The account that the console's shell and a learner's commands run as, from the kernel's words. */
struct account {
    char name[64];
    char home[128];
    char shell[128];
    uid_t uid;
    gid_t gid;
};

/* init.c */
extern struct account learner;
extern volatile sig_atomic_t wanted_end; /* 'h', 'p', 'r': how the machine shall end; 0: it goes on */
void report(const char *what);           /* one line into the kernel's log, and so onto the console */
void become(const struct account *who);
double uptime_ms(void);

/* agent.c */
bool agent_open(void);
void agent_hello(double init_ms);
void agent_ready(double shell_ms);
void agent_bye(const char *how);
int agent_fd(void);
void agent_resize(int rows, int cols);
bool agent_has_room(void);
bool agent_wants_write(void);
void agent_send(char kind, int channel, const void *data, size_t length);
void agent_read(void);
void agent_flush(void);

/* run.c */
void run_argument(int channel, const char *data, size_t length);
void run_facts(int channel, const char *data, size_t length);
void run_start(int channel, char how);
void run_input(int channel, const char *data, size_t length);
void run_credit(int channel, size_t bytes);
void run_kill(int channel);
void run_kill_all(void);
bool run_reap(pid_t pid, int status);
struct pollfd;
int run_polled(struct pollfd *polled);
void run_ready(const struct pollfd *polled, int count);

#endif

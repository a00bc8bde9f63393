/* What the server asks of a machine, frame by frame (the wire is described in runtime/machine/agent.py). */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "agent.h"
#include "console.h"
#include "orders.h"
#include "run.h"

enum { CLOCK_SLACK_US = 100000 };

volatile sig_atomic_t wanted_end;

static void set_clock(uint64_t wanted_us) {
    struct timeval now;
    gettimeofday(&now, NULL);
    int64_t off = (int64_t)wanted_us - ((int64_t)now.tv_sec * 1000000 + now.tv_usec);
    if (off > CLOCK_SLACK_US || off < -CLOCK_SLACK_US) {
        struct timeval wanted = {wanted_us / 1000000, wanted_us % 1000000};
        settimeofday(&wanted, NULL);
    }
}

/* What the kernel says of memory (kB) and processes, for the server to show beside its own view. */
static void send_figures(void) {
    static const char *const names[] = {"MemTotal:", "MemFree:", "Cached:", "Buffers:", "AnonPages:"};
    char text[256], line[128];
    long found[5] = {0}, processes = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file)) {
        for (int i = 0; i < 5; i++) {
            if (strncmp(line, names[i], strlen(names[i])) == 0) {
                found[i] = atol(line + strlen(names[i]));
            }
        }
    }
    if (file) {
        fclose(file);
    }
    if ((file = fopen("/proc/loadavg", "re"))) {
        if (fscanf(file, "%*s %*s %*s %*d/%ld", &processes) != 1) {
            processes = 0;
        }
        fclose(file);
    }
    int length = snprintf(text, sizeof text, "%ld %ld %ld %ld %ld %ld", found[0], found[1],
                          found[2], found[3], found[4], processes);
    agent_send('T', 0, text, length);
}

void orders_take(char kind, int channel, const char *data, size_t length) {
    switch (kind) {
    case 'S': /* a server that starts anew: nobody waits for what still runs */
        run_kill_all();
        agent_forget();
        agent_send('S', 0, data, length);
        break;
    case 'T':
        if (length == 8) {
            set_clock(agent_number(data, 8));
            send_figures();
        }
        break;
    case 'Z':
        if (length == 4) {
            console_resize(agent_number(data, 2), agent_number(data + 2, 2));
        }
        break;
    case 'P':
        wanted_end = 'p';
        break;
    case 'A':
        run_argument(channel, data, length);
        break;
    case 'F':
        run_facts(channel, data, length);
        break;
    case 'X':
        run_start(channel, length ? data[0] : 'r');
        break;
    case 'I':
        run_input(channel, data, length);
        break;
    case 'W':
        run_credit(channel, length == 4 ? agent_number(data, 4) : 0);
        break;
    case 'K':
        run_kill(channel);
        break;
    }
}

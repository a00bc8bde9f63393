/* The port to the server: frames in, frames out. The server knows that root in here could send
 * anything in our place, and believes none of it beyond what it shows.
 *
 * A frame is kind, channel, length (two bytes, little-endian) and up to 4 KiB. A zero where a kind
 * should be is skipped, so a server that starts anew in the middle sends zeros until we are in step.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"
#include "kernel.h"

enum { HEADER = 4, OUT_BYTES = 65536 };

static int port = -1;
static char in[HEADER + MAX_PAYLOAD];
static size_t in_length;
static char out[OUT_BYTES];
static size_t out_length;

static bool is_ours(const char *name) {
    char path[320], text[32];
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", name);
    return read_text(path, text, sizeof text) > 0 && strncmp(text, "slip.agent", 10) == 0;
}

static bool look_for_port(void) {
    DIR *ports = opendir("/sys/class/virtio-ports");
    struct dirent *entry;
    char path[320];
    while (ports && port < 0 && (entry = readdir(ports))) {
        if (is_ours(entry->d_name)) {
            snprintf(path, sizeof path, "/dev/%s", entry->d_name);
            port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        }
    }
    if (ports) {
        closedir(ports);
    }
    return port >= 0;
}

bool agent_open(void) {
    for (int tries = 0; tries < 2000 && !look_for_port(); tries++) {
        usleep(1000);
    }
    return port >= 0;
}

int agent_fd(void) { return port; }

bool agent_has_room(void) { return OUT_BYTES - out_length > 4 * (HEADER + MAX_PAYLOAD); }

bool agent_wants_write(void) { return out_length > 0; }

void agent_flush(void) {
    while (out_length > 0) {
        ssize_t written = write(port, out, out_length);
        if (written <= 0) {
            return;
        }
        out_length -= written;
        memmove(out, out + written, out_length);
    }
}

void agent_send(char kind, int channel, const void *data, size_t length) {
    if (OUT_BYTES - out_length < HEADER + length) {
        return; /* nobody has read for long; whoever sends much asks agent_has_room first */
    }
    char *at = out + out_length;
    at[0] = kind;
    at[1] = (char)channel;
    at[2] = (char)(length & 0xff);
    at[3] = (char)(length >> 8);
    memcpy(at + HEADER, data, length);
    out_length += HEADER + length;
    agent_flush();
}

void agent_forget(void) { out_length = 0; }

void agent_hello(double init_ms) {
    char text[256], boot_id[64];
    struct utsname names;
    uname(&names);
    read_text("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id);
    boot_id[strcspn(boot_id, "\n")] = 0;
    int length = snprintf(text, sizeof text, "%.1f %.1f %s %s", init_ms, uptime_ms(),
                          names.release, boot_id);
    agent_send('H', 0, text, length);
}

void agent_ready(double shell_ms) {
    char text[64];
    int length = snprintf(text, sizeof text, "%.1f %.1f", shell_ms, uptime_ms());
    agent_send('R', 0, text, length);
}

void agent_bye(const char *how) { agent_send('B', 0, how, strlen(how)); }

uint64_t agent_number(const char *at, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
        value = value << 8 | (unsigned char)at[i];
    }
    return value;
}

void agent_read(agent_taker *take) {
    ssize_t got = read(port, in + in_length, sizeof in - in_length);
    if (got <= 0) {
        if (got == 0) {
            usleep(10000); /* nobody is connected on the other side */
        }
        return;
    }
    in_length += got;
    size_t at = 0;
    while (at < in_length) {
        if (in[at] == 0) {
            at++;
            continue;
        }
        if (in_length - at < HEADER) {
            break;
        }
        size_t length = agent_number(in + at + 2, 2);
        if (length > MAX_PAYLOAD) {
            at = in_length; /* out of step; the server will say 'S' */
            break;
        }
        if (in_length - at < HEADER + length) {
            break;
        }
        take(in[at], (unsigned char)in[at + 1], in + at + HEADER, length);
        at += HEADER + length;
    }
    in_length -= at;
    memmove(in, in + at, in_length);
}

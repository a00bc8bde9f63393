/* What every part asks of the kernel: its log, its clock, its command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

static double clock_began_ms;

double uptime_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6 - clock_began_ms;
}

void begin_clock(void) { clock_began_ms += uptime_ms(); }

void report(const char *what) {
    int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        dprintf(fd, "<4>init: %s\n", what);
        close(fd);
    }
}

void fail(const char *what) {
    char line[256];
    snprintf(line, sizeof line, "%s: %s", what, strerror(errno));
    report(line);
    exit(1);
}

size_t read_text(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, size - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = 0;
    return length > 0 ? length : 0;
}

void write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        if (write(fd, text, strlen(text)) < 0) {
            report(path);
        }
        close(fd);
    }
}

static const char *read_words(void) {
    static char words[4096];
    if (words[0]) {
        return words;
    }
    if (read_text("/proc/cmdline", words, sizeof words) == 0) {
        fail("/proc/cmdline");
    }
    words[strcspn(words, "\n")] = 0;
    return words;
}

bool word(const char *name, char *value, size_t size) {
    const char *words = read_words();
    size_t length = strlen(name);
    for (const char *at = words; (at = strstr(at, name)); at += length) {
        if ((at == words || at[-1] == ' ') && at[length] == '=') {
            size_t end = strcspn(at + length + 1, " ");
            snprintf(value, size, "%.*s", (int)end, at + length + 1);
            return true;
        }
    }
    return false;
}

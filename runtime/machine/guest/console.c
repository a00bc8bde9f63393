/* The console, and the learner's shell on it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "console.h"
#include "kernel.h"

enum { LOG_BYTES = 128 * 1024, PROMPT_PATIENCE_MS = 10000 };
enum { LOG_READ_ALL = 3, LOG_CONSOLE_LEVEL = 8, ALL_BUT_DEBUG = 7, ERRORS = 4 }; /* syslog(2) */

static int rows = 24, cols = 80;
static pid_t shell_pid;
static double shell_started_ms;

void console_learn(void) {
    char text[16];
    if (word("slip.rows", text, sizeof text)) {
        rows = atoi(text);
    }
    if (word("slip.cols", text, sizeof text)) {
        cols = atoi(text);
    }
}

/* The console is a module's, so it comes too late for what the kernel said before: say it again. */
void console_show_log(void) {
    char *text = malloc(LOG_BYTES);
    int length = text ? klogctl(LOG_READ_ALL, text, LOG_BYTES) : -1;
    int fd = open("/dev/hvc0", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    for (char *at = text; length > 0 && fd >= 0 && at < text + length;) {
        char *line = *at == '<' && memchr(at, '>', 5) ? strchr(at, '>') + 1 : at;
        char *end = memchr(line, '\n', text + length - line);
        end = end ? end + 1 : text + length;
        if (write(fd, line, end - line) < 0) {
            break;
        }
        at = end;
    }
    close(fd);
    free(text);
    klogctl(LOG_CONSOLE_LEVEL, NULL, ALL_BUT_DEBUG);
}

void console_hand_over(void) { klogctl(LOG_CONSOLE_LEVEL, NULL, ERRORS); }

void console_resize(int new_rows, int new_cols) {
    struct winsize size = {.ws_row = new_rows, .ws_col = new_cols};
    int fd = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    rows = new_rows;
    cols = new_cols;
    if (fd >= 0) {
        ioctl(fd, TIOCSWINSZ, &size);
        close(fd);
    }
}

void console_start_shell(void) {
    shell_started_ms = uptime_ms();
    shell_pid = fork();
    if (shell_pid != 0) {
        return;
    }
    setsid();
    int fd = open("/dev/hvc0", O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 1) < 0) {
        _exit(126);
    }
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    ioctl(fd, TIOCSWINSZ, &size);
    (void)!fchown(fd, learner.uid, 5);
    fchmod(fd, 0620);
    for (int i = 0; i < 3; i++) {
        dup2(fd, i);
    }
    if (fd > 2) {
        close(fd);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    become(&learner);
    const char *base = strrchr(learner.shell, '/');
    char name[130];
    snprintf(name, sizeof name, "-%s", base ? base + 1 : learner.shell);
    execl(learner.shell, name, (char *)NULL);
    _exit(127);
}

bool console_is_shell(pid_t pid) { return pid == shell_pid; }

double console_shell_started_ms(void) { return shell_started_ms; }

/* A shell that has printed its prompt waits for its terminal, and for nothing else: the kernel
 * tells in which system call (read = 0, poll = 7, select = 23, pselect6 = 270, ppoll = 271). */
static bool is_at_prompt(void) {
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/syscall", shell_pid);
    long call;
    unsigned long first;
    if (read_text(path, text, sizeof text) == 0 || sscanf(text, "%ld %lx", &call, &first) != 2) {
        return false;
    }
    return (call == 0 && first == 0) || ((call == 23 || call == 270) && first == 1) || call == 7 ||
           call == 271;
}

bool console_is_ready(void) {
    /* One that is typed into without a pause never waits, but lives on. */
    return is_at_prompt() || uptime_ms() > shell_started_ms + PROMPT_PATIENCE_MS;
}

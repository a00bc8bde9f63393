/* Commands that the server asks for: as root, as the learner, or as a check, which has the pristine
 * image as its root and the machine's at /lab, read-only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include "account.h"
#include "agent.h"
#include "run.h"

enum { WINDOW = 32768, MAX_ARGUMENTS = 256, MAX_TEXT = 512 * 1024, CHECK_ID = 70000, NOT_STARTED = 126, MISSING = 127 };

struct text {
    char *bytes;
    size_t length;
};

static struct channel {
    pid_t pid;
    struct text arguments, facts, input;
    bool input_ended;
    int in_fd, out_fds[2]; /* -1: closed */
    size_t credit;         /* bytes of output that the server still takes */
    int code;              /* of the command that has ended; -1: it runs */
    char how;              /* 'r'oot, 'l'earner, 'c'heck */
} channels[MAX_CHANNELS];

static struct channel *find(int number) {
    return number >= 1 && number <= MAX_CHANNELS ? &channels[number - 1] : NULL;
}

static void add(struct text *text, const char *data, size_t length) {
    if (text->length + length > MAX_TEXT) {
        return;
    }
    char *grown = realloc(text->bytes, text->length + length + 1);
    if (grown) {
        memcpy(grown + text->length, data, length);
        text->bytes = grown;
        text->length += length;
        text->bytes[text->length] = 0;
    }
}

static void drop(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}

void run_argument(int number, const char *data, size_t length) {
    struct channel *channel = find(number);
    if (channel && !channel->pid) {
        add(&channel->arguments, data, length);
    }
}

void run_facts(int number, const char *data, size_t length) {
    struct channel *channel = find(number);
    if (channel && !channel->pid) {
        add(&channel->facts, data, length);
    }
}

/* ---- a check's world, made in the child ---- */

static int memory_file(const char *name, const struct text *text) {
    int fd = memfd_create(name, 0);
    if (fd >= 0 && text->length && write(fd, text->bytes, text->length) < 0) {
        _exit(NOT_STARTED);
    }
    fchmod(fd, 0555);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void must(int outcome) {
    if (outcome < 0) {
        dprintf(2, "the check could not be started: %s\n", strerror(errno));
        _exit(NOT_STARTED);
    }
}

static void enter_pristine(void) {
    must(unshare(CLONE_NEWNS));
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    mkdir("/run/machine/check", 0755);
    must(mount("tmpfs", "/run/machine/check", "tmpfs", 0, "size=32m,mode=755"));
    must(chdir("/run/machine/check"));
    mkdir("lower", 0755);
    mkdir("upper", 0755);
    mkdir("work", 0755);
    mkdir("root", 0755);
    must(mount("/dev/vda", "lower", "erofs", MS_RDONLY, NULL));
    must(mount("overlay", "root", "overlay", 0,
               "lowerdir=/run/machine/check/lower,upperdir=/run/machine/check/upper,"
               "workdir=/run/machine/check/work"));
    mkdir("root/lab", 0755);
    must(mount("/", "root/lab", NULL, MS_BIND | MS_REC, NULL));
    must(mount(NULL, "root/lab", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL));
    must(mount("/dev", "root/dev", NULL, MS_BIND | MS_REC, NULL));
    must(mount("proc", "root/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    mount("/sys", "root/sys", NULL, MS_BIND | MS_REC, NULL);
    must(chdir("root"));
    must(syscall(SYS_pivot_root, ".", "."));
    must(umount2(".", MNT_DETACH));
    must(chdir("/"));
}

/* User 70000, who may read what the learner keeps private, look at processes' namespaces and enter
   them (SYS_ADMIN: setns(2)), and nothing else. */
static void become_check(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct reading[2] = {0};
    must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    must(setgroups(0, NULL));
    must(setresgid(CHECK_ID, CHECK_ID, CHECK_ID));
    must(setresuid(CHECK_ID, CHECK_ID, CHECK_ID));
    reading[0].effective = reading[0].permitted = reading[0].inheritable =
        1U << CAP_DAC_READ_SEARCH | 1U << CAP_SYS_PTRACE | 1U << CAP_SYS_ADMIN;
    must(syscall(SYS_capset, &header, reading));
    must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0));
    must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_PTRACE, 0, 0));
    must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    clearenv();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("HOME", "/tmp", 1);
}

static void be_check(const struct channel *channel) {
    int facts = memory_file("facts", &channel->facts);
    int script = memory_file("check", &channel->arguments);
    char path[32];
    must(fcntl(facts, F_DUPFD, 10));
    int high = fcntl(script, F_DUPFD, 10);
    must(dup2(fcntl(facts, F_DUPFD, 10), 3));
    must(dup2(high, 4));
    enter_pristine();
    become_check();
    for (int fd = 5; fd < 64; fd++) {
        close(fd);
    }
    char *const argv[] = {"check", NULL};
    syscall(SYS_execveat, 4, "", argv, environ, 0x1000 /* AT_EMPTY_PATH */);
    if (errno == ENOEXEC) { /* a shell would take over here too */
        snprintf(path, sizeof path, "/dev/fd/4");
        execl("/bin/sh", "sh", path, (char *)NULL);
    }
    _exit(NOT_STARTED);
}

static void be_command(const struct channel *channel, char how) {
    static const struct account root = {"root", "/root", "/bin/bash", 0, 0};
    char *argv[MAX_ARGUMENTS + 1];
    int count = 0;
    for (size_t at = 0; at < channel->arguments.length && count < MAX_ARGUMENTS;) {
        argv[count++] = channel->arguments.bytes + at;
        at += strlen(channel->arguments.bytes + at) + 1;
    }
    argv[count] = NULL;
    become(how == 'l' ? &learner : &root);
    if (count) {
        execvp(argv[0], argv);
        dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    }
    _exit(errno == ENOENT ? MISSING : NOT_STARTED);
}

/* ---- starting, feeding, ending ---- */

static void finish(int number, int code) {
    char byte = (char)code;
    struct channel *channel = find(number);
    if (channel->how == 'c' && channel->pid > 0) {
        kill(-channel->pid, SIGKILL); /* a check leaves nothing running */
    }
    drop(&channel->arguments);
    drop(&channel->facts);
    drop(&channel->input);
    if (channel->in_fd >= 0) {
        close(channel->in_fd);
    }
    *channel = (struct channel){.in_fd = -1, .out_fds = {-1, -1}, .code = -1};
    agent_send('Q', number, &byte, 1);
}

static bool make_pipes(int pipes[3][2]) {
    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) < 0) {
            while (i-- > 0) {
                close(pipes[i][0]);
                close(pipes[i][1]);
            }
            return false;
        }
    }
    return true;
}

void run_start(int number, char how) {
    struct channel *channel = find(number);
    int pipes[3][2];
    if (!channel || channel->pid) {
        return;
    }
    channel->how = how;
    if (!make_pipes(pipes)) {
        channel->in_fd = -1;
        finish(number, NOT_STARTED);
        return;
    }
    channel->pid = fork();
    if (channel->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        setsid();
        dup2(pipes[0][0], 0);
        dup2(pipes[1][1], 1);
        dup2(pipes[2][1], 2);
        if (how == 'c') {
            be_check(channel);
        }
        be_command(channel, how);
    }
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    channel->in_fd = pipes[0][1];
    channel->out_fds[0] = pipes[1][0];
    channel->out_fds[1] = pipes[2][0];
    fcntl(channel->in_fd, F_SETFL, O_NONBLOCK);
    fcntl(channel->out_fds[0], F_SETFL, O_NONBLOCK);
    fcntl(channel->out_fds[1], F_SETFL, O_NONBLOCK);
    channel->credit = WINDOW;
    channel->code = -1;
    if (channel->pid < 0) {
        channel->pid = 0;
        close(channel->out_fds[0]);
        close(channel->out_fds[1]);
        finish(number, NOT_STARTED);
    }
}

static void feed(int number) {
    struct channel *channel = find(number);
    if (channel->in_fd < 0) {
        return;
    }
    ssize_t written = channel->input.length
                          ? write(channel->in_fd, channel->input.bytes, channel->input.length)
                          : 0;
    if (written < 0 && errno != EAGAIN) {
        written = channel->input.length; /* it reads no more; what comes is thrown away */
    }
    if (written > 0) {
        unsigned char took[4];
        for (int i = 0; i < 4; i++) {
            took[i] = (uint32_t)written >> (8 * i);
        }
        channel->input.length -= written;
        memmove(channel->input.bytes, channel->input.bytes + written, channel->input.length);
        agent_send('W', number, took, 4);
    }
    if (channel->input_ended && channel->input.length == 0) {
        close(channel->in_fd);
        channel->in_fd = -1;
    }
}

void run_input(int number, const char *data, size_t length) {
    struct channel *channel = find(number);
    if (!channel || !channel->pid) {
        return;
    }
    if (length == 0) {
        channel->input_ended = true;
    } else if (channel->input.length + length <= 2 * WINDOW) {
        add(&channel->input, data, length);
    }
    feed(number);
}

void run_credit(int number, size_t bytes) {
    struct channel *channel = find(number);
    if (channel && channel->pid) {
        channel->credit += bytes;
    }
}

void run_kill(int number) {
    struct channel *channel = find(number);
    if (channel && channel->pid > 0) {
        kill(-channel->pid, SIGKILL); /* it and what it started: a session of its own */
        kill(channel->pid, SIGKILL);
    }
}

void run_kill_all(void) {
    for (int number = 1; number <= MAX_CHANNELS; number++) {
        run_kill(number);
        drop(&channels[number - 1].arguments);
        drop(&channels[number - 1].facts);
    }
}

static void maybe_finish(int number) {
    struct channel *channel = find(number);
    if (channel->code >= 0 && channel->out_fds[0] < 0 && channel->out_fds[1] < 0) {
        finish(number, channel->code);
    }
}

/* Output first, then the code: what is still in the pipes is read before the end is told. */
static void drain(int number, int stream) {
    struct channel *channel = find(number);
    char data[MAX_PAYLOAD];
    if (!channel->pid) {
        return;
    }
    while (channel->out_fds[stream] >= 0 && channel->credit > 0 && agent_has_room()) {
        size_t most = channel->credit < sizeof data ? channel->credit : sizeof data;
        ssize_t got = read(channel->out_fds[stream], data, most);
        if (got > 0) {
            channel->credit -= got;
            agent_send(stream ? 'E' : 'O', number, data, got);
            continue;
        }
        /* A child in the background may keep the pipe open: when the command itself has ended and
         * nothing is left to read, that is the end. */
        if (got == 0 || errno != EAGAIN || channel->code >= 0) {
            close(channel->out_fds[stream]);
            channel->out_fds[stream] = -1;
        }
        break;
    }
    maybe_finish(number);
}

bool run_reap(pid_t pid, int status) {
    for (int number = 1; number <= MAX_CHANNELS; number++) {
        struct channel *channel = &channels[number - 1];
        if (channel->pid == pid && pid > 0) {
            channel->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            drain(number, 0);
            drain(number, 1);
            return true;
        }
    }
    return false;
}

int run_polled(struct pollfd *polled) {
    int count = 0;
    for (int i = 0; i < MAX_CHANNELS; i++) {
        struct channel *channel = &channels[i];
        if (channel->pid && channel->code >= 0) { /* it has ended; the server has made room since */
            drain(i + 1, 0);
            drain(i + 1, 1);
        }
        if (!channel->pid) {
            continue;
        }
        if (channel->in_fd >= 0 && channel->input.length) {
            polled[count++] = (struct pollfd){channel->in_fd, POLLOUT, 0};
        }
        for (int stream = 0; stream < 2; stream++) {
            if (channel->out_fds[stream] >= 0 && channel->credit > 0 && agent_has_room()) {
                polled[count++] = (struct pollfd){channel->out_fds[stream], POLLIN, 0};
            }
        }
    }
    return count;
}

void run_ready(const struct pollfd *polled, int count) {
    for (int i = 0; i < count; i++) {
        if (!polled[i].revents) {
            continue;
        }
        for (int number = 1; number <= MAX_CHANNELS; number++) {
            struct channel *channel = &channels[number - 1];
            if (!channel->pid) {
                continue;
            }
            if (polled[i].fd == channel->in_fd) {
                feed(number);
            } else if (polled[i].fd == channel->out_fds[0]) {
                drain(number, 0);
            } else if (polled[i].fd == channel->out_fds[1]) {
                drain(number, 1);
            }
        }
    }
}

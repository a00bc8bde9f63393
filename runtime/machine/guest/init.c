/* Process 1 of a machine: loads modules, mounts the image under a layer of the machine's own, keeps
 * a login shell on the console and answers the server on a port (agent.c). There is no udev, no
 * busybox and no service manager; what the image holds is all that there is.
 *
 * Words of ours on the kernel's command line: slip.host=NAME slip.rows=N slip.cols=N
 * slip.user=NAME:UID:GID:HOME:SHELL
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

enum { MAX_LATE = 32, DEVICE_PATIENCE_MS = 10000, PROMPT_LOOK_MS = 4, LOG_BYTES = 128 * 1024 };
enum { PROMPT_PATIENCE_MS = 10000 };
enum { LOG_READ_ALL = 3, LOG_CONSOLE_LEVEL = 8, ALL_BUT_DEBUG = 7, ERRORS = 4 }; /* syslog(2) */

struct account learner = {"root", "/root", "/bin/sh", 0, 0};
volatile sig_atomic_t wanted_end;

static char words[4096];
static int late_modules[MAX_LATE];
static int late_count;
static int rows = 24, cols = 80;
static pid_t shell_pid;
static double shell_started_ms;
static bool is_ready;

double uptime_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

void report(const char *what) {
    int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        dprintf(fd, "<4>init: %s\n", what);
        close(fd);
    }
}

/* What must work and doesn't: say so on the console, then end as a kernel without an init does. */
static void fail(const char *what) {
    char line[256];
    snprintf(line, sizeof line, "%s: %s", what, strerror(errno));
    report(line);
    exit(1);
}

static void write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        if (write(fd, text, strlen(text)) < 0) {
            report(path);
        }
        close(fd);
    }
}

static void read_words(void) {
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, words, sizeof words - 1);
    if (length < 0) {
        fail("/proc/cmdline");
    }
    close(fd);
    words[length] = 0;
    words[strcspn(words, "\n")] = 0;
}

static bool word(const char *name, char *value, size_t size) {
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

static void learn(void) {
    char text[512];
    read_words();
    if (word("slip.rows", text, sizeof text)) {
        rows = atoi(text);
    }
    if (word("slip.cols", text, sizeof text)) {
        cols = atoi(text);
    }
    if (word("slip.user", text, sizeof text)) {
        unsigned uid, gid;
        if (sscanf(text, "%63[^:]:%u:%u:%127[^:]:%127s", learner.name, &uid, &gid, learner.home,
                   learner.shell) == 5) {
            learner.uid = uid;
            learner.gid = gid;
        }
    }
}

/* ---- modules: those that the root needs at once, others when the prompt is there ---- */

static int open_module(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "/modules/%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void insert(int fd, const char *name) {
    if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST) {
        char line[128];
        snprintf(line, sizeof line, "module %s: %s", name, strerror(errno));
        report(line);
    }
    close(fd);
}

/* The list is `early NAME` and `late NAME` lines, in an order in which each finds what it needs. */
static void load_modules(void) {
    FILE *list = fopen("/modules/list", "re");
    char when[8], name[64];
    if (!list) {
        fail("/modules/list");
    }
    while (fscanf(list, "%7s %63s", when, name) == 2) {
        int fd = open_module(name);
        if (fd < 0) {
            report(name);
        } else if (strcmp(when, "early") == 0) {
            insert(fd, name);
        } else if (late_count < MAX_LATE) {
            late_modules[late_count++] = fd; /* the initramfs is out of reach later, this isn't */
        }
    }
    fclose(list);
}

static void load_late_modules(void) {
    for (int i = 0; i < late_count; i++) {
        insert(late_modules[i], "late");
    }
    late_count = 0;
}

/* ---- the root ---- */

static void wait_for_device(const char *path) {
    for (int ms = 0; access(path, F_OK) < 0; ms++) {
        if (ms >= DEVICE_PATIENCE_MS) {
            fail(path);
        }
        usleep(1000);
    }
}

/* The console is a module's, so it comes too late for what the kernel said before: say it again. */
static void show_log(void) {
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

static void must_mount(const char *what, const char *where, const char *type, unsigned long flags,
                       const char *options) {
    if (mount(what, where, type, flags, options) < 0) {
        fail(where);
    }
}

static void mount_root(void) {
    wait_for_device("/dev/vda");
    wait_for_device("/dev/vdb");
    must_mount("/dev/vda", "/lower", "erofs", MS_RDONLY, NULL);
    must_mount("/dev/vdb", "/upper", "ext4", MS_NOATIME, NULL);
    mkdir("/upper/upper", 0755);
    mkdir("/upper/work", 0755);
    must_mount("overlay", "/root", "overlay", 0,
               "lowerdir=/lower,upperdir=/upper/upper,workdir=/upper/work");
    must_mount("/dev", "/root/dev", NULL, MS_MOVE, NULL);
    if (chdir("/root") < 0) {
        fail("/root");
    }
    must_mount(".", "/", NULL, MS_MOVE, NULL);
    if (chroot(".") < 0 || chdir("/") < 0) {
        fail("/");
    }
}

static void mount_system(void) {
    const unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    must_mount("proc", "/proc", "proc", closed, NULL);
    must_mount("sysfs", "/sys", "sysfs", closed, NULL);
    must_mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    mkdir("/dev/pts", 0755);
    mkdir("/dev/shm", 0755);
    mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
    mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    if (symlink("/proc/self/fd", "/dev/fd") == 0) {
        (void)!symlink("/proc/self/fd/0", "/dev/stdin");
        (void)!symlink("/proc/self/fd/1", "/dev/stdout");
        (void)!symlink("/proc/self/fd/2", "/dev/stderr");
    }
    write_text("/proc/sys/net/ipv4/ping_group_range", "0 2147483647"); /* ping, as in a container */
    if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", closed, NULL) == 0) {
        static const char *const controllers[] = {"+cpu", "+memory", "+pids", "+io", "+cpuset"};
        for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) {
            write_text("/sys/fs/cgroup/cgroup.subtree_control", controllers[i]);
        }
    }
}

static void name_it(void) {
    char host[65], text[256];
    if (!word("slip.host", host, sizeof host)) {
        return;
    }
    sethostname(host, strlen(host));
    snprintf(text, sizeof text, "%s\n", host);
    write_text("/etc/hostname", text);
    snprintf(text, sizeof text, "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t%s\n", host);
    write_text("/etc/hosts", text);
}

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        ioctl(fd, SIOCSIFFLAGS, &request);
        close(fd);
    }
}

/* poweroff, halt and reboot are this program by another name: the image has no service manager. */
static void offer_commands(int self_fd) {
    static const char *const names[] = {"poweroff", "halt", "reboot"};
    char buffer[16384], path[64];
    ssize_t length;
    mkdir("/run/machine", 0755);
    int fd = open("/run/machine/init", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    while (fd >= 0 && (length = read(self_fd, buffer, sizeof buffer)) > 0) {
        if (write(fd, buffer, length) != length) {
            report("/run/machine/init");
        }
    }
    close(fd);
    close(self_fd);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "/usr/local/sbin/%s", names[i]);
        (void)!symlink("/run/machine/init", path);
    }
}

/* ---- the shell on the console ---- */

void become(const struct account *who) {
    char text[320];
    clearenv();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("COLORTERM", "truecolor", 1);
    setenv("HOME", who->home, 1);
    setenv("USER", who->name, 1);
    setenv("LOGNAME", who->name, 1);
    setenv("SHELL", who->shell, 1);
    snprintf(text, sizeof text, "%s", who->home);
    if (initgroups(who->name, who->gid) < 0 || setgid(who->gid) < 0 || setuid(who->uid) < 0) {
        _exit(126);
    }
    if (chdir(who->home) < 0 && chdir("/") < 0) {
        _exit(126);
    }
}

void agent_resize(int new_rows, int new_cols) {
    struct winsize size = {.ws_row = new_rows, .ws_col = new_cols};
    int fd = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    rows = new_rows;
    cols = new_cols;
    if (fd >= 0) {
        ioctl(fd, TIOCSWINSZ, &size);
        close(fd);
    }
}

static void start_shell(void) {
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

/* A shell that has printed its prompt waits for its terminal, and for nothing else: the kernel
 * tells in which system call. One that is typed into without a pause never waits, but lives on. (read = 0, poll = 7, select = 23, pselect6 = 270, ppoll = 271) */
static bool is_at_prompt(void) {
    char path[64], text[128] = "";
    snprintf(path, sizeof path, "/proc/%d/syscall", shell_pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    long call;
    unsigned long first;
    if (length <= 0 || sscanf(text, "%ld %lx", &call, &first) != 2) {
        return false;
    }
    return (call == 0 && first == 0) || ((call == 23 || call == 270) && first == 1) || call == 7 ||
           call == 271;
}

/* ---- the loop ---- */

static void note_end(int number) {
    wanted_end = number == SIGUSR1 ? 'h' : number == SIGUSR2 ? 'p' : 'r';
}

static void ignore(int number) { (void)number; }

static void take_signals(void) {
    struct sigaction end = {.sa_handler = note_end}, child = {.sa_handler = ignore};
    sigaction(SIGUSR1, &end, NULL);
    sigaction(SIGUSR2, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGCHLD, &child, NULL);
    signal(SIGPIPE, SIG_IGN);
    reboot(RB_DISABLE_CAD);
}

static void reap(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == shell_pid) {
            start_shell(); /* whoever logs out finds a new prompt, as on any console */
        } else {
            run_reap(pid, status);
        }
    }
}

static void end_machine(char how) {
    agent_bye(how == 'h' ? "halt" : how == 'r' ? "reboot" : "poweroff");
    report(how == 'r' ? "restarting" : "the machine goes off");
    kill(-1, SIGTERM);
    usleep(50000);
    kill(-1, SIGKILL);
    sync();
    reboot(how == 'r' ? RB_AUTOBOOT : RB_POWER_OFF);
}

static void serve(void) {
    struct pollfd polled[1 + 3 * MAX_CHANNELS];
    sigset_t waking, during;
    sigemptyset(&waking);
    sigaddset(&waking, SIGCHLD);
    sigaddset(&waking, SIGUSR1);
    sigaddset(&waking, SIGUSR2);
    sigaddset(&waking, SIGTERM);
    sigprocmask(SIG_BLOCK, &waking, NULL);
    sigemptyset(&during);
    while (!wanted_end) {
        polled[0].fd = agent_fd();
        polled[0].events = POLLIN | (agent_wants_write() ? POLLOUT : 0);
        int count = 1 + run_polled(polled + 1);
        struct timespec soon = {0, PROMPT_LOOK_MS * 1000000L};
        int ready = ppoll(polled, count, is_ready ? NULL : &soon, &during);
        reap();
        if (!is_ready && (is_at_prompt() || uptime_ms() > shell_started_ms + PROMPT_PATIENCE_MS)) {
            is_ready = true;
            agent_ready(shell_started_ms);
            load_late_modules();
        }
        if (ready <= 0) {
            continue;
        }
        if (polled[0].revents & POLLIN) {
            agent_read();
        }
        run_ready(polled + 1, count - 1);
        agent_flush();
    }
    end_machine(wanted_end);
}

/* By another name and not process 1: ask process 1 to end the machine. */
static int ask_for_end(const char *called) {
    const char *base = strrchr(called, '/');
    base = base ? base + 1 : called;
    int number = strcmp(base, "halt") == 0 ? SIGUSR1 : strcmp(base, "reboot") == 0 ? SIGTERM : SIGUSR2;
    if (kill(1, number) < 0) {
        fprintf(stderr, "%s: %s (try sudo)\n", base, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (getpid() != 1) {
        return ask_for_end(argc ? argv[0] : "");
    }
    double began_ms = uptime_ms();
    must_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    must_mount("proc", "/proc", "proc", 0, NULL);
    must_mount("sysfs", "/sys", "sysfs", 0, NULL);
    while (open("/dev/null", O_RDWR) <= 2) {
        /* the kernel found no console for us; a pipe must not get one of these three numbers */
    }
    int self_fd = open("/init", O_RDONLY | O_CLOEXEC);
    learn();
    load_modules();
    wait_for_device("/dev/hvc0");
    show_log();
    mount_root();
    mount_system();
    name_it();
    raise_loopback();
    take_signals();
    if (!agent_open()) {
        fail("the port to the server");
    }
    agent_hello(began_ms);
    klogctl(LOG_CONSOLE_LEVEL, NULL, ERRORS); /* from now on the console is the learner's */
    start_shell();
    offer_commands(self_fd);
    serve();
    return 0;
}

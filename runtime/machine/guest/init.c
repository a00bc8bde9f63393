/* Process 1 of a machine: loads modules, mounts the image under a layer of the machine's own, keeps
 * a login shell on the console and answers the server on a port. There is no udev, no busybox and no
 * service manager; what the image holds is all that there is.
 *
 * Words of ours on the kernel's command line: slip.host=NAME slip.rows=N slip.cols=N
 * slip.user=NAME:UID:GID:HOME:SHELL; slip.save=1: stop before the shell, to be saved.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "agent.h"
#include "boot.h"
#include "console.h"
#include "kernel.h"
#include "orders.h"
#include "run.h"
#include "saved.h"

enum { PROMPT_LOOK_MS = 4 };

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
        if (console_is_shell(pid)) {
            console_start_shell(); /* whoever logs out finds a new prompt, as on any console */
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
    bool is_ready = false;
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
        if (!is_ready && console_is_ready()) {
            is_ready = true;
            agent_ready(console_shell_started_ms());
            boot_late_modules();
        }
        if (ready <= 0) {
            continue;
        }
        if (polled[0].revents & POLLIN) {
            agent_read(orders_take);
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
    char yes[2];
    double began_ms = uptime_ms();
    boot_first();
    while (open("/dev/null", O_RDWR) <= 2) {
        /* the kernel found no console for us; a pipe must not get one of these three numbers */
    }
    int self_fd = open("/init", O_RDONLY | O_CLOEXEC);
    account_learn();
    console_learn();
    bool is_to_be_saved = word("slip.save", yes, sizeof yes);
    boot_modules();
    boot_wait_for("/dev/hvc0");
    if (!is_to_be_saved) { /* nobody looks at it */
        console_show_log();
    }
    boot_root();
    boot_system();
    take_signals();
    if (!agent_open()) {
        fail("the port to the server");
    }
    if (is_to_be_saved) {
        boot_late_modules();
        boot_commands(self_fd);
        saved_wait();
        began_ms = 0;
    }
    agent_hello(began_ms);
    console_hand_over();
    console_start_shell();
    if (!is_to_be_saved) {
        boot_commands(self_fd); /* while the shell starts */
    }
    serve();
    return 0;
}

/* A machine that is saved before its shell starts, and goes on from there, any number of times, as
 * another one. What must differ between them comes with the frame that wakes it: the time, the
 * console's size, random bytes and the host name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "agent.h"
#include "boot.h"
#include "kernel.h"
#include "orders.h"
#include "saved.h"

enum { RANDOM_BYTES = 64, NAME_BYTES = 64 };

static bool goes_on;

/* Its files are in memory then, for each that goes on from here. */
static void start_shell_once(void) {
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("/dev/null", O_RDWR);
        for (int i = 0; i < 3; i++) {
            dup2(fd, i);
        }
        become(&learner);
        execl(learner.shell, "-", "-i", (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* Both would give the same keys and ids: the generators of two machines that were one are equal. */
static void stir(const char *bytes) {
    struct {
        int bits, length;
        char bytes[RANDOM_BYTES];
    } fresh = {8 * RANDOM_BYTES, RANDOM_BYTES, {0}};
    int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    memcpy(fresh.bytes, bytes, RANDOM_BYTES);
    if (fd < 0 || ioctl(fd, RNDADDENTROPY, &fresh) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0) {
        report("/dev/urandom");
    }
    close(fd);
}

static void go_on(const char *data, size_t length) {
    char host[NAME_BYTES + 1] = "";
    if (goes_on || length <= RANDOM_BYTES || length > RANDOM_BYTES + NAME_BYTES) {
        return;
    }
    begin_clock();
    stir(data);
    memcpy(host, data + RANDOM_BYTES, length - RANDOM_BYTES);
    boot_name(host);
    goes_on = true;
}

static void take(char kind, int channel, const char *data, size_t length) {
    if (kind == 'N') {
        go_on(data, length);
    } else {
        orders_take(kind, channel, data, length);
    }
}

void saved_wait(void) {
    struct pollfd port = {agent_fd(), POLLIN, 0};
    start_shell_once();
    sync();
    agent_send('V', 0, "", 0);
    while (!goes_on) {
        if (poll(&port, 1, -1) > 0) {
            agent_read(take);
        }
    }
}

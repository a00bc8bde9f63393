/* What a machine needs before anybody can log in: modules, its root, what every program expects. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "kernel.h"

enum { MAX_LATE = 32, DEVICE_PATIENCE_MS = 10000 };

static int late_modules[MAX_LATE];
static int late_count;

static void must_mount(const char *what, const char *where, const char *type, unsigned long flags,
                       const char *options) {
    if (mount(what, where, type, flags, options) < 0) {
        fail(where);
    }
}

void boot_first(void) {
    must_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    must_mount("proc", "/proc", "proc", 0, NULL);
    must_mount("sysfs", "/sys", "sysfs", 0, NULL);
}

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
void boot_modules(void) {
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

void boot_late_modules(void) {
    for (int i = 0; i < late_count; i++) {
        insert(late_modules[i], "late");
    }
    late_count = 0;
}

void boot_wait_for(const char *path) {
    for (int ms = 0; access(path, F_OK) < 0; ms++) {
        if (ms >= DEVICE_PATIENCE_MS) {
            fail(path);
        }
        usleep(1000);
    }
}

void boot_root(void) {
    boot_wait_for("/dev/vda");
    boot_wait_for("/dev/vdb");
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

void boot_name(const char *host) {
    char text[256];
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

void boot_system(void) {
    char host[65];
    mount_system();
    if (word("slip.host", host, sizeof host)) {
        boot_name(host);
    }
    raise_loopback();
}

/* poweroff, halt and reboot are this program by another name: the image has no service manager. */
void boot_commands(int self_fd) {
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

/* Who the learner is, and how a child becomes them. */
#define _GNU_SOURCE
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "kernel.h"

struct account learner = {"root", "/root", "/bin/sh", 0, 0};

void account_learn(void) {
    char text[512];
    unsigned uid, gid;
    if (word("slip.user", text, sizeof text) &&
        sscanf(text, "%63[^:]:%u:%u:%127[^:]:%127s", learner.name, &uid, &gid, learner.home,
               learner.shell) == 5) {
        learner.uid = uid;
        learner.gid = gid;
    }
}

void become(const struct account *who) {
    clearenv();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("COLORTERM", "truecolor", 1);
    setenv("HOME", who->home, 1);
    setenv("USER", who->name, 1);
    setenv("LOGNAME", who->name, 1);
    setenv("SHELL", who->shell, 1);
    if (initgroups(who->name, who->gid) < 0 || setgid(who->gid) < 0 || setuid(who->uid) < 0) {
        _exit(126);
    }
    if (chdir(who->home) < 0 && chdir("/") < 0) {
        _exit(126);
    }
}

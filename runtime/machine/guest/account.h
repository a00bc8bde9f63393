#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <sys/types.h>

/* The account that the console's shell and a learner's commands run as, from the kernel's words. */
struct account {
    char name[64];
    char home[128];
    char shell[128];
    uid_t uid;
    gid_t gid;
};

extern struct account learner;

void account_learn(void);
void become(const struct account *who); /* in a child that is about to run a program */

#endif

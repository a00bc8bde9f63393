#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <sys/types.h>

void console_learn(void);    /* its first size, from the kernel's words */
void console_show_log(void); /* what the kernel said before there was a console */
void console_hand_over(void); /* from now on it is the learner's: only the kernel's errors are shown */
void console_start_shell(void);
bool console_is_shell(pid_t pid);
bool console_is_ready(void); /* the shell waits for its terminal, or has had its time */
double console_shell_started_ms(void);
void console_resize(int rows, int cols);

#endif

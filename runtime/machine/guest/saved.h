#ifndef SAVED_H
#define SAVED_H

void saved_wait(void); /* says that it can be saved, and returns in each machine that goes on from it */

#endif

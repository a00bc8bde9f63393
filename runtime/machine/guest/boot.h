#ifndef BOOT_H
#define BOOT_H

void boot_first(void);        /* what everything else needs: /dev, /proc, /sys */
void boot_modules(void);      /* those that the root needs; the others are kept at hand */
void boot_late_modules(void); /* for when the prompt is there */
void boot_wait_for(const char *device);
void boot_root(void);   /* the image, under a layer of the machine's own, as / */
void boot_system(void); /* file systems, name, loopback */
void boot_name(const char *host);
void boot_commands(int self_fd); /* poweroff, halt, reboot; takes the descriptor of this program */

#endif

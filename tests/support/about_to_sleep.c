/* Preloaded into a program under test: its main thread stands still in the instant before it goes to sleep for long.

   Python looks for signals before it calls clock_nanosleep(2) or epoll_wait(2), and not again before these return. What comes in between
   sets a flag and does not wake the sleeper. Here that instant lasts: `FOLDER/about` is made when the thread comes to it, for the first
   time, and it goes on when there is `FOLDER/go`. FOLDER is named by FLOWHAND_TEST_ABOUT_TO_SLEEP. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LONG_S 30

static void hold(void) {
    const char *folder = getenv("FLOWHAND_TEST_ABOUT_TO_SLEEP");
    const struct timespec pause = {0, 1000000};
    char path[4096];
    if (folder == NULL || syscall(SYS_gettid) != getpid()) return;
    snprintf(path, sizeof path, "%s/about", folder);
    int made = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (made < 0) return;
    close(made);
    snprintf(path, sizeof path, "%s/go", folder);
    while (access(path, F_OK) != 0) syscall(SYS_nanosleep, &pause, NULL);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left) {
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
    struct timespec now = {0, 0};
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "clock_nanosleep");
    if (flags & TIMER_ABSTIME) clock_gettime(clock, &now);
    if (wanted->tv_sec - now.tv_sec >= LONG_S) hold();
    return real(clock, flags, wanted, left);
}

int epoll_wait(int descriptor, struct epoll_event *events, int most, int timeout) {
    static int (*real)(int, struct epoll_event *, int, int);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    if (timeout >= LONG_S * 1000) hold();
    return real(descriptor, events, most, timeout);
}

/* Runs a command some times: launch ROUNDS INPUT COMMAND [ARGUMENT...]. Its standard input is the file INPUT, its
 * output goes to /dev/null. A line for each run says the nanoseconds from its start to its end, its peak memory in
 * KiB, and its exit status. A small program of its own does so, since the kernel counts what the process had before
 * the execve, the memory of who started it, as the peak of what is run, too. */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char **argv) {
    posix_spawn_file_actions_t files;
    if (argc < 4 || posix_spawn_file_actions_init(&files) != 0 ||
        posix_spawn_file_actions_addopen(&files, 0, argv[2], O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) != 0)
        return 2;
    for (long rounds = atol(argv[1]); rounds > 0; rounds--) {
        struct rusage used;
        pid_t child;
        int status;
        int64_t start = now();
        if (posix_spawn(&child, argv[3], &files, NULL, argv + 3, environ) != 0 ||
            wait4(child, &status, 0, &used) != child)
            return 1;
        int64_t end = now();
        printf("%lld %ld %d\n", (long long)(end - start), used.ru_maxrss,
               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    return 0;
}

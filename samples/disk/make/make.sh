#!/bin/bash
# make.sh WORKDIR: make the root volume's block set again. A real kernel fills
# it inside an emulator and is killed with the volume mounted, so the log is
# dirty. Some minutes, no root, no KVM, no network but for the kernel package.
# Needs: apt, musl-tools, busybox-static, cpio, gdisk, dosfstools, mtools,
# xfsprogs, faketime, qemu-system-x86, systemd-journal-remote, python3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
memory=$here/../../memory/make
PATH=$PATH:/usr/sbin:/sbin
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$1"
cd "$1"
gib=${GIB:-8}

# the kernel, of the version of the memory sample
kver=$(sed -n 's/^kver=//p' "$memory/guest.sh")
if [ ! -d kernel ]; then
    apt-get download "linux-image-$kver"
    dpkg-deb -x "linux-image-$kver"_*.deb kernel
fi
c() { # OUTPUT SOURCE [FLAG...]
    local to=$1 from=$2
    shift 2
    musl-gcc -static -O2 -Wall -Wextra -Wno-format-truncation -s "$@" -o "$to" \
        "$from" -idirafter /usr/include \
        -idirafter /usr/include/x86_64-linux-gnu
}
rm -rf root content
mkdir -p root/{dev,proc,r,bin,lib/modules} content
c root/init "$here/play.c"
c sysupd "$memory/sysupd.c"
cp /bin/busybox root/bin/
for m in virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev \
    virtio_pci virtio_blk libcrc32c xfs; do
    find kernel/lib/modules -name "$m.ko" -exec cp {} root/lib/modules/ \;
done

# the story
python3 "$here/story.py" "$here/../.." sysupd content root/ops
cp -r content root/
(cd root && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) |
    gzip -1n >initrd.gz

# GPT as Amazon Linux 2023 has it: 128 EFI, 127 BIOS boot, 1 root
rm -f disk.img part.img efi.img truth
truncate -s "${gib}G" disk.img
sgdisk -a 1 -U 0aa11bb2-2cc3-4dd4-8000-111122223333 \
    -n 1:24576:0 -c 1:Linux -u 1:0aa11bb2-2cc3-4dd4-8001-111122223333 \
    -n 127:22528:24575 -t 127:ef02 -c 127:"BIOS Boot Partition" \
    -u 127:0aa11bb2-2cc3-4dd4-8127-111122223333 \
    -n 128:2048:22527 -t 128:ef00 -c 128:"EFI System Partition" \
    -u 128:0aa11bb2-2cc3-4dd4-8128-111122223333 disk.img >sgdisk.log
truncate -s 10M efi.img
SOURCE_DATE_EPOCH=$(date -u -d '2026-02-15 21:14:00' +%s)
export SOURCE_DATE_EPOCH
mkfs.vfat -i 0AA11BB2 efi.img >sgdisk.log
mmd -i efi.img ::/EFI ::/EFI/BOOT
printf 'stand-in for a boot loader\n' >boot.txt
touch -d "@$SOURCE_DATE_EPOCH" boot.txt
TZ=UTC mcopy -m -i efi.img boot.txt ::/EFI/BOOT/BOOTX64.EFI
sectors=$(sgdisk -i 1 disk.img | sed -n 's/.*size: \([0-9]*\) sectors.*/\1/p')
truncate -s $((sectors * 512)) part.img
faketime '2026-02-15 21:14:00 UTC' mkfs.xfs -q -L / -m uuid=0aa11bb2-2cc3-4dd4-8000-444455556666,bigtime=1 \
    -m reflink=0 part.img
put() { # FILE SECTOR: what was written, holes stay holes
    dd if="$1" of=disk.img bs=512 seek="$2" conv=notrunc,sparse status=none
}
put efi.img 2048
put part.img 24576

# the two days, then the kill
: >truth
qemu-system-x86_64 -M pc -accel tcg -cpu qemu64 -smp 1 -m 512M \
    -kernel kernel/boot/vmlinuz-* -initrd initrd.gz \
    -append "console=ttyS0 quiet panic=-1" -no-reboot -nic none \
    -display none -vga none -serial file:serial.log -serial file:truth \
    -drive file=disk.img,format=raw,if=virtio,cache=unsafe &
qemu=$!
until grep -q '^@@STOP' truth; do
    kill -0 $qemu && sleep 1
done
kill -9 $qemu
wait $qemu || true
if grep '^@@FAILED' truth; then exit 1; fi

python3 "$here/pack.py" disk.img content truth "$here/.."

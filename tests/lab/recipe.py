"""What the servers' image holds: packages, units that never start, files."""

from __future__ import annotations

SUITE = "bookworm"
IMAGE_MIB = 4096

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "udev",
    "openssh-server",
    "ocfs2-tools",
    "python3",
    "python3-venv",
    "util-linux",
    "fdisk",
    "psmisc",
    "iproute2",
    "iputils-ping",
    "kmod",
    "e2fsprogs",
    "procps",
    "less",
    "netbase",
    "sg3-utils",
    "open-iscsi",
    "multipath-tools",
    "nfs-common",
    "lz4",
    "linux-image-amd64",
    # hypervisors, and qemu without what it only recommends
    "libvirt-daemon-system",
    "libvirt-daemon-driver-lxc",
    "libvirt-clients",
    "qemu-system-x86",
)

# What ovstools needs from PyPI, in the virtual environment /opt/ovstools of each server.
DEPENDENCIES = ("click>=8.1", "PyYAML", "sh>=2.2", "psutil", "rich")
VENV = "/opt/ovstools"

# Under emulation each of these costs seconds and nothing needs them.
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "serial-getty@ttyS0.service",
    "logrotate.timer",
    "man-db.timer",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "nfs-blkmap.service",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-binfmt.service",
    "systemd-pstore.service",
)

# Each daemon-reload starts all generators, one after the other. Left are those of fstab, of init
# scripts (o2cb and ocfs2 are some) and of NFS.
MASKED_GENERATORS = (
    "systemd-cryptsetup-generator",
    "systemd-debug-generator",
    "systemd-getty-generator",
    "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator",
    "systemd-rc-local-generator",
    "systemd-run-generator",
    "systemd-system-update-generator",
    "systemd-veritysetup-generator",
)

# There, but not started: the tests that want them start them, and libvirtd its socket. rpcbind
# comes with rpc.statd, which mount.nfs starts for NFS version 3.
DISABLED = (
    "rpcbind.service",
    "rpcbind.socket",
    "multipathd.service",
    "multipathd.socket",
    "libvirtd.service",
    "libvirt-guests.service",
)

# Only what finds the root disk; the SCSI disks come later, see DISKS.
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")

# Read while the image is made, before the kernel package makes the initramfs.
EARLY_FILES = {
    "etc/initramfs-tools/conf.d/ovslab": "MODULES=list\nCOMPRESS=lz4\n",
    "usr/share/initramfs-tools/modules.d/ovslab": "\n".join(INITRAMFS_MODULES) + "\n",
}

IDENTITY = """\
#!/bin/sh
# Become the server that the kernel command line names.
dmesg -n 8  # the reason of a self-fence is the last line of the console
for word in $(cat /proc/cmdline); do
    case $word in
    ovslab.self=*) self=${word#*=} ;;
    ovslab.servers=*) servers=${word#*=} ;;
    esac
done
IFS=,
for entry in $servers; do
    [ "${entry%%=*}" = "$self" ] && address=${entry#*=}
done
if [ "$(cat /etc/hostname)" != "$self" ]; then  # later boots keep what a test has edited
    echo "$self" >/etc/hostname
    echo "127.0.0.1 localhost.localdomain localhost" >/etc/hosts
    for entry in $servers; do
        name=${entry%%=*}
        echo "${entry#*=} $name ${name%%.*}"
    done >>/etc/hosts
    echo "192.168.100.1 fileserver.example.com fileserver" >>/etc/hosts
fi
ip link set eth0 up
ip address add "$address/24" dev eth0
# The portals of targets.py, IPv6 of fileserver.py, and an initiator name that no other server has.
ip route add 10.0.0.0/8 dev eth0
ip -6 address add "fd00:100::${address##*.}/64" dev eth0 nodad
echo "InitiatorName=iqn.1993-08.org.debian:01:${self%%.*}" >/etc/iscsi/initiatorname.iscsi
"""

DISKS = """\
#!/bin/sh
# Give the SCSI disks their names in the controllers' order. The kernel probes disks at the same
# time and names them as they come (sd is PROBE_PREFER_ASYNCHRONOUS); binding waits for each.
modprobe sd_mod
echo 0 >/sys/bus/scsi/drivers_autoprobe
modprobe virtio_scsi
for device in $(cd /sys/bus/scsi/devices && ls -d [0-9]*:* | sort -t: -n -k1,1 -k4,4); do
    echo "$device" >/sys/bus/scsi/drivers/sd/bind
done
echo 1 >/sys/bus/scsi/drivers_autoprobe
"""

IDENTITY_UNIT = """\
[Unit]
Description=Name, address and disks of this lab server
DefaultDependencies=no
Before=systemd-udev-trigger.service sysinit.target network-pre.target network.target
Wants=network-pre.target network.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/ovslab/identity
ExecStart=/usr/local/lib/ovslab/disks

[Install]
WantedBy=sysinit.target
"""

# What storage and network need. The other 250 devices, terminals and ACPI's most of them, take half
# of a boot's processor time under emulation. What appears later is seen by udev as ever.
COLDPLUG = """\
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --prioritized-subsystem=block,net \\
    --subsystem-match=block --subsystem-match=net --subsystem-match=scsi --subsystem-match=virtio
"""

# Without PAM a login under emulation is a second faster; the many sessions are the tests'.
SSHD = """\
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxSessions 100
MaxStartups 100
SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""

# path -> (mode, text)
FILES = {
    "usr/local/lib/ovslab/identity": (0o755, IDENTITY),
    "usr/local/lib/ovslab/disks": (0o755, DISKS),
    "etc/systemd/system/ovslab-identity.service": (0o644, IDENTITY_UNIT),
    "etc/systemd/system/systemd-udev-trigger.service.d/ovslab.conf": (0o644, COLDPLUG),
    "etc/ssh/sshd_config.d/ovslab.conf": (0o644, SSHD),
    "etc/hostname": (0o644, "unnamed\n"),
    "etc/machine-id": (0o444, ""),
    "etc/fstab": (0o644, "# made for a lab server; nothing to mount but the root\n"),
}

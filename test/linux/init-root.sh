#!/bin/sh
# First process of the guests that have a whole Debian on their disk: hands over to its bash, with the serial port as its terminal.
for module in $(cat /modules/order); do
  insmod "/modules/$module"
done
mount -t devtmpfs devtmpfs /dev
i=0
while [ ! -b /dev/vda ] && [ $i -lt 50 ]; do
  sleep 0.1
  i=$((i + 1))
done
mount -t ext4 /dev/vda /mnt
mount -t proc proc /mnt/proc
mount -t sysfs sysfs /mnt/sys
mount -t devtmpfs devtmpfs /mnt/dev
exec switch_root /mnt /bin/busybox setsid /bin/busybox cttyhack /bin/bash --norc

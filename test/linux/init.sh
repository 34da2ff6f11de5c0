#!/bin/sh
# First process of the Linux guests. Every line that a test looks for begins with "=="; what it says is compared by test/linux/boot.spec.ts.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo "== mounted $(grep -c -e ' /proc ' -e ' /sys ' -e ' /dev ' /proc/mounts)"
echo "== uname $(uname -srm)"
cat /proc/cpuinfo
echo "== memory $(awk '/MemTotal/ { print $2 }' /proc/meminfo)"

for module in $(cat /modules/order); do
  insmod "/modules/$module" || echo "== insmod of $module failed"
done
i=0
while [ ! -b /dev/vda ] && [ $i -lt 50 ]; do
  sleep 0.1
  i=$((i + 1))
done

# the whole work, "again=1" on the kernel's command line does it twice
work() {
  # processes, pipes, and programs that compute
  i=0
  while [ $i -lt 200 ]; do
    echo "$((i * 7919 % 1009)) line $i"
    i=$((i + 1))
  done > /tmp/lines
  echo "== sorted $(sort -n /tmp/lines | sha256sum | cut -c 1-64)"
  echo "== sum $(awk '{ s += $1 } END { print s }' /tmp/lines)"
  gzip -c /tmp/lines > /tmp/lines.gz
  gunzip -c /tmp/lines.gz | cmp - /tmp/lines && echo "== gzip same"
  count=0
  for i in 1 2 3 4 5 6 7 8 9 10; do
    count=$((count + $(sh -c 'echo $0 | cat | tr 0-9 a-j | cat | wc -c' $i)))
  done
  echo "== forked $count"

  # time: the tick of the kernel's clock against its own reckoning of a sleep
  before=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
  sleep 1
  after=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
  echo "== slept $((after - before))"
  echo "== clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"

  # a disk with a file system, read and written
  mount -t ext4 /dev/vda /mnt && echo "== disk mounted"
  echo "== disk $(sha256sum /mnt/data | cut -c 1-64)"
  cp /mnt/data /mnt/copy && sync && umount /mnt
  mount -t ext4 -o ro /dev/vda /mnt
  cmp /mnt/data /mnt/copy && echo "== disk written"
  umount /mnt
  echo "== interrupts $(grep -c virtio /proc/interrupts)"
  echo "== done"
}

work
[ -n "$again" ] && work
poweroff -f

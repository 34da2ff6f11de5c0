#!/bin/sh
# First process of the guest that is a host itself: loads KVM with and without EPT, and runs a guest of its own each time (kvm/kvm.c).
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo "== vmx $(grep -c '^flags.* vmx ' /proc/cpuinfo)"
for module in $(cat /modules/order); do
  case $module in kvm-intel.ko) ;; *) insmod "/modules/$module" || echo "== insmod of $module failed" ;; esac
done
for options in "ept=1" "ept=0" "ept=1 unrestricted_guest=0" "ept=1 vpid=0"; do
  # shellcheck disable=SC2086
  insmod /modules/kvm-intel.ko $options && echo "== loaded $options: ept $(cat /sys/module/kvm_intel/parameters/ept)"
  /kvm
  echo "== status $?"
  rmmod kvm_intel && echo "== unloaded"
done
poweroff -f

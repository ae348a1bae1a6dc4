# SPDX-License-Identifier: Apache-2.0
#
# coppice: a U-Boot script that starts what loader/uEnv.txt names, for a U-Boot that counts by
# itself (CONFIG_BOOTCOUNT_LIMIT, CONFIG_BOOTCOUNT_ENV) and keeps an environment that Linux can
# reach; see README.md. In the environment:
#
#   altbootcmd=setenv rollback 1; saveenv; run bootcmd
#
#   mkimage -A arm -T script -C none -d boot-native.cmd boot.scr

# A list of names: the file must not set any other variable.
if load ${devtype} ${devnum}:${distro_bootpart} ${pxefile_addr_r} loader/uEnv.txt || load ${devtype} ${devnum}:${distro_bootpart} ${pxefile_addr_r} boot/loader/uEnv.txt; then
    env import -t ${pxefile_addr_r} ${filesize} kernel_image ramdisk_image bootargs fdt_file fdtdir kernel_image2 ramdisk_image2 bootargs2 fdt_file2 fdtdir2
fi
if test "${rollback}" = 1 && test -n "${kernel_image2}"; then
    echo "coppice: position 1"
    setenv kernel_image "${kernel_image2}"
    setenv ramdisk_image "${ramdisk_image2}"
    setenv bootargs "${bootargs2}"
    setenv fdt_file "${fdt_file2}"
    setenv fdtdir "${fdtdir2}"
fi
setenv bootargs "${bootargs} coppice.store=${coppice_store}"

# The firmware's device tree, unless the deployment brings one.
setenv fdt_at ${fdtcontroladdr}
if test -n "${fdt_file}"; then
    load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} ${fdt_file} && setenv fdt_at ${fdt_addr_r}
elif test -n "${fdtdir}" && test -n "${fdtfile}"; then
    load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} ${fdtdir}/${fdtfile} && setenv fdt_at ${fdt_addr_r}
fi
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} ${kernel_image} || reset
setenv ramdisk_at -
if test -n "${ramdisk_image}"; then
    load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk_addr_r} ${ramdisk_image} || reset
    setenv ramdisk_at ${ramdisk_addr_r}:${filesize}
fi
booti ${kernel_addr_r} ${ramdisk_at} ${fdt_at}
bootz ${kernel_addr_r} ${ramdisk_at} ${fdt_at}
reset

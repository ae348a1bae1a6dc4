# SPDX-License-Identifier: Apache-2.0
#
# coppice: a U-Boot script that starts what loader/uEnv.txt names, and counts trial boots in one
# sector of a raw partition. For a U-Boot that cannot count by itself, or may not be rebuilt; see
# README.md. Needs the commands part, env import -c, env export -c, setexpr, itest and load, and
# raw reads and writes of the device.
#
#   mkimage -A arm -T script -C none -d boot.cmd boot.scr
#
# The state: sector 0 of partition ${state_part}, an environment of 0x200 bytes with a checksum.
#   upgrade_available  1: count
#   bootcount          starts so far, in hexadecimal
#   bootlimit          above it position 1 boots
#   rollback           1: position 1 boots
#   coppice_store      what the kernel is told, so that Linux can prove that it writes to this state

if test -z "${state_part}"; then setenv state_part 1; fi
setenv st_addr ${pxefile_addr_r}
setenv upgrade_available 0
setenv bootcount 0
setenv bootlimit 3
setenv rollback 0
setenv coppice_store
part start ${devtype} ${devnum} ${state_part} st_block
${devtype} dev ${devnum}
if ${devtype} read ${st_addr} ${st_block} 1; then
    env import -c ${st_addr} 0x200 upgrade_available bootcount bootlimit rollback coppice_store || echo "coppice: the state is damaged: position 0 starts uncounted"
fi
if test "${upgrade_available}" = 1; then
    setexpr bootcount ${bootcount} + 1
    if itest ${bootcount} > ${bootlimit}; then setenv rollback 1; fi
    env export -c -s 0x200 ${st_addr} upgrade_available bootcount bootlimit rollback coppice_store
    # What cannot be counted must not be tried for ever.
    ${devtype} write ${st_addr} ${st_block} 1 || setenv rollback 1
fi

# A list of names: the file must not set any other variable.
if load ${devtype} ${devnum}:${distro_bootpart} ${st_addr} loader/uEnv.txt || load ${devtype} ${devnum}:${distro_bootpart} ${st_addr} boot/loader/uEnv.txt; then
    env import -t ${st_addr} ${filesize} kernel_image ramdisk_image bootargs fdt_file fdtdir kernel_image2 ramdisk_image2 bootargs2 fdt_file2 fdtdir2
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
# What cannot be started is one start less; never the prompt.
reset

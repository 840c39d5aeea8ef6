# A toolchain for AArch64 from Debian's cross compiler; its programs run under qemu-user. ATTEND_AARCH64_ROOT is a folder with
# Highway for that machine, unpacked from Debian's packages as `./run neon` does.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

set(ATTEND_AARCH64_ROOT "" CACHE PATH "Where the AArch64 packages are unpacked")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ATTEND_AARCH64_ROOT)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${ATTEND_AARCH64_ROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${ATTEND_AARCH64_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)

# Programs are this machine's, libraries and headers the other's.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu ${ATTEND_AARCH64_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)

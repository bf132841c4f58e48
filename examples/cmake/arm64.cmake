# ARM64: Debian's and Ubuntu's cross compiler, and qemu-user to run what it makes.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

find_program(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
if(NOT CMAKE_C_COMPILER)
    message(FATAL_ERROR "aarch64-linux-gnu-gcc is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross")
endif()

find_program(QEMU qemu-aarch64)
if(QEMU)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${QEMU};-L;/usr/aarch64-linux-gnu")
else()
    message(WARNING "qemu-aarch64 is missing, so that ctest can run nothing: apt-get install qemu-user")
endif()

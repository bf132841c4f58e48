# RISC-V: Debian's and Ubuntu's cross compiler, and qemu-user to run what it makes.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR riscv64)

find_program(CMAKE_C_COMPILER riscv64-linux-gnu-gcc)
if(NOT CMAKE_C_COMPILER)
    message(FATAL_ERROR "riscv64-linux-gnu-gcc is missing: apt-get install gcc-riscv64-linux-gnu libc6-dev-riscv64-cross")
endif()

find_program(QEMU qemu-riscv64)
if(QEMU)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${QEMU};-L;/usr/riscv64-linux-gnu")
else()
    message(WARNING "qemu-riscv64 is missing, so that ctest can run nothing: apt-get install qemu-user")
endif()

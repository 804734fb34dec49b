# What every target of the project is built with. Sanitizers and optimisation come from the presets.
add_library(cardea_options INTERFACE)
target_include_directories(cardea_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_features(cardea_options INTERFACE c_std_17)
target_compile_definitions(cardea_options INTERFACE
  _GNU_SOURCE _FILE_OFFSET_BITS=64 GPG_ERR_SOURCE_DEFAULT=GPG_ERR_SOURCE_GPGAGENT)
target_compile_options(cardea_options INTERFACE
  -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla -Wformat=2 -Wcast-qual
  -Wwrite-strings -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wundef
  -Wpointer-arith -Wimplicit-fallthrough -Wframe-larger-than=16384
  -fno-common -fvisibility=hidden)
target_link_libraries(cardea_options INTERFACE Threads::Threads)

# For who changes Cardea. Who builds it may have a compiler that warns of more than ours.
option(CARDEA_WERROR "Take warnings for errors" OFF)
if(CARDEA_WERROR)
  target_compile_options(cardea_options INTERFACE -Werror)
endif()

option(CARDEA_HARDEN "Build with the hardening flags of a release" OFF)
if(CARDEA_HARDEN)
  target_compile_definitions(cardea_options INTERFACE _FORTIFY_SOURCE=2)
  # No compiler has all of them for every processor.
  include(CheckCCompilerFlag)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection
      -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr)
    string(MAKE_C_IDENTIFIER "CARDEA_HAS_${flag}" has)
    check_c_compiler_flag(${flag} ${has})
    if(${has})
      target_compile_options(cardea_options INTERFACE ${flag})
    endif()
  endforeach()
  target_link_options(cardea_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES C)
endif()

set(CARDEA_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= wants them")
if(CARDEA_SANITIZE)
  target_compile_options(cardea_options INTERFACE
    -fsanitize=${CARDEA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(cardea_options INTERFACE -fsanitize=${CARDEA_SANITIZE})
endif()

option(CARDEA_COVERAGE "Instrument for llvm-cov (clang only)" OFF)
if(CARDEA_COVERAGE)
  target_compile_options(cardea_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(cardea_options INTERFACE -fprofile-instr-generate)
endif()

option(CARDEA_FUZZ "Build the fuzz targets (clang only)" OFF)
if(CARDEA_FUZZ)
  # The libraries too, or the fuzzer sees no further than the target's own file.
  target_compile_options(cardea_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(cardea_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

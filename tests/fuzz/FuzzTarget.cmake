# cardea_fuzz_target(NAME LIBRARIES...): builds tests/fuzz/NAME.c, whose seeds are in
# tests/fuzz/corpus/NAME. Under the fuzz preset libFuzzer drives it for FUZZ_SECONDS; under every other
# preset a small driver replays the seeds once.
set(FUZZ_SECONDS 5 CACHE STRING "Seconds that ctest gives each fuzz target")

function(cardea_fuzz_target name)
  set(fuzz_dir ${PROJECT_SOURCE_DIR}/tests/fuzz)
  set(corpus ${fuzz_dir}/corpus/${name})
  add_executable(fuzz_${name} ${fuzz_dir}/${name}.c)
  target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
  if(CARDEA_FUZZ)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND ${fuzz_dir}/run-target
      $<TARGET_FILE:fuzz_${name}> ${corpus} ${FUZZ_SECONDS})
  else()
    target_sources(fuzz_${name} PRIVATE ${fuzz_dir}/replay.c)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${corpus})
  endif()
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

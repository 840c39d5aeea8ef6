# One target a folder of src/. Each compiles with all of src/ to include from; tests/CMakeLists.txt holds what is
# included to the dependencies that are declared.

# Flags that every target of the project is compiled with.
add_library(attend_build_flags INTERFACE)
target_compile_options(attend_build_flags INTERFACE -Wall -Wextra -Wconversion
                       $<$<BOOL:${ATTEND_WARNINGS_AS_ERRORS}>:-Werror>)
if(ATTEND_SANITIZE)
  target_compile_options(attend_build_flags INTERFACE
                         -fsanitize=${ATTEND_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(attend_build_flags INTERFACE -fsanitize=${ATTEND_SANITIZE})
endif()

# attend_module(NAME SOURCES a.cc ... [DEPENDS public ...] [PRIVATE_DEPENDS ...] [KERNELS c.cc ...])
# defines the static library attend_NAME. KERNELS are compiled with -O3 whatever the build type:
# their inner loops must be unrolled to keep accumulators in registers.
function(attend_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;KERNELS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(target attend_${name})
  add_library(${target} STATIC ${arg_SOURCES} ${arg_KERNELS})
  add_library(attend::${name} ALIAS ${target})
  set_property(GLOBAL APPEND PROPERTY ATTEND_MODULES ${name})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS} PRIVATE attend_build_flags ${arg_PRIVATE_DEPENDS})
  if(arg_KERNELS AND NOT ATTEND_SANITIZE)
    set_source_files_properties(${arg_KERNELS} PROPERTIES COMPILE_OPTIONS -O3)
  endif()
endfunction()

# Code that waits for people, files or other code: compiling it takes longer than what -O3 saves.
set(ATTEND_QUICKLY_COMPILED $<$<CONFIG:Release>:-O1>)

# What no test takes, on a busy machine neither; sanitizers are ten times slower, and emulated machines more.
set(ATTEND_TEST_SECONDS 300)
if(ATTEND_SANITIZE OR CMAKE_CROSSCOMPILING)
  set(ATTEND_TEST_SECONDS 3600)
endif()

# attend_test(NAME SOURCES a_test.cc ... DEPENDS ...) defines the test program attend_NAME_tests.
function(attend_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  set(target attend_${name}_tests)
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE ATTEND_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden")
  target_compile_options(${target} PRIVATE ${ATTEND_QUICKLY_COMPILED})
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS} attend_build_flags GTest::gtest_main GTest::gmock)
  gtest_discover_tests(${target} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                       DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${ATTEND_TEST_SECONDS})
endfunction()

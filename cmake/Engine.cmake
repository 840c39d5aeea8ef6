# libattend: the objects of the engine's folders in one library, static or shared as BUILD_SHARED_LIBS says, with the
# headers, the CMake package and the pkg-config file that a program needs to use it.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(ATTEND_ENGINE_MODULES base attention decode c_api)
set(ATTEND_ENGINE_HEADERS attend.h attend_decode.h attend_rope.h attention.h decode.h executor.h isa.h kv_cache.h
    rope.h status.h tensor.h varlen.h)

# attend_engine_library(TARGET [STATIC|SHARED]) defines the library TARGET, called libattend.
function(attend_engine_library target)
  add_library(${target} ${ARGN})
  foreach(module IN LISTS ATTEND_ENGINE_MODULES)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:attend_${module}>)
  endforeach()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME attend LINKER_LANGUAGE CXX
                        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_link_libraries(${target} PRIVATE PkgConfig::hwy OpenMP::OpenMP_CXX Threads::Threads)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL SHARED_LIBRARY)
    # What the headers declare is exported, and nothing else.
    set(symbols ${PROJECT_SOURCE_DIR}/cmake/attend.symbols)
    target_link_options(${target} PRIVATE "LINKER:--version-script=${symbols}")
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${symbols})
    if(ATTEND_SANITIZE)
      target_link_options(${target} PRIVATE -fsanitize=${ATTEND_SANITIZE})
    else()
      target_link_options(${target} PRIVATE LINKER:--no-undefined)
    endif()
  endif()
endfunction()

attend_engine_library(attend_engine)
set_target_properties(attend_engine PROPERTIES EXPORT_NAME attend)
add_library(attend::attend ALIAS attend_engine)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/attend)
install(TARGETS attend_engine EXPORT attendTargets COMPONENT library
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
list(TRANSFORM ATTEND_ENGINE_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/attend/ OUTPUT_VARIABLE headers)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/attend COMPONENT library)
install(EXPORT attendTargets NAMESPACE attend:: DESTINATION ${package_dir} COMPONENT library)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/attendConfig.cmake.in ${PROJECT_BINARY_DIR}/attendConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/attendConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/attendConfig.cmake ${PROJECT_BINARY_DIR}/attendConfigVersion.cmake
        DESTINATION ${package_dir} COMPONENT library)

# The terms of what is installed, of either component.
set(doc_dir ${CMAKE_INSTALL_DATAROOTDIR}/doc/attend)
foreach(component library program)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE
          DESTINATION ${doc_dir} COMPONENT ${component})
endforeach()

# A static library hands what it needs on to the program; a shared one has it.
set(pc_libs "-L\${libdir} -lattend")
set(pc_requires "")
if(NOT BUILD_SHARED_LIBS)
  string(APPEND pc_libs " -fopenmp -lstdc++ -lm -pthread")
  set(pc_requires "Requires: libhwy\n")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  # Relative to the file itself, so that an installed tree can be moved.
  file(RELATIVE_PATH up /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  set(pc_${dir} "\${prefix}")
  cmake_path(APPEND pc_${dir} "${CMAKE_INSTALL_${dir}}")  # which may be absolute
endforeach()
configure_file(${PROJECT_SOURCE_DIR}/cmake/attend.pc.in ${PROJECT_BINARY_DIR}/attend.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/attend.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)

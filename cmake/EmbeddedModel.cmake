# Files inside programs.
set(ATTEND_MODEL "${PROJECT_SOURCE_DIR}/models/attend.safetensors" CACHE FILEPATH
    "Model file to build into the program; a file that does not exist builds a program without one")

set(ATTEND_TRANSLATION_MODEL "${PROJECT_SOURCE_DIR}/models/attend-en-de.safetensors" CACHE FILEPATH
    "Translation model file to build into the program; a file that does not exist builds a program without one")

# attend_embed_model(TARGET FILE NAME) defines the static library TARGET with the function attend::NAME(), which gives the
# bytes of FILE; none when there is no such file.
function(attend_embed_model target file embedded_model)
  # A glob, so that a file that appears or goes away after configuring is noticed by the next build.
  file(GLOB found CONFIGURE_DEPENDS "${file}")
  if(found)
    message(STATUS "${target}: ${found}")
    set(embedded_model_include "        .incbin \"${found}\"")
  else()
    message(STATUS "${target}: empty, there is no ${file}")
    set(embedded_model_include "")
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}.S)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_model.S.in ${source} @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${found}")
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_model.cc.in ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc @ONLY)
  add_library(${target} STATIC ${source} ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc)
endfunction()

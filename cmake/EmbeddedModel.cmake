# Files inside programs.
set(ATTEND_MODEL "${PROJECT_SOURCE_DIR}/models/attend.safetensors" CACHE FILEPATH
    "Model file to build into the program; empty builds a program without one")

set(ATTEND_TRANSLATION_MODEL "${PROJECT_SOURCE_DIR}/models/attend-en-de.safetensors" CACHE FILEPATH
    "Translation model file to build into the program; empty builds a program without one")

# attend_embed_model(TARGET VARIABLE NAME) defines the static library TARGET with the function attend::NAME(), which
# gives the bytes of the file that VARIABLE names; none when it is empty.
function(attend_embed_model target variable embedded_model)
  set(file "${${variable}}")
  set(embedded_model_include "")
  if(file)
    if(NOT EXISTS "${file}" OR IS_DIRECTORY "${file}")
      message(FATAL_ERROR "${variable} is ${file}, which is not a file; -D${variable}= builds without a model")
    endif()
    message(STATUS "${target}: ${file}")
    set(embedded_model_include "        .incbin \"${file}\"")
  else()
    message(STATUS "${target}: empty, as ${variable} is")
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}.S)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_model.S.in ${source} @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${file}")
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_model.cc.in ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc @ONLY)
  add_library(${target} STATIC ${source} ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc)
endfunction()

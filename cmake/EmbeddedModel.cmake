# The model inside the program.
set(ATTEND_MODEL "${PROJECT_SOURCE_DIR}/models/attend.safetensors" CACHE FILEPATH
    "Model file to build into the program; a file that does not exist builds a program without one")

# attend_embed_model(TARGET) defines the static library TARGET, which holds the bytes of ATTEND_MODEL between the
# symbols attend_embedded_model_begin and attend_embedded_model_end; none when there is no such file.
function(attend_embed_model target)
  # A glob, so that a model that appears or goes away after configuring is noticed by the next build.
  file(GLOB model CONFIGURE_DEPENDS "${ATTEND_MODEL}")
  if(model)
    message(STATUS "Model inside the program: ${model}")
    set(embedded_model_include "        .incbin \"${model}\"")
  else()
    message(STATUS "Model inside the program: none (no file ${ATTEND_MODEL})")
    set(embedded_model_include "")
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_model.S)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_model.S.in ${source} @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${model}")
  add_library(${target} STATIC ${source})
endfunction()

# cmake -P missing_model.cmake ends with the sentence for a model file that is not there.
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/EmbeddedModel.cmake)
set(MODEL /no/such/model)
attend_embed_model(unused MODEL unused)

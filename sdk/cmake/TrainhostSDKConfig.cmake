# find_package(TrainhostSDK): target trainhost::sdk (headers) and trainhost_add_plugin(). Plugins that link LibTorch get the one that the SDK was built with; set
# TRAINHOST_PYTHON before it for another one.
get_filename_component(TRAINHOST_SDK_INCLUDE_DIR "${CMAKE_CURRENT_LIST_DIR}/../../../include" ABSOLUTE)
get_filename_component(_trainhost_program "${CMAKE_CURRENT_LIST_DIR}/../../../bin/trainhost" ABSOLUTE)
if(EXISTS ${_trainhost_program})
  set(TRAINHOST_SDK_PROGRAM ${_trainhost_program})  # asks plugins what their kind promises
endif()
include(${CMAKE_CURRENT_LIST_DIR}/TrainhostSDKTorch.cmake OPTIONAL)
if(TRAINHOST_PYTHON AND NOT COMMAND trainhost_use_torch)
  if(NOT DEFINED TRAINHOST_TORCH)
    set(TRAINHOST_TORCH ON)
  endif()
  include(${CMAKE_CURRENT_LIST_DIR}/TrainhostTorch.cmake)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/TrainhostPlugin.cmake)

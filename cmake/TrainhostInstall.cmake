# `cmake --install` (program, engine, plugins, SDK) and the target `stage` (a tree that runs on another machine).
include(GNUInstallDirs)

if(TARGET trainhost)
  install(TARGETS trainhost RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
get_target_property(_engine_type trainhost_engine TYPE)
if(_engine_type STREQUAL "SHARED_LIBRARY")
  install(TARGETS trainhost_engine trainhost_conformance_torch LIBRARY DESTINATION lib)
endif()
get_property(_plugin_targets GLOBAL PROPERTY TRAINHOST_PLUGIN_TARGETS)
if(_plugin_targets)
  install(TARGETS ${_plugin_targets} LIBRARY DESTINATION lib/trainhost/plugins)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/include/trainhost DESTINATION include)
if(EXISTS ${PROJECT_SOURCE_DIR}/sdk/cmake)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/cmake/ DESTINATION lib/cmake/TrainhostSDK FILES_MATCHING PATTERN "*.cmake" PATTERN "*.map" PATTERN "*.py")
endif()
install(FILES ${PROJECT_SOURCE_DIR}/cmake/TrainhostTorch.cmake DESTINATION lib/cmake/TrainhostSDK)
if(TRAINHOST_TORCH)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/TrainhostSDKTorch.cmake.in ${PROJECT_BINARY_DIR}/TrainhostSDKTorch.cmake @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/TrainhostSDKTorch.cmake DESTINATION lib/cmake/TrainhostSDK)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tools/python/ DESTINATION share/trainhost/python FILES_MATCHING PATTERN "*.py" PATTERN "pyproject.toml"
  PATTERN "__pycache__" EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/trainhost)

get_property(_suites GLOBAL PROPERTY TRAINHOST_SUITES)
list(JOIN _suites "\n" _suites)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/suites.txt CONTENT "${_suites}\n")
add_custom_target(stage
  COMMAND ${CMAKE_COMMAND} -DBUILD_DIR=${PROJECT_BINARY_DIR} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DSTRIP=${CMAKE_STRIP}
    "-DCARRIED=${TRAINHOST_ISAL_LIBRARY};${TRAINHOST_JPEG_LIBRARY};${TRAINHOST_PNG_LIBRARY}" -P ${PROJECT_SOURCE_DIR}/cmake/stage.cmake
  COMMENT "Laying the relocatable tree in ${PROJECT_BINARY_DIR}/stage" VERBATIM)

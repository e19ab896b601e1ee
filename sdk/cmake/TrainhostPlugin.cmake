# trainhost_add_plugin() makes a plugin file and its tests, the same inside of the tree and outside of it, through find_package(TrainhostSDK).
#
# trainhost_add_plugin(<kind>/<name> SOURCES <a.cpp ...> [TORCH] [CUDA] [LINK <libraries>] [TESTS <a_test.cpp ...>] [TEST_LINK <libraries>]
#                      [CHECK_CONFIG <key=value ...>] [NO_CHECK])
#   -> <kind>-<name>.so in TRAINHOST_PLUGIN_OUTPUT_DIRECTORY (default: <build folder>/plugins)
#   TORCH  links LibTorch and stamps its build string; left out quietly where TRAINHOST_TORCH is OFF. CUDA adds LibTorch's CUDA side.
#   TESTS  Boost.Test files, one suite named like the file's stem in each; ctest entry <kind>/<stem without _test>. They open the built file through
#          <trainhost/testing.hpp>.
#   ctest entry <kind>/<name>/check asks the plugin what its kind promises (`trainhost plugins check`), with the settings of the example.toml beside it, if
#   there is one, and CHECK_CONFIG over them; a model is built for the fields of each fields*.toml beside it. NO_CHECK leaves it out. It runs in the source
#   folder. Out of the tree the program is that of the SDK's prefix.

set(TRAINHOST_SDK_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

if(NOT TARGET trainhost::sdk)
  add_library(trainhost::sdk INTERFACE IMPORTED GLOBAL)
  target_include_directories(trainhost::sdk INTERFACE ${TRAINHOST_SDK_INCLUDE_DIR})
  target_compile_features(trainhost::sdk INTERFACE cxx_std_20)
endif()

function(trainhost_add_plugin id)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;CUDA;NO_CHECK" "" "SOURCES;LINK;TESTS;TEST_LINK;CHECK_CONFIG")
  if(NOT id MATCHES "^([a-z0-9_]+)/([a-z0-9_]+)$")
    message(FATAL_ERROR "trainhost_add_plugin(${id}): the first argument is <kind>/<name>, like stopping_rule/patience")
  endif()
  set(kind ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "trainhost_add_plugin(${id}): SOURCES is needed; not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(arg_TORCH AND DEFINED TRAINHOST_TORCH AND NOT TRAINHOST_TORCH)
    return()
  endif()

  set(target ${kind}-${name})
  add_library(${target} MODULE ${arg_SOURCES})
  _trainhost_plugin_settings(${target} ${arg_LINK})
  _trainhost_plugin_link_settings(${target})
  if(arg_TORCH)
    _trainhost_plugin_torch(${target} ${id} ${arg_CUDA})
  endif()
  set_property(GLOBAL APPEND PROPERTY TRAINHOST_PLUGIN_TARGETS ${target})

  if(arg_TESTS AND (BUILD_TESTING OR NOT DEFINED BUILD_TESTING))
    _trainhost_plugin_tests(${target} ${kind} ${name} "${arg_TESTS}" "${arg_TEST_LINK}")
    if(arg_TORCH)
      _trainhost_plugin_torch(trainhost_${kind}_${name}_tests ${id} ${arg_CUDA})
    endif()
  endif()
  if(NOT arg_NO_CHECK AND (BUILD_TESTING OR NOT DEFINED BUILD_TESTING))
    _trainhost_plugin_check(${target} ${id} ${arg_CHECK_CONFIG})
  endif()
endfunction()

# One seed in tests, so that the same tree gives the same answer; by hand each check draws its own.
function(_trainhost_plugin_check target id)
  set(program trainhost)  # the target, inside of the tree
  if(TRAINHOST_SDK_PROGRAM)
    set(program ${TRAINHOST_SDK_PROGRAM})
  elseif(NOT PROJECT_NAME STREQUAL "trainhost")
    message(WARNING "${id}: no test asks it what its kind promises: bin/trainhost is not installed beside the SDK")
    return()
  endif()
  set(config)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/example.toml)
    set(config --config example.toml)
  endif()
  set(fields)
  if(id MATCHES "^model/")
    file(GLOB fields CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/fields*.toml)
    list(TRANSFORM fields PREPEND "--fields=")
  endif()
  add_test(NAME ${id}/check COMMAND ${program} plugins check $<TARGET_FILE:${target}> --reproduce 1 --time-limit 120 ${config} ${fields} ${ARGN}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${id}/check PROPERTIES LABELS default TIMEOUT 600)
endfunction()

function(_trainhost_plugin_settings target)
  target_link_libraries(${target} PRIVATE trainhost::sdk ${ARGN})
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wpedantic $<$<BOOL:${TRAINHOST_WARNINGS_AS_ERRORS}>:-Werror>)
endfunction()

# One exported symbol, nothing unresolved, and no symbol that two plugin files would share in one process.
function(_trainhost_plugin_link_settings target)
  set(output ${TRAINHOST_PLUGIN_OUTPUT_DIRECTORY})
  if(NOT output)
    set(output ${CMAKE_BINARY_DIR}/plugins)
  endif()
  set_target_properties(${target} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME ${target} LIBRARY_OUTPUT_DIRECTORY ${output}
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS ${TRAINHOST_SDK_CMAKE_DIR}/plugin.map)
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_options(${target} PRIVATE -Wl,-z,defs -Wl,--exclude-libs,ALL -Wl,--version-script=${TRAINHOST_SDK_CMAKE_DIR}/plugin.map)
endfunction()

function(_trainhost_plugin_torch target id cuda)
  if(NOT COMMAND trainhost_use_torch)
    message(FATAL_ERROR "trainhost_add_plugin(${id} TORCH): the LibTorch that the SDK was built with is not on this machine; "
      "set TRAINHOST_PYTHON to the Python interpreter of an environment that holds the same one")
  endif()
  if(cuda)
    trainhost_use_torch(${target} CUDA)
  else()
    trainhost_use_torch(${target})
  endif()
endfunction()

function(_trainhost_plugin_tests plugin kind name sources links)
  set(target trainhost_${kind}_${name}_tests)
  if(TARGET trainhost_test_main)
    set(main trainhost_test_main)
  else()
    find_package(Boost REQUIRED COMPONENTS unit_test_framework)
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${target}_main.cpp CONTENT "#define BOOST_TEST_MODULE plugin\n#include <boost/test/unit_test.hpp>\n")
    list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/${target}_main.cpp)
    set(main Boost::unit_test_framework)
  endif()
  add_executable(${target} ${sources})
  _trainhost_plugin_settings(${target} ${main} ${links} ${CMAKE_DL_LIBS})
  target_compile_definitions(${target} PRIVATE TRAINHOST_PLUGIN_FILE="$<TARGET_FILE:${plugin}>"
    $<$<NOT:$<TARGET_EXISTS:trainhost_test_main>>:$<$<STREQUAL:$<TARGET_PROPERTY:Boost::unit_test_framework,TYPE>,SHARED_LIBRARY>:BOOST_TEST_DYN_LINK>>)
  add_dependencies(${target} ${plugin})
  if(TRAINHOST_TEST_OUTPUT_DIRECTORY)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${TRAINHOST_TEST_OUTPUT_DIRECTORY})
  endif()
  foreach(source IN LISTS sources)
    get_filename_component(suite ${source} NAME_WE)
    if(NOT suite MATCHES "_test$")
      continue()
    endif()
    set(label default)
    if(suite MATCHES "_(gpu|nightly)_test$")
      set(label ${CMAKE_MATCH_1})
    endif()
    string(REGEX REPLACE "_test$" "" stem ${suite})
    set_property(GLOBAL APPEND PROPERTY TRAINHOST_SUITES "${label} ${kind}/${stem} ${target} ${suite}")
    add_test(NAME ${kind}/${stem} COMMAND ${target} --run_test=${suite} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_tests_properties(${kind}/${stem} PROPERTIES LABELS ${label} TIMEOUT 600 ENVIRONMENT
      "TRAINHOST_PYTHON=${TRAINHOST_PYTHON};TRAINHOST_TEST_MODULES=${TRAINHOST_TEST_MODULES};TRAINHOST_MODEL_MODULES=${TRAINHOST_MODEL_MODULES};TRAINHOST_BUILD_DIR=${PROJECT_BINARY_DIR};TRAINHOST_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
  endforeach()
endfunction()

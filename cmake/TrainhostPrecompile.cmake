# What makes a whole build take less: precompiled headers, and files that are compiled together.
#
# Precompiled headers: four, since a compiler takes one only with the settings that it was made with: for libraries and for test programs, each with and
# without LibTorch. They only save time; -DTRAINHOST_PRECOMPILE=OFF builds without them and finds what forgot an include.

option(TRAINHOST_PRECOMPILE "Use precompiled headers" ON)

set(_precompiled_std <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <filesystem> <fstream> <functional> <map>
  <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view> <thread> <utility> <vector>)
set(_precompiled_test <boost/test/data/monomorphic.hpp> <boost/test/data/test_case.hpp> <boost/test/unit_test.hpp>)
set(_precompiled_torch <ATen/core/Tensor.h> <ATen/core/grad_mode.h> <ATen/Context.h> <ATen/ops/empty.h>)

# Every target of this folder and those below.
function(_trainhost_all_targets folder out)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(subfolders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(subfolder IN LISTS subfolders)
    _trainhost_all_targets(${subfolder} below)
    list(APPEND targets ${below})
  endforeach()
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

# Defines no more than any target that takes it, as the compiler demands.
function(_trainhost_precompiled name)
  set(source ${PROJECT_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${source})
  target_compile_options(${name} PRIVATE -Wpedantic)  # it changes which macros the compiler defines
  target_precompile_headers(${name} PRIVATE ${_precompiled_std} <nlohmann/json.hpp>)
  if(name MATCHES "test")
    target_link_libraries(${name} PRIVATE Boost::unit_test_framework)
    target_precompile_headers(${name} PRIVATE ${_precompiled_test})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIE -O1)  # as executables have it
  endif()
  if(name MATCHES "torch")
    trainhost_use_torch(${name})
    target_precompile_headers(${name} PRIVATE ${_precompiled_torch})
  endif()
endfunction()

# Call it last, when all targets are known. Also lowers the optimisation of test programs: they are compiled more often than they are waited for.
function(trainhost_precompile_headers)
  _trainhost_all_targets(${PROJECT_SOURCE_DIR} targets)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(links ${target} LINK_LIBRARIES)
    get_target_property(header ${target} PRECOMPILE_HEADERS)
    get_target_property(sources ${target} SOURCES)
    if(header OR NOT "${sources}" MATCHES "\\.cpp" OR NOT type MATCHES "^(STATIC_LIBRARY|SHARED_LIBRARY|OBJECT_LIBRARY|EXECUTABLE|MODULE_LIBRARY)$")
      continue()
    endif()
    set(name precompiled)
    if(type STREQUAL "EXECUTABLE")
      if(NOT target MATCHES "_tests$")
        continue()
      endif()
      string(APPEND name _test)
      target_compile_options(${target} PRIVATE -O1)
    endif()
    if("trainhost_torch" IN_LIST links)
      string(APPEND name _torch)
    elseif(NOT target MATCHES "^trainhost_" OR target STREQUAL "trainhost_test_main")
      continue()  # the small files of plugins without LibTorch include next to nothing
    endif()
    if(TRAINHOST_PRECOMPILE)
      if(NOT TARGET ${name})
        _trainhost_precompiled(${name})
      endif()
      target_precompile_headers(${target} REUSE_FROM ${name})
    endif()
  endforeach()
endfunction()

option(TRAINHOST_UNITY "Compile several files of a target at once: a whole build takes less, a changed file more" ON)

# Call it last, when all targets are known. Files of one target keep the names in their unnamed namespaces apart; test files keep their helpers inside of their
# suite. Targets whose files cannot be read together set UNITY_BUILD to OFF.
function(trainhost_compile_together)
  _trainhost_all_targets(${PROJECT_SOURCE_DIR} targets)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(has_own ${target} UNITY_BUILD)
    get_target_property(sources ${target} SOURCES)
    if(TRAINHOST_UNITY AND NOT has_own STREQUAL "OFF" AND NOT "${sources}" MATCHES "\\.c(;|$)" AND type MATCHES "^(STATIC_LIBRARY|SHARED_LIBRARY|OBJECT_LIBRARY|EXECUTABLE|MODULE_LIBRARY)$")
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)  # it takes what a unity file includes for a header
    endif()
  endforeach()
endfunction()

# LibTorch out of the pinned PyPI wheel, as plain imported targets; also used by plugins built outside of the tree.
#
# In:  TRAINHOST_PYTHON      interpreter of the environment that scripts/setup made (asked for when empty)
#      TRAINHOST_TORCH       ON/OFF; OFF leaves TRAINHOST_TORCH_BUILD at "none" and defines no torch target
# Out: trainhost_use_torch(<target> [CUDA])   compiles and links a target against LibTorch, with the run paths that it needs
#      TRAINHOST_TORCH_BUILD                  the build string that host and T2 plugins compare
#      trainhost_stamp_torch_build(<files ...>)   defines TRAINHOST_TORCH_BUILD as a string literal in these alone: it changes with each SDK header
#      trainhost_add_kernels(<target> <file.cu ...>)   compiles kernels into the target's program or library, where TRAINHOST_CUDA is ON
#      TRAINHOST_CUDA                         whether CUDA libraries are linked
# Torch's own package config is not used: it insists on a whole CUDA tool chain, takes seconds, and adds flags to every file.

if(NOT TRAINHOST_PYTHON AND EXISTS ${PROJECT_SOURCE_DIR}/scripts/setup)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/setup --where OUTPUT_VARIABLE _where OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(_where MATCHES "^python=([^\n]*)\ncuda=(ON|OFF)\ntest_modules=([^\n]*)\nmodel_modules=([^\n]*)$")
    set(TRAINHOST_PYTHON ${CMAKE_MATCH_1} CACHE FILEPATH "Python interpreter of the environment with LibTorch")
    set(TRAINHOST_CUDA ${CMAKE_MATCH_2} CACHE BOOL "Link the CUDA side of LibTorch")
    set(TRAINHOST_TEST_MODULES ${CMAKE_MATCH_3} CACHE PATH "Python modules of the tests: what they put on PYTHONPATH")
    set(TRAINHOST_MODEL_MODULES ${CMAKE_MATCH_4} CACHE PATH "Python models that others wrote, for tests: what they put on PYTHONPATH")
  endif()
endif()
set(TRAINHOST_PYTHON "" CACHE FILEPATH "Python interpreter of the environment with LibTorch")
if(TRAINHOST_TORCH AND NOT DEFINED TRAINHOST_CUDA)  # a plugin out of the tree, for which set-up has not decided
  find_package(CUDAToolkit 13.0 QUIET)
  set(TRAINHOST_CUDA ${CUDAToolkit_FOUND} CACHE BOOL "Link the CUDA side of LibTorch")
endif()

# <version>;cuda=<version>;cxx11abi=1;sdk=<12 hex digits over the T2 headers>
function(trainhost_torch_build_string torch_dir sdk_include_dir out)
  file(STRINGS ${torch_dir}/version.py lines)
  foreach(line IN LISTS lines)
    if(line MATCHES "^__version__ = '(.*)'")
      set(version ${CMAKE_MATCH_1})
    elseif(line MATCHES "^cuda:.* = '(.*)'")
      set(cuda ${CMAKE_MATCH_1})
    endif()
  endforeach()
  file(GLOB headers CONFIGURE_DEPENDS ${sdk_include_dir}/trainhost/torch/*.h ${sdk_include_dir}/trainhost/cpp/*.hpp)  # T2 classes derive from those of cpp/
  list(SORT headers)
  set(digests "")
  foreach(header IN LISTS headers)
    file(SHA256 ${header} digest)
    string(APPEND digests ${digest})
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
  string(SHA256 sdk_digest "${digests}")
  string(SUBSTRING ${sdk_digest} 0 12 sdk_digest)
  set(${out} "${version};cuda=${cuda};cxx11abi=1;sdk=${sdk_digest}" PARENT_SCOPE)
endfunction()

function(_trainhost_find_torch)
  if(NOT TRAINHOST_PYTHON)
    message(FATAL_ERROR "LibTorch is wanted, but no environment holds it.\nRun scripts/setup, or configure with -DTRAINHOST_TORCH=OFF.")
  endif()
  get_filename_component(bin_dir ${TRAINHOST_PYTHON} DIRECTORY)
  file(GLOB found ${bin_dir}/../lib/python3.*/site-packages/torch/version.py)
  if(NOT found)
    message(FATAL_ERROR "TRAINHOST_PYTHON=${TRAINHOST_PYTHON}: no torch beside this interpreter.\n"
      "Run scripts/setup, then configure again in a fresh build folder.")
  endif()
  list(GET found 0 found)
  get_filename_component(torch_dir ${found} DIRECTORY)
  get_filename_component(torch_dir ${torch_dir} ABSOLUTE)
  set(TRAINHOST_TORCH_DIR ${torch_dir} PARENT_SCOPE)
endfunction()

function(_trainhost_import_torch name)
  add_library(trainhost_import_${name} SHARED IMPORTED GLOBAL)
  set_target_properties(trainhost_import_${name} PROPERTIES IMPORTED_LOCATION ${TRAINHOST_TORCH_DIR}/lib/lib${name}.so)
endfunction()

function(_trainhost_define_torch_targets)
  _trainhost_import_torch(c10)
  _trainhost_import_torch(torch_cpu)
  add_library(trainhost_torch INTERFACE)
  target_include_directories(trainhost_torch SYSTEM INTERFACE
    ${TRAINHOST_TORCH_DIR}/include ${TRAINHOST_TORCH_DIR}/include/torch/csrc/api/include)
  target_compile_definitions(trainhost_torch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO USE_RPC USE_TENSORPIPE)
  target_link_libraries(trainhost_torch INTERFACE trainhost_import_torch_cpu trainhost_import_c10)
  # DT_RPATH, unlike DT_RUNPATH, also serves the libraries that LibTorch itself needs.
  target_link_options(trainhost_torch INTERFACE -Wl,--disable-new-dtags)
  if(TRAINHOST_CUDA)
    _trainhost_import_torch(c10_cuda)
    _trainhost_import_torch(torch_cuda)
    add_library(trainhost_torch_cuda INTERFACE)
    target_include_directories(trainhost_torch_cuda SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
    target_compile_definitions(trainhost_torch_cuda INTERFACE USE_C10D_NCCL)
    # Nothing names a symbol of libtorch_cuda, its operators register themselves when it is loaded.
    target_link_libraries(trainhost_torch_cuda INTERFACE trainhost_torch
      -Wl,--push-state,--no-as-needed trainhost_import_torch_cuda trainhost_import_c10_cuda -Wl,--pop-state CUDA::cudart)
  endif()
endfunction()

set(TRAINHOST_TORCH_RUN_PATHS)
set(TRAINHOST_TORCH_BUILD "none")
if(TRAINHOST_TORCH)
  _trainhost_find_torch()
  get_filename_component(_site_packages ${TRAINHOST_TORCH_DIR} DIRECTORY)
  file(GLOB _wheel_library_dirs ${_site_packages}/nvidia/*/lib)
  set(TRAINHOST_TORCH_RUN_PATHS ${TRAINHOST_TORCH_DIR}/lib ${_wheel_library_dirs})
  if(TRAINHOST_CUDA)
    find_package(CUDAToolkit 13.0 REQUIRED)
    list(APPEND TRAINHOST_TORCH_RUN_PATHS ${CUDAToolkit_LIBRARY_DIR})
  endif()
  _trainhost_define_torch_targets()
  trainhost_torch_build_string(${TRAINHOST_TORCH_DIR} ${TRAINHOST_SDK_INCLUDE_DIR} TRAINHOST_TORCH_BUILD)
  message(STATUS "LibTorch: ${TRAINHOST_TORCH_BUILD} in ${TRAINHOST_TORCH_DIR}, CUDA ${TRAINHOST_CUDA}")
endif()

function(trainhost_stamp_torch_build)
  # A semicolon would end the definition in CMake's lists, so the C++ compiler gets it as an octal escape.
  string(REPLACE ";" "\\073" literal "${TRAINHOST_TORCH_BUILD}")
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_DEFINITIONS "TRAINHOST_TORCH_BUILD=\"${literal}\"")
endfunction()

# Compiles and links a target against LibTorch; CUDA adds its CUDA side and does nothing where TRAINHOST_CUDA is OFF.
function(trainhost_use_torch target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CUDA" "" "")
  target_link_libraries(${target} PRIVATE trainhost_torch)
  if(arg_CUDA AND TRAINHOST_CUDA)
    target_link_libraries(${target} PRIVATE trainhost_torch_cuda)
  endif()
  target_compile_definitions(${target} PRIVATE TRAINHOST_CUDA=$<BOOL:${TRAINHOST_CUDA}>)
  set_target_properties(${target} PROPERTIES
    BUILD_RPATH "$ORIGIN/../lib;${TRAINHOST_TORCH_RUN_PATHS}" INSTALL_RPATH "$ORIGIN/../lib;${TRAINHOST_TORCH_RUN_PATHS}")
endfunction()

# nvcc as a command of its own. As a language of CMake it would be asked for its abilities at
# each first configure, and take no precompiled header anyway.
set(TRAINHOST_CUDA_ARCHITECTURES "80;90" CACHE STRING "GPUs that kernels are compiled for, as compute capabilities without the dot; newer ones get PTX of the last")

function(trainhost_add_kernels target)
  if(NOT TRAINHOST_CUDA OR NOT ARGN)
    return()
  endif()
  foreach(architecture IN LISTS TRAINHOST_CUDA_ARCHITECTURES)
    list(APPEND codes -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  list(GET TRAINHOST_CUDA_ARCHITECTURES -1 newest)
  list(APPEND codes -gencode arch=compute_${newest},code=compute_${newest})
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h ${CMAKE_CURRENT_SOURCE_DIR}/*.cuh)  # nvcc's own list of them breaks at a space in a path
  foreach(source IN LISTS ARGN)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${source}.o)
    file(RELATIVE_PATH from_here ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${source})  # what __FILE__ then says
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${CUDAToolkit_NVCC_EXECUTABLE} -std=c++20 -O3 ${codes} -Xcompiler=-fPIC,-fvisibility=hidden
        --expt-relaxed-constexpr "-I$<JOIN:$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>,;-I>"
        -c ${from_here} -o ${object}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source} ${headers} COMMENT "Compiling kernels ${source}" VERBATIM COMMAND_EXPAND_LISTS)
    list(APPEND objects ${object})
  endforeach()
  add_library(${target}_kernels STATIC ${objects})
  set_target_properties(${target}_kernels PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${target} PRIVATE ${target}_kernels)
endfunction()

# Choices of the user, compiler settings for everything, and where outputs go.

option(TRAINHOST_TORCH "Build what needs LibTorch: the engine and the T2 plugins" ON)
option(BUILD_TESTING "Build the test programs" ON)
option(TRAINHOST_WARNINGS_AS_ERRORS "Treat every compiler warning as an error" OFF)
set(TRAINHOST_FUZZ AUTO CACHE STRING "Build the fuzzers: ON, OFF, or AUTO: where clang++ has libFuzzer")
set(TRAINHOST_SANITIZE "" CACHE STRING "Sanitizers for everything, as -fsanitize= takes them: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
# Line tables are enough for stack traces and keep objects small; assertions stay on outside of Release.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1" CACHE STRING "Flags of RelWithDebInfo" FORCE)
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1" CACHE STRING "Flags of RelWithDebInfo" FORCE)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(TRAINHOST_SDK_INCLUDE_DIR ${PROJECT_SOURCE_DIR}/sdk/include)
set(TRAINHOST_PLUGIN_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins)
set(TRAINHOST_TEST_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# Everything also looks beside itself, so that `make stage` can shorten the run path to this.
set(CMAKE_BUILD_RPATH "$ORIGIN/../lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")

find_program(TRAINHOST_CCACHE ccache)
if(TRAINHOST_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Clones and build folders share what they compiled: neither the clone's place nor the build folder's is part of the key. The compiler's own list of
  # what it read spares a run of the preprocessor.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${TRAINHOST_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)  # plugin files must not have such symbols, and all share precompiled headers
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)  # programs hold no path of the machine that built them
find_program(TRAINHOST_MOLD mold)
if(TRAINHOST_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(trainhost_options INTERFACE)
target_include_directories(trainhost_options INTERFACE ${PROJECT_SOURCE_DIR}/host ${PROJECT_SOURCE_DIR}/sdk/include)
target_compile_options(trainhost_options INTERFACE -Wall -Wextra -Wshadow -Wpedantic
  $<$<BOOL:${TRAINHOST_WARNINGS_AS_ERRORS}>:-Werror>)
# The host knows all that its headers declare; a plugin only what the oldest host that it wants to run on declares.
target_compile_definitions(trainhost_options INTERFACE TRAINHOST_VERSION="${PROJECT_VERSION}" TRAINHOST_TARGET_MINOR=TRAINHOST_ABI_MINOR)

if(TRAINHOST_SANITIZE)
  add_compile_options(-fsanitize=${TRAINHOST_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)  # g++ sees it in std::regex where code is added for sanitizers
  add_link_options(-fsanitize=${TRAINHOST_SANITIZE})
endif()

# Finds the libraries of the host, one imported name for each; everything comes from Debian 12.

find_package(Threads REQUIRED)
set(Boost_USE_STATIC_LIBS ON)  # so that the staged tree runs where Boost is not installed
find_package(Boost 1.74 REQUIRED COMPONENTS program_options unit_test_framework)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)

find_path(TRAINHOST_XXHASH_INCLUDE xxhash.h REQUIRED)  # used as a header only

find_path(TRAINHOST_ISAL_INCLUDE isa-l/crc.h REQUIRED)
find_library(TRAINHOST_ISAL_LIBRARY isal REQUIRED)
add_library(trainhost_isal INTERFACE)
target_include_directories(trainhost_isal SYSTEM INTERFACE ${TRAINHOST_ISAL_INCLUDE})
target_link_libraries(trainhost_isal INTERFACE ${TRAINHOST_ISAL_LIBRARY})

find_path(TRAINHOST_CRYPTO_INCLUDE openssl/sha.h REQUIRED)
find_library(TRAINHOST_CRYPTO_LIBRARY libcrypto.a REQUIRED)  # linked in: SHA-256 alone is 20 KB, the shared library costs every start
add_library(trainhost_crypto INTERFACE)
target_include_directories(trainhost_crypto SYSTEM INTERFACE ${TRAINHOST_CRYPTO_INCLUDE})
target_link_libraries(trainhost_crypto INTERFACE ${TRAINHOST_CRYPTO_LIBRARY})
target_link_options(trainhost_crypto INTERFACE -Wl,--exclude-libs,libcrypto.a)

find_path(TRAINHOST_ZLIB_INCLUDE zlib.h REQUIRED)
find_library(TRAINHOST_ZLIB_LIBRARY libz.a REQUIRED)  # linked in, so that the staged tree runs where it is not installed
add_library(trainhost_zlib INTERFACE)
target_include_directories(trainhost_zlib SYSTEM INTERFACE ${TRAINHOST_ZLIB_INCLUDE})
target_link_libraries(trainhost_zlib INTERFACE ${TRAINHOST_ZLIB_LIBRARY})

# Debian has spdlog and fmt as shared libraries only; the header-only forms leave nothing to carry along.
add_library(trainhost_spdlog INTERFACE)
target_compile_definitions(trainhost_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
target_include_directories(trainhost_spdlog SYSTEM INTERFACE
  $<TARGET_PROPERTY:spdlog::spdlog_header_only,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(trainhost_spdlog INTERFACE fmt::fmt-header-only Threads::Threads)

add_library(trainhost_boost_dll INTERFACE)
target_compile_definitions(trainhost_boost_dll INTERFACE BOOST_DLL_USE_STD_FS)
target_link_libraries(trainhost_boost_dll INTERFACE Boost::headers ${CMAKE_DL_LIBS})

find_path(TRAINHOST_RAPIDCHECK_INCLUDE rapidcheck.h REQUIRED)
find_library(TRAINHOST_RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
add_library(trainhost_rapidcheck INTERFACE)
target_include_directories(trainhost_rapidcheck SYSTEM INTERFACE ${TRAINHOST_RAPIDCHECK_INCLUDE})
target_link_libraries(trainhost_rapidcheck INTERFACE ${TRAINHOST_RAPIDCHECK_LIBRARY})

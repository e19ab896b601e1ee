#include "s3/curl_library.h"

#include <dlfcn.h>

#include <trainhost/cpp/error.hpp>

namespace trainhost::s3 {
namespace {

constexpr const char* kLibrary = "libcurl.so.4";
constexpr unsigned kOldest = 0x075400;  // 7.84.0

[[noreturn]] void refuse(std::string_view why) {
  throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("s3:// needs {} of curl 7.84 or later, {}; install it (Debian: apt-get install libcurl4)", kLibrary, why));
}

template <class Function>
void find(void* library, const char* name, Function& out) {
  void* const address = ::dlsym(library, name);
  if (!address) refuse(format("this machine's has no {}", name));
  out = reinterpret_cast<Function>(address);
}

CurlLibrary open_library() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library) refuse(format("which cannot be opened: {}", ::dlerror()));
  decltype(&::curl_version_info) version_info;
  find(library, "curl_version_info", version_info);
  const curl_version_info_data* const version = version_info(CURLVERSION_NOW);
  if (version->version_num < kOldest) refuse(format("this machine's is {}", version->version));
  CurlLibrary curl;
  find(library, "curl_global_init", curl.global_init);
  find(library, "curl_global_cleanup", curl.global_cleanup);
  find(library, "curl_easy_init", curl.easy_init);
  find(library, "curl_easy_cleanup", curl.easy_cleanup);
  find(library, "curl_easy_reset", curl.easy_reset);
  find(library, "curl_easy_setopt", curl.easy_setopt);
  find(library, "curl_easy_getinfo", curl.easy_getinfo);
  find(library, "curl_easy_perform", curl.easy_perform);
  find(library, "curl_easy_strerror", curl.easy_strerror);
  find(library, "curl_slist_append", curl.slist_append);
  find(library, "curl_slist_free_all", curl.slist_free_all);
  return curl;
}

}  // namespace

const CurlLibrary& CurlLibrary::get() {
  static const CurlLibrary library = open_library();
  return library;
}

}  // namespace trainhost::s3

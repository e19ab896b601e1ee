// libcurl as this machine has it, opened when the first bucket is asked for: a source of local files runs where there is no libcurl. Opened in a scope of its own, too,
// in which its OpenSSL is the one that it was built for, and not one that another library of the process, such as Arrow's, brings along.
#pragma once
#include <curl/curl.h>

namespace trainhost::s3 {

struct CurlLibrary {
  /// Never closed. Throws PluginError FAILED_PRECONDITION where libcurl is not installed, or is older than 7.84: from then on its global initialisation is safe in a
  /// process with threads. [any]
  static const CurlLibrary& get();

  decltype(&::curl_global_init) global_init;
  decltype(&::curl_global_cleanup) global_cleanup;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_perform) easy_perform;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
};

}  // namespace trainhost::s3

#include "keys.h"

#include <algorithm>

#include <trainhost/cpp/error.hpp>

#include "s3/location.h"

namespace s3ckpt {
namespace {

constexpr size_t kMaxKey = 512;  // S3 takes 1024 bytes, the prefix included

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/'; }

}  // namespace

bool is_key_valid(std::string_view key) { return !key.empty() && key.size() <= kMaxKey && std::all_of(key.begin(), key.end(), is_plain) && trainhost::s3::has_plain_parts(key); }

void require_valid(std::string_view key) {
  if (!is_key_valid(key))
    throw trainhost::PluginError(TRAINHOST_INVALID_ARGUMENT,
                                 trainhost::format("key \"{}\": wanted parts of [A-Za-z0-9._-] between single slashes, at most {} bytes", key, kMaxKey));
}

}  // namespace s3ckpt

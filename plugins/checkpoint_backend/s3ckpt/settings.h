// What the user sets: keys of [s3ckpt], then the environment, then the AWS profile.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "location.h"
#include "profile.h"

namespace s3ckpt {

struct Config {
  std::string uri, endpoint, region, storage_class;
  std::optional<bool> path_style;
  std::uint64_t part_bytes = 8 << 20;
  unsigned max_connections = 16, tries = 5, timeout_seconds = 30;
  double orphan_hours = 24;
};

/// Where the bucket is. Throws INVALID_ARGUMENT.
Location locate(const Config& config, const Environment& environment);

}  // namespace s3ckpt

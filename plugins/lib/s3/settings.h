// What the user sets: keys of the plugin's table, then the environment, then the AWS profile.
#pragma once
#include <optional>
#include <string>

#include "s3/failures.h"
#include "s3/location.h"
#include "s3/profile.h"

namespace trainhost::s3 {

/// The keys that every plugin with buckets has.
struct StoreSettings {
  std::string endpoint, region;  // empty: not set
  std::optional<bool> path_style;
};

/// Where the bucket of `place` is. Throws INVALID_ARGUMENT.
Location locate(Place place, const StoreSettings& settings, const Wording& wording, const Environment& environment);

}  // namespace trainhost::s3

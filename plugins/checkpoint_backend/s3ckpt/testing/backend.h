// For tests: the plugin in a bucket of a server, with its calls as C++.
#pragma once
#include <string>

#include <trainhost/testing/objects.hpp>

#include "s3/testing/servers.h"

namespace s3ckpt::testing {

using trainhost::format;
using trainhost::s3::testing::Server;
using trainhost::s3::testing::Variable;
using trainhost::testing::pattern_bytes;

/// The plugin as the host uses it. Keys and region come from the environment; config is more JSON: R"("tries":2)".
struct Backend : trainhost::testing::Objects {
  explicit Backend(const std::string& endpoint, const std::string& config = "", const std::string& uri = "s3://bucket/runs/a")
      : Objects(format(R"({{"uri":"{}","endpoint":"{}"{}{}}})", uri, endpoint, config.empty() ? "" : ",", config)) {}
};

}  // namespace s3ckpt::testing

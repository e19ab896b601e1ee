// The files that the AWS command line keeps: ~/.aws/credentials and ~/.aws/config.
#pragma once
#include <functional>
#include <map>
#include <string>

namespace trainhost::s3 {

/// The value of an environment variable; empty when it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string environment_variable(const char* name);

using Profile = std::map<std::string, std::string>;

/// What both files say of the profile that AWS_PROFILE names ("default" without it); the credentials file wins.
/// Throws INVALID_ARGUMENT when AWS_PROFILE names one that neither file has.
Profile read_profile(const Environment& environment);

}  // namespace trainhost::s3

// The objects that patterns over s3:// name.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "remote/buckets.h"
#include "remote/object.h"

namespace trainhost::remote {

/// `pattern`: "s3://bucket/a/x-{000..099}.tar", with what Glob knows behind the bucket's name. A name is asked for with HEAD; of a pattern, one listing of what begins as it
/// does before its first brace or wildcard. As in folders, wildcards pass over names that begin with a dot. Throws PluginError: INVALID_ARGUMENT for a malformed
/// pattern, NOT_FOUND for a name that is not there and a pattern that matches nothing, each with `key` in front; what the store says.
std::vector<Object> list_objects(Buckets& buckets, const std::string& pattern, std::string_view key);

}  // namespace trainhost::remote

// The buckets that a data set lies in.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include <trainhost/cpp/host.hpp>

#include "remote/object.h"
#include "remote/options.h"
#include "s3/client.h"
#include "s3/reader.h"

namespace trainhost::remote {

/// "s3://bucket/a/b" as bucket and key. Throws PluginError INVALID_ARGUMENT, which begins with `key`, the config's.
struct ObjectName {
  std::string bucket, key;
  static ObjectName parse(std::string_view uri, std::string_view config_key);
};

/// Opens a client for each bucket when it is first asked for. All functions [any].
class Buckets {
 public:
  /// `plugin`: its name, for messages. `host` is borrowed.
  Buckets(RemoteOptions options, std::string plugin, const Host& host) : options_(std::move(options)), plugin_(std::move(plugin)), host_(host) {}

  /// Throws PluginError: what the settings or the credentials lack.
  s3::Reader& reader(const std::string& bucket);
  /// "http://127.0.0.1:9000", and the host name of a bucket where that holds its name.
  std::string origin(const std::string& bucket) { return reader(bucket).client().location().origin(); }

 private:
  struct Bucket {
    std::unique_ptr<s3::Client> client;
    std::unique_ptr<s3::Reader> reader;
  };

  RemoteOptions options_;
  std::string plugin_;
  const Host& host_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace trainhost::remote

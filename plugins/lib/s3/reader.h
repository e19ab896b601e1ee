// What is read of a bucket: facts, ranges, listings.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "s3/answers.h"
#include "s3/client.h"

namespace trainhost::s3 {

struct ObjectFacts {
  uint64_t size = 0;
  std::string etag;  // with its quotes
};

/// Keys are those of the bucket. All functions throw PluginError and may be called from several threads at once.
class Reader {
 public:
  /// `client` is borrowed.
  explicit Reader(Client& client) : client_(client) {}

  /// One request that shows whether the bucket is there and may be listed. tries: 0: as many as the user allows.
  void check(unsigned tries = 0);

  /// The answer to HEAD; nothing where the object is not there.
  std::optional<HttpResponse> head(const std::string& key);
  std::optional<ObjectFacts> find(const std::string& key);
  /// Returns the number of bytes that are there; fewer than asked for at the object's end. Throws NOT_FOUND.
  size_t get(const std::string& key, uint64_t offset, std::span<std::byte> out);
  /// Fills `out` from an object that must be as `facts` say. Throws DATA_LOSS for one that is gone or has become another. `is_unwanted`: as in Call.
  void get_same(const std::string& key, const ObjectFacts& facts, uint64_t offset, std::span<std::byte> out, const std::function<bool()>& is_unwanted = {});
  /// Until visit returns false.
  void list(const std::string& prefix, const std::function<bool(const ListedObject&)>& visit);

  Client& client() { return client_; }

 private:
  Client& client_;
};

}  // namespace trainhost::s3

// One signed request to the bucket, tried again as long as that may help.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include <trainhost/cpp/host.hpp>

#include "s3/credentials.h"
#include "s3/failures.h"
#include "s3/location.h"
#include "s3/transport.h"

namespace trainhost::s3 {

struct Call {
  std::string method;
  std::string bucket_key;  // empty: the bucket itself
  Pairs query = {}, headers = {};
  std::span<const std::byte> body = {};
  std::span<std::byte> sink = {};
  std::vector<long> expected = {};  // statuses beside 2xx that the caller wants to see
  unsigned tries = 0;               // 0: as many as the user allows
  /// Looks at a good answer: words when it is not what was asked for, which is tried again like damage on the way.
  std::function<std::string(const HttpResponse&)> complaint = {};
  /// Asked now and then on the calling thread, beside the host: true ends the request as CANCELLED. For threads that no call of the host runs on.
  std::function<bool()> is_unwanted = {};
};

struct ClientOptions {
  unsigned max_connections = 16, tries = 5, timeout_seconds = 30;
  Wording wording = {};
};

class Client {
 public:
  /// host is borrowed; its log, deadline and cancellation are used. Opens nothing.
  Client(Location location, ClientOptions options, Environment environment, const Host& host);

  /// Throws PluginError: UNAVAILABLE when the tries are used up, CANCELLED or DEADLINE_EXCEEDED when the host says so, DATA_LOSS when the answer stays
  /// damaged, and what fits the store's answer. [io], any number at once
  HttpResponse send(const Call& call);

  const Location& location() const { return location_; }
  const Host& host() const { return host_; }
  /// Unix seconds by the store's clock, as far as it is known.
  int64_t now() const;
  /// "s3://bucket/key: PUT", for messages about a good answer.
  std::string name_of(const Call& call) const { return location_.name(call.bucket_key) + ": " + call.method; }

 private:
  HttpRequest sign(const Call& call, const Credentials& keys) const;
  HttpResponse send_once(const Call& call, const Credentials& keys);
  /// Mends what the store complains of, if it can: a skewed clock, an expired token. True: send again at once.
  bool mend(const HttpResponse& response, const Credentials& keys);
  Failure about(const Call& call) const;
  void throw_if_unwanted(const Call& call) const;
  bool is_unwanted() const;
  bool is_unwanted(const Call& call) const { return is_unwanted() || (call.is_unwanted && call.is_unwanted()); }
  /// Before try `number` + 1: a random part of a doubling time, at least what the store asks for.
  void wait(const Call& call, unsigned number, const HttpResponse& response) const;

  Location location_;
  ClientOptions options_;
  Environment environment_;
  const Host& host_;
  Transport transport_;
  CredentialSource credentials_;
  std::atomic<int64_t> clock_offset_{0};  // store minus this machine, in seconds
};

}  // namespace trainhost::s3

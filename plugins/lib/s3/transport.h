// HTTP over libcurl: one request at a time on a connection out of a pool.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost::s3 {

struct HttpRequest {
  std::string method, url;
  std::map<std::string, std::string> headers = {};
  std::span<const std::byte> body = {};               // borrowed
  std::span<std::byte> sink = {};                     // where the body of a good answer goes; one that does not fit is an error. Empty: into HttpResponse::body
  unsigned connect_seconds = 10, stall_seconds = 30;  // stalled: not a byte moves in either direction
  bool is_local = false;                              // of this machine or its hypervisor: no proxy
};

struct HttpResponse {
  enum class Problem { kNone, kTransient, kLasting, kUnwanted };

  long status = 0;                                  // 0 when there was no answer
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
  size_t sink_bytes = 0;
  Problem problem = Problem::kNone;  // of the connection
  std::string problem_words = {};

  bool is_good() const { return problem == Problem::kNone && status >= 200 && status < 300; }
  std::string header(std::string_view name) const {
    const auto found = headers.find(std::string(name));
    return found == headers.end() ? std::string() : found->second;
  }
};

class Transport {
 public:
  /// Opens no connection yet. Throws what CurlLibrary::get() throws. More callers than connections wait for each other.
  explicit Transport(unsigned max_connections);
  ~Transport();

  /// Never throws for what the network does. is_unwanted is asked now and then, also while nothing moves; when true the answer is kUnwanted. [any]
  HttpResponse send(const HttpRequest& request, const std::function<bool()>& is_unwanted);

 private:
  struct Connection;
  class Lease;

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  unsigned num_free_;
};

}  // namespace trainhost::s3

// Who we are: keys from the environment, the AWS files, or the machine's metadata service; fetched anew before they expire.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "s3/profile.h"
#include "s3/signer.h"
#include "s3/transport.h"

namespace trainhost::s3 {

struct FoundCredentials {
  Credentials keys;
  int64_t expires_unix_seconds = 0;  // 0: never
  std::string source;                // for messages: "the environment"
};

/// Looks in the environment, the profile, the container's endpoint and the instance metadata, in this order. Throws PERMISSION_DENIED when there are none
/// anywhere, UNAVAILABLE when a service that should have some does not answer.
FoundCredentials find_credentials(Transport& transport, const Environment& environment, const std::function<bool()>& is_unwanted);

class CredentialSource {
 public:
  using Fetch = std::function<FoundCredentials()>;
  using Clock = std::function<int64_t()>;  // Unix seconds
  CredentialSource(Fetch fetch, Clock clock) : fetch_(std::move(fetch)), clock_(std::move(clock)) {}

  /// Those in use; fetched when there are none yet or they end within five minutes. A fetch that fails while they still hold is tried again later. [any]
  Credentials get();
  /// The server says that these have expired: fetches others. False when the fetch brings the same again. [any]
  bool replace(const Credentials& expired);
  /// Where they came from.
  std::string source() const;

 private:
  Fetch fetch_;
  Clock clock_;
  mutable std::mutex mutex_;
  FoundCredentials found_;
  int64_t next_try_ = 0;
};

}  // namespace trainhost::s3

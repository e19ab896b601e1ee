// Copies one object from the near place to the far one.
#pragma once
#include <chrono>
#include <functional>
#include <stdexcept>

#include <trainhost/cpp/upstream_backend.hpp>

#include "backlog.h"

namespace mirrorckpt {

/// The near place could not give what it holds: not the far place's fault.
struct NearFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The far place holds something else under this key.
struct Conflict : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Sending was given up because the process ends.
struct GivenUp {};

struct Sender {
  trainhost::UpstreamBackend near, far;
  std::uint64_t part_bytes = 0;  // the wish
  unsigned parts_at_once = 1;
  std::function<bool()> is_over;  // asked between parts; true: GivenUp. [any]

  /// Returns when the object is durable in the far place. Throws PluginError of the far place, NearFailure, Conflict, GivenUp.
  void send(const Item& item) const;

 private:
  void send_record(const Item& item) const;
  void send_parts(const Item& item, trainhost::UpstreamBackend::Put& put) const;
  void require_same_size(const Item& item) const;
};

}  // namespace mirrorckpt

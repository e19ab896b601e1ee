// Data that is read by ranges: a file of this machine, or an object of a store.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace trainhost {

class RangedFile {
 public:
  virtual ~RangedFile() = default;
  virtual const std::string& name() const = 0;  // its path or URI, for messages
  virtual uint64_t size() const = 0;
  /// Another text when the content is another one: the time of change of a file, the ETag of an object.
  virtual std::string version() const = 0;
  /// Fills `out`. Throws PluginError: DATA_LOSS for bytes that are not there or have changed since the run began, UNAVAILABLE where a retry helps. [any]
  virtual void read(uint64_t offset, std::span<std::byte> out) const = 0;
  /// These bytes will be read soon. Does not wait, and does not fail. [any]
  virtual void expect(uint64_t /*offset*/, uint64_t /*size*/) const {}
};

}  // namespace trainhost

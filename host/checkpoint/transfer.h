// Moving whole objects: in parts out to the store, in checked blocks back.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/buffer.h"
#include "checkpoint/object_store.h"
#include "checkpoint/record.h"
#include "checkpoint/safetensors.h"

namespace trainhost {

struct TransferOptions {
  uint64_t block_bytes = uint64_t{8} << 20;
  unsigned num_threads = 1;
};

/// The bytes of one object, scattered over memory that somebody else owns.
class ObjectSource {
 public:
  explicit ObjectSource(std::string_view text) { add(std::as_bytes(std::span(text))); }
  explicit ObjectSource(const SafetensorsLayout& layout);  // borrowed

  uint64_t bytes() const { return bytes_; }
  uint64_t header_bytes() const { return header_bytes_; }
  void copy(uint64_t offset, std::span<std::byte> out) const;

 private:
  void add(std::span<const std::byte> piece);
  std::vector<std::span<const std::byte>> pieces_;
  std::vector<uint64_t> starts_;
  uint64_t bytes_ = 0, header_bytes_ = 0;
};

/// Writes and commits the object. Throws PluginCallError; nothing is visible then, unless it was commit() that failed.
ObjectRecord write_object(ObjectStore& objects, const std::string& folder, std::string_view name, const ObjectSource& source, const TransferOptions& options);

/// An object that is there but not as its record says.
class ObjectDamage : public std::runtime_error {
 public:
  ObjectDamage(bool is_in_header, const std::string& message) : std::runtime_error(message), is_in_header_(is_in_header) {}
  bool is_in_header() const { return is_in_header_; }

 private:
  bool is_in_header_;
};

/// The object, every block checked, into `out`, which is of its size. Throws ObjectDamage, PluginCallError.
void read_object(ObjectStore& objects, const std::string& folder, const ObjectRecord& record, const TransferOptions& options, std::span<std::byte> out);

/// As read_object, but keeps nothing.
void verify_object(ObjectStore& objects, const std::string& folder, const ObjectRecord& record, const TransferOptions& options);

/// A small object of any size up to `limit`. Throws ObjectDamage, PluginCallError.
std::string read_small(ObjectStore& objects, const std::string& key, uint64_t limit);

}  // namespace trainhost

// Objects in and out of a checkpoint backend, as the host moves them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/specimen.h"
#include "trainhost/checkpoint_copies.h"

namespace trainhost::conformance {

// A specimen that moves bytes; its tables are those of the specimen. Several threads at once.
class Store {
 public:
  explicit Store(const Subject& subject) : subject_(subject), plugin_(subject) { plugin_.begin(); }

  struct Upload {
    trainhost_put* put = nullptr;
    std::uint64_t part_bytes = 0;
  };
  // `upload` is set only when the answer is OK.
  Said try_begin(std::string_view key, std::uint64_t size, Upload& upload, std::uint64_t wished_part_bytes = 1 << 20) const;
  Said part(const Upload& upload, std::uint64_t offset, std::string_view bytes) const;
  Said part_with_crc(const Upload& upload, std::uint64_t offset, std::string_view bytes, std::uint32_t crc) const;
  Said commit(const Upload& upload) const;
  void abort(const Upload& upload) const;
  // A whole object, part after part; aborted when a part fails.
  Said try_put(std::string_view key, std::string_view bytes, std::uint64_t wished_part_bytes = 1 << 20) const;
  void put(std::string_view key, std::string_view bytes) const;

  Said try_create(std::string_view key, std::string_view bytes) const;
  Said try_get(std::string_view key, std::uint64_t offset, std::uint64_t size, std::string& bytes) const;
  std::string get(std::string_view key, std::uint64_t offset = 0, std::uint64_t size = 1 << 20) const;
  bool has(std::string_view key) const;
  struct Found {
    std::string key;
    std::uint64_t size;
    bool operator==(const Found&) const = default;
  };
  std::vector<Found> list(std::string_view prefix, std::size_t most = SIZE_MAX) const;
  Said try_remove(std::string_view key) const;

  const Specimen& plugin() const { return plugin_; }

 private:
  const trainhost_checkpoint_backend& table() const { return plugin_.need<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND); }

  const Subject& subject_;
  Specimen plugin_;
};

// What one place of a backend with several answers for a key. Several threads at once.
Said try_copy(const Specimen& plugin, std::uint32_t place, std::string_view key, std::uint64_t offset, std::uint64_t size, std::string& bytes);

// So many bytes, which differ with the seed.
std::string random_bytes(std::size_t size, std::uint64_t seed);

}  // namespace trainhost::conformance

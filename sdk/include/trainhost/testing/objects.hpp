// Calls to a checkpoint backend that read like C++: bytes in, bytes out, failures as PluginError.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trainhost/checkpoint_backend.h"
#include "trainhost/testing/plugin.hpp"

namespace trainhost::testing {

// The checksum that comes with a part (Castagnoli).
inline std::uint32_t part_crc32c(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      table[byte] = byte;
      for (int bit = 0; bit < 8; ++bit) table[byte] = (table[byte] >> 1) ^ (0x82f63b78u & (0u - (table[byte] & 1u)));
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

// Bytes no two stretches of which are alike.
inline std::string pattern_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = size + 1;
  for (char& byte : bytes) state = state * 6364136223846793005u + 1442695040888963407u, byte = static_cast<char>(state >> 56);
  return bytes;
}

// A started backend. Decorators are given what they wrap.
class Objects {
 public:
  using Keys = std::vector<std::string>;

  explicit Objects(std::string_view config_json, std::vector<trainhost_instance*> upstreams = {}, const std::string& file = plugin_file()) : plugin_({}, file) {
    plugin_.host.upstreams = std::move(upstreams);
    plugin_.create(config_json).start();
    table_ = &plugin_.table<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
  }

  // part_bytes: in, the wish; out, the answer.
  trainhost_put* begin(std::string_view key, std::uint64_t size, std::uint64_t* part_bytes = nullptr) {
    trainhost_put* put = nullptr;
    std::uint64_t wish = 4096;
    call(table_->put_begin, plugin_.c(), c_string(key), size, part_bytes ? part_bytes : &wish, &put);
    return put;
  }
  void part(trainhost_put* put, std::uint64_t offset, std::string_view bytes) { part_with(put, offset, bytes, part_crc32c(bytes)); }
  void part_with(trainhost_put* put, std::uint64_t offset, std::string_view bytes, std::uint32_t crc32c) {
    call(table_->put_part, put, offset, static_cast<const void*>(bytes.data()), bytes.size(), crc32c);
  }
  void commit(trainhost_put* put) { call(table_->put_commit, put); }
  void abort(trainhost_put* put) { table_->put_abort(put); }
  // All of it, in parts.
  void put(std::string_view key, std::string_view bytes) {
    std::uint64_t part_bytes = 4096;
    trainhost_put* const begun = begin(key, bytes.size(), &part_bytes);
    try {
      for (std::size_t at = 0; at < bytes.size(); at += part_bytes) part(begun, at, bytes.substr(at, part_bytes));
    } catch (...) {
      abort(begun);
      throw;
    }
    commit(begun);
  }
  void create(std::string_view key, std::string_view bytes) {
    call(table_->create, plugin_.c(), c_string(key), static_cast<const void*>(bytes.data()), bytes.size());
  }
  std::string get(std::string_view key, std::uint64_t offset = 0, std::uint64_t size = 1 << 20) {
    std::string bytes(size, '?');
    std::uint64_t got = 0;
    call(table_->get, plugin_.c(), c_string(key), offset, static_cast<void*>(bytes.data()), size, &got);
    return bytes.substr(0, got);
  }
  Keys list(std::string_view prefix = "", std::size_t limit = 100'000) {
    struct Seen {
      Keys keys;
      std::size_t limit;
    } seen{{}, limit};
    const auto visit = [](void* context, const trainhost_object* object) -> std::int32_t {
      Seen& to = *static_cast<Seen*>(context);
      to.keys.emplace_back(view(object->key));
      return to.keys.size() >= to.limit;
    };
    call(table_->list, plugin_.c(), c_string(prefix), static_cast<void*>(&seen), static_cast<std::int32_t (*)(void*, const trainhost_object*)>(visit));
    return seen.keys;
  }
  void remove(std::string_view key) { call(table_->remove, plugin_.c(), c_string(key)); }
  bool has(std::string_view key) { return status_of([&] { get(key, 0, 1); }) == TRAINHOST_OK; }

  FakeHost& host() { return plugin_.host; }
  PluginUnderTest& plugin() { return plugin_; }

 private:
  PluginUnderTest plugin_;
  const trainhost_checkpoint_backend* table_;
};

}  // namespace trainhost::testing

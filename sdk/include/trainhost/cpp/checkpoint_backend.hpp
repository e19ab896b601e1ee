// Checkpoint backends in C++; what the calls mean: trainhost/checkpoint_backend.h.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "trainhost/checkpoint_backend.h"
#include "trainhost/cpp/instance.hpp"

namespace trainhost::inline sdk {

class CheckpointBackend : public Plugin {
 public:
  static constexpr std::string_view kKind = "checkpoint_backend";

  // An upload under way. Ended by one commit or abort, then destroyed. [io], parts from several threads
  class Put {
   public:
    virtual ~Put() = default;
    virtual void part(std::uint64_t offset, std::span<const std::byte> bytes, std::uint32_t crc32c) = 0;
    virtual void commit() = 0;
    virtual void abort() = 0;
  };

  struct Object {
    std::string_view key;
    std::uint64_t size;
    std::int64_t modified_unix_ms;  // 0 = not known
  };
  using Visit = std::function<bool(const Object&)>;  // false = enough

  // All [io]: several at once, may block.
  virtual std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) = 0;  // part_bytes: in wish, out answer
  virtual void create(std::string_view key, std::span<const std::byte> bytes) = 0;  // throws ALREADY_EXISTS unless the stored bytes are equal
  virtual std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) = 0;  // less than asked only at the end
  virtual void list(std::string_view prefix, const Visit& visit) = 0;  // bytewise order, committed objects only
  virtual void remove(std::string_view key) = 0;  // absent is fine

  const void* interface(std::string_view id) override { return id == TRAINHOST_CHECKPOINT_BACKEND ? &kTable : nullptr; }

 private:
  using Error = trainhost_error;
  static CheckpointBackend& self(trainhost_instance* instance) { return detail::object<CheckpointBackend>(instance); }
  static Put* put_of(trainhost_put* put) { return reinterpret_cast<Put*>(put); }

  static trainhost_status c_put_begin(trainhost_instance* instance, trainhost_string key, std::uint64_t size, std::uint64_t* part_bytes,
                                      trainhost_put** put, Error* error) noexcept {
    return detail::guard(error, [&] {
      std::uint64_t answer = *part_bytes;
      auto begun = self(instance).put_begin(view(key), size, answer);
      *part_bytes = answer;
      *put = reinterpret_cast<trainhost_put*>(begun.release());
    });
  }
  static trainhost_status c_put_part(trainhost_put* put, std::uint64_t offset, const void* bytes, std::uint64_t size, std::uint32_t crc32c,
                                     Error* error) noexcept {
    return detail::guard(error, [&] { put_of(put)->part(offset, {static_cast<const std::byte*>(bytes), size}, crc32c); });
  }
  static trainhost_status c_put_commit(trainhost_put* put, Error* error) noexcept {
    const std::unique_ptr<Put> gone_on_return(put_of(put));
    return detail::guard(error, [&] { gone_on_return->commit(); });
  }
  static void c_put_abort(trainhost_put* put) noexcept {
    const std::unique_ptr<Put> gone_on_return(put_of(put));
    detail::guard(nullptr, [&] { gone_on_return->abort(); });
  }
  static trainhost_status c_create(trainhost_instance* instance, trainhost_string key, const void* bytes, std::uint64_t size, Error* error) noexcept {
    return detail::guard(error, [&] { self(instance).create(view(key), {static_cast<const std::byte*>(bytes), size}); });
  }
  static trainhost_status c_get(trainhost_instance* instance, trainhost_string key, std::uint64_t offset, void* out, std::uint64_t size,
                                std::uint64_t* got, Error* error) noexcept {
    return detail::guard(error, [&] { *got = self(instance).get(view(key), offset, {static_cast<std::byte*>(out), size}); });
  }
  static trainhost_status c_list(trainhost_instance* instance, trainhost_string prefix, void* context,
                                 std::int32_t (*visit)(void*, const trainhost_object*), Error* error) noexcept {
    return detail::guard(error, [&] {
      self(instance).list(view(prefix), [&](const Object& object) {
        const trainhost_object c_object{sizeof(trainhost_object), 0, c_string(object.key), object.size, object.modified_unix_ms};
        return visit(context, &c_object) == 0;
      });
    });
  }
  static trainhost_status c_remove(trainhost_instance* instance, trainhost_string key, Error* error) noexcept {
    return detail::guard(error, [&] { self(instance).remove(view(key)); });
  }
  static constexpr trainhost_checkpoint_backend kTable{
      sizeof(trainhost_checkpoint_backend), 0, &c_put_begin, &c_put_part, &c_put_commit, &c_put_abort, &c_create, &c_get, &c_list, &c_remove};
};

}  // namespace trainhost::inline sdk

// Checkpoints in two places: done when the near one holds them, followed by the far one.
#include <memory>

#include <trainhost/cpp/checkpoint_copies.hpp>
#include <trainhost/plugin.hpp>

#include "mirror.h"

using namespace trainhost;
using mirrorckpt::Config;
using mirrorckpt::Mirror;

namespace {

constexpr auto kSchema =
    schema<Config>()
        .key("part_bytes", &Config::part_bytes, "wished size of the parts in which large objects go to the far place", at_least(4096), at_most(1 << 30), no_trajectory)
        .key("parts_at_once", &Config::parts_at_once, "parts of one object under way at once", at_least(1), at_most(64), no_trajectory)
        .key("wait_at_end_seconds", &Config::wait_at_end_seconds, "how long the end of the run waits for what the far place lacks", at_least(0), at_most(1e6), no_trajectory)
        .key("retry_seconds", &Config::retry_seconds, "longest wait before the far place is tried again", greater_than(0), at_most(3600), no_trajectory)
        .key("report_seconds", &Config::report_seconds, "how often the lag is reported while there is one", greater_than(0), at_most(1e6), no_trajectory)
        .key("start_without_far", &Config::start_without_far, "begin although the far place does not answer and the near one is empty", no_trajectory);

class MirrorPut final : public CheckpointBackend::Put {
 public:
  explicit MirrorPut(UpstreamBackend::Put put) : put_(std::move(put)) {}
  void part(std::uint64_t offset, std::span<const std::byte> bytes, std::uint32_t crc32c) override { put_.part(offset, bytes, crc32c); }
  void commit() override { put_.commit(); }  // it is sent when the commit record of its folder is there
  void abort() override { put_.abort(); }

 private:
  UpstreamBackend::Put put_;
};

class MirroredCheckpoints final : public CheckpointBackend, public CheckpointCopies {
 public:
  explicit MirroredCheckpoints(Config config) : config_(config) {}

  void start() override {
    mirror_ = std::make_unique<Mirror>(host(), config_);
    mirror_->open();
  }
  void stop() override {
    if (mirror_) mirror_->close();
    mirror_.reset();
  }

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    mirror_->begin_put(key);
    UpstreamBackend::Put put = mirror_->near().put_begin(key, size, part_bytes);
    part_bytes = put.part_bytes();
    return std::make_unique<MirrorPut>(std::move(put));
  }
  void create(std::string_view key, std::span<const std::byte> bytes) override { mirror_->create(key, bytes); }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override { return mirror_->get(key, offset, out); }
  std::size_t get_copy(std::uint32_t place, std::string_view key, std::uint64_t offset, std::span<std::byte> out) override {
    if (place > 1) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("place {}: there are two, 0 is near and 1 is far", place));
    return mirror_->get_copy(place == 1, key, offset, out);
  }
  const void* interface(std::string_view id) override { return id == TRAINHOST_CHECKPOINT_COPIES ? copies_table<2>() : CheckpointBackend::interface(id); }
  void list(std::string_view prefix, const Visit& visit) override {
    for (const auto& object : mirror_->list(prefix))
      if (!visit({object.key, object.size, object.modified_unix_ms})) return;
  }
  void remove(std::string_view key) override { mirror_->remove(key); }

 private:
  Config config_;
  std::unique_ptr<Mirror> mirror_;
};

}  // namespace

TRAINHOST_PLUGIN(MirroredCheckpoints, {.kind = "checkpoint_backend",
                                       .name = "mirrorckpt",
                                       .version = "1.0.0",
                                       .summary = "Checkpoints in two places: done when the near one has them, followed by the far one",
                                       .decorates = 2,
                                       .needs = {TRAINHOST_UPSTREAM},
                                       .schema = kSchema})

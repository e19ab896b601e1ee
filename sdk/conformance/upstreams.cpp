// A source of 100 samples and a backend over a map, through the C++ glue.
#include "conformance/upstreams.h"

#include <map>
#include <mutex>

#include "trainhost/draft/sample_identity.hpp"
#include "trainhost/plugin.hpp"
#include "trainhost/testing/memory_backend.hpp"

namespace trainhost::conformance {
namespace {

class MemorySource final : public IdentifiedSource {
 public:
  MemorySource() {
    info_.fields = {{"tokens", TRAINHOST_FIELD_INPUT, kUInt8, {8}, {}, 256, -1}, {"label", TRAINHOST_FIELD_TARGET, kInt64, {}, {}, 10, -1}};
    info_.num_samples = 100, info_.block_starts = {0, 40, 80}, info_.fingerprint.fill(7);
  }
  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return {false, info_.fingerprint, "100 samples in memory"}; }
  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto tokens = out.reserve(i, 0, {8}).as<std::uint8_t>();
      for (std::size_t k = 0; k < tokens.size(); ++k) tokens[k] = static_cast<std::uint8_t>(ids[i] * 31 + k);
      out.reserve(i, 1, std::span<const std::int64_t>()).as<std::int64_t>()[0] = static_cast<std::int64_t>(ids[i] % 10);
    }
  }

 private:
  SourceInfo info_;
};

testing::MemoryPlace& place_of(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, testing::MemoryPlace> places;
  const std::lock_guard lock(mutex);
  return places[name];
}

constexpr detail::Registration kSource{{}, [](std::string_view) -> std::unique_ptr<Plugin> { return std::make_unique<MemorySource>(); }, false};

}  // namespace

OwnedInstance make_upstream(const std::string& kind, const trainhost_host* host, const std::string& place) {
  if (kind == "checkpoint_backend") return OwnedInstance(testing::MemoryUpstream(place_of(place), host).release());
  return OwnedInstance(kind == "data_source" ? &(new detail::Instance(host, kSource, {}))->c : nullptr);
}

}  // namespace trainhost::conformance

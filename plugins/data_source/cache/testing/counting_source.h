// A source in memory to wrap in tests, which counts what it is asked for and does what a test says.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

namespace trainhost::testing {

struct SourceBehaviour {
  std::uint64_t num_samples = 50;
  std::size_t text_bytes = 200;       // about, of a sample
  std::uint8_t content = 1;           // decides all bytes and the stamp
  bool says_identity = true, says_it_draws = false, draws = false, has_text = false;
  std::uint64_t damaged_id = ~0ull;
  std::atomic<std::uint64_t> samples_read = 0;
};

// Of sample `id`: a text of varying length, and a label.
class CountingSource : public IdentifiedSource, public DataLengths {
 public:
  explicit CountingSource(SourceBehaviour& behaviour) : behaviour_(behaviour) {
    info_.fields = {{"text", TRAINHOST_FIELD_INPUT, kUInt8, {-1}, {4096}, 256, 0}, {"label", TRAINHOST_FIELD_TARGET, kInt64, {}, {}, 10, -1}};
    info_.num_samples = behaviour.num_samples;
    info_.fingerprint.fill(5);
  }
  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override {
    SampleFacts facts{behaviour_.says_it_draws, {}, "samples of a test"};
    facts.stamp.fill(behaviour_.content);
    return facts;
  }
  const void* interface(std::string_view id) override { return id == TRAINHOST_SAMPLE_IDENTITY && !behaviour_.says_identity ? nullptr : IdentifiedSource::interface(id); }
  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t> keys, BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == behaviour_.damaged_id) throw PluginError(TRAINHOST_DATA_LOSS, "shard 3: byte 12: not an image");
      ++behaviour_.samples_read;
      const auto text = out.reserve(i, 0, {length_of(ids[i])}).as<std::uint8_t>();
      const std::uint64_t drawn = behaviour_.draws ? keys[i] : 0;
      for (std::size_t k = 0; k < text.size(); ++k) text[k] = static_cast<std::uint8_t>((ids[i] + drawn) * 31 + k * 7 + behaviour_.content);
      out.reserve(i, 1, {}).as<std::int64_t>()[0] = static_cast<std::int64_t>(ids[i] % 10);
    }
  }
  void lengths(std::span<const std::uint64_t> ids, std::span<std::uint64_t> out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) out[i] = static_cast<std::uint64_t>(length_of(ids[i]));
  }

 private:
  std::int64_t length_of(std::uint64_t id) const { return static_cast<std::int64_t>(behaviour_.text_bytes + id % 13); }

  SourceBehaviour& behaviour_;
  SourceInfo info_;
};

class SpeakingSource final : public CountingSource, public Text {
 public:
  using CountingSource::CountingSource;
  std::vector<std::int64_t> encode(std::string_view text) override { return {text.begin(), text.end()}; }
  std::string decode(std::span<const std::int64_t> tokens) override { return {tokens.begin(), tokens.end()}; }
};

// As the host knows it. The behaviour is set before it is made, and outlives it.
class UpstreamSource {
 public:
  UpstreamSource(SourceBehaviour& behaviour, const trainhost_host* host) {
    thread_local SourceBehaviour* wanted;
    wanted = &behaviour;
    static constexpr detail::Registration kRegistration{{}, [](std::string_view) -> std::unique_ptr<Plugin> {
                                                          if (wanted->has_text) return std::make_unique<SpeakingSource>(*wanted);
                                                          return std::make_unique<CountingSource>(*wanted);
                                                        }, false};
    instance_ = new detail::Instance(host, kRegistration, {});
  }
  ~UpstreamSource() { delete instance_; }
  UpstreamSource(const UpstreamSource&) = delete;
  UpstreamSource& operator=(const UpstreamSource&) = delete;
  trainhost_instance* c() const { return &instance_->c; }

 private:
  detail::Instance* instance_;
};

}  // namespace trainhost::testing

// Points of a square; their class says whether they lie within a circle.
//
// A source is a numbered shelf: it says how many samples there are and what fields they are made of, and fills the host's memory with those it is asked
// for. Order, shuffling, batching, padding and threads are the host's. The same id with the same random key is the same bytes, on any thread, in any order.
//
// A decorator, such as a cache, is a source that says .decorates = 1 below and reads from the source that it wraps:
//   const auto inner = host().upstream<trainhost_data_source>(0, TRAINHOST_DATA_SOURCE);
//   trainhost::call(inner.table->info, inner.instance, &info);
#include <cstring>

#include <trainhost/plugin.hpp>

namespace {

struct Config {
  std::uint64_t samples = 1000;
};

// A coordinate from -1 to 1 out of 24 bits.
float coordinate(std::uint64_t bits) { return static_cast<float>(bits & 0xffffff) * 0x1p-23f - 1.0f; }

class MyPlugin final : public trainhost::DataSource {
 public:
  // pad_value -1 in a target: a class of -1 does not count in the loss. The fingerprint says what the samples are; a resume with another one is refused.
  explicit MyPlugin(Config config) {
    info_.fields = {{.name = "x", .role = TRAINHOST_FIELD_INPUT, .dtype = trainhost::kFloat32, .shape = {2}},
                    {.name = "y", .role = TRAINHOST_FIELD_TARGET, .dtype = trainhost::kInt64, .num_classes = 2, .pad_value = -1}};
    info_.num_samples = config.samples;
    info_.fingerprint[0] = 1;  // the version of the samples
    std::memcpy(&info_.fingerprint[8], &config.samples, sizeof config.samples);
  }

  const trainhost::SourceInfo& info() override { return info_; }

  // Called from several threads at once. random_keys[i] is the only randomness that sample i may use: for augmentation, say.
  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, trainhost::BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      std::uint64_t bits = (ids[i] + 1) * 0x9e3779b97f4a7c15u;
      bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
      const std::span<float> x = out.reserve(i, 0, {2}).as<float>();
      x[0] = coordinate(bits >> 40), x[1] = coordinate(bits >> 16);
      out.reserve(i, 1, std::span<const std::int64_t>()).as<std::int64_t>()[0] = x[0] * x[0] + x[1] * x[1] < 0.64f;
    }
  }

 private:
  trainhost::SourceInfo info_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "data_source",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "points of a square; two classes, within a circle and outside of it",
  .schema = trainhost::schema<Config>().key("samples", &Config::samples, "number of samples", trainhost::at_least(1)),
})

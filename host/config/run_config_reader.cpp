// Copies values; all that can still be wrong here are intervals.
#include "config/run_config_reader.h"

#include "base/error.h"
#include "config/byte_size.h"

namespace trainhost {
namespace {

using nlohmann::json;

class Reader {
 public:
  Reader(const ConfigTree& host, const ResolveOptions& options, Problems& problems) : host_(host), problems_(problems) {
    measures_.currency = get<std::string>({"currency"}).value_or("usd");
    measures_.has_price = host.find({"price_per_hour"}) != nullptr;
    measures_.has_energy_meter = options.has_energy_meter;
  }

  RunConfig read() {
    RunConfig run;
    read_max(run);
    take({"name"}, run.name);
    take({"seed"}, run.seed);
    take({"device"}, run.device);
    take({"plugins"}, run.plugins);
    take({"plugin_path"}, run.plugin_path);
    run.price_per_hour = get<double>({"price_per_hour"});
    take({"currency"}, run.currency);
    take({"clip_norm"}, run.clip_norm);
    take({"max_skips"}, run.max_skips);
    take({"require_smoke"}, run.require_smoke);
    read_data(run.data);
    read_checkpoint(run.checkpoint);
    take({"execution", "cuda_graph"}, run.execution.cuda_graph);
    take({"execution", "threads"}, run.execution.threads);
    run.telemetry.every = interval({"telemetry", "every"});
    take({"model", "fields"}, run.model.fields);
    take({"model", "init_from"}, run.model.init_from);
    take({"model", "freeze"}, run.model.freeze);
    take({"model", "recompute"}, run.model.recompute);
    take({"op_pack", "order"}, run.op_pack.order);
    read_sample(run.sample);
    for (const std::string& label : names({"optimizer", "groups"})) run.groups.push_back(read_group(label));
    for (const std::string& name : names({"evaluation"})) run.evaluations.push_back(read_evaluation(name));
    return run;
  }

 private:
  // Values that did not pass the schema are absent; their problem is known already.
  template <class T>
  std::optional<T> get(const KeyPath& path) const {
    const json* value = host_.find(path);
    return value ? std::optional(value->get<T>()) : std::nullopt;
  }
  template <class T>
  void take(const KeyPath& path, T& out) const {
    if (const auto value = get<T>(path)) out = *value;
  }

  std::vector<std::string> texts(const KeyPath& path) const {
    const json* value = host_.find(path);
    if (!value) return {};
    return value->is_string() ? std::vector<std::string>{value->get<std::string>()} : value->get<std::vector<std::string>>();
  }

  std::vector<std::string> names(const KeyPath& path) const {
    std::vector<std::string> all;
    if (const json* table = host_.find(path))
      for (const auto& [name, unused] : table->items()) all.push_back(name);
    return all;
  }

  void read_max(RunConfig& run) {
    const std::string place = place_of({"max"});
    for (const std::string& text : texts({"max"})) {
      report([&] {
        const Interval limit = parse_interval(text, place);
        if (limit.unit == Unit::kPercent)
          throw Error(
              ExitCode::kConfig,
              format("{}: \"{}\" is a part of the run's length, which max itself states; wanted steps, samples, tokens, epochs, time or money", place, text));
        require_measurable(limit, measures_, place);
        run.max.push_back(limit);
      });
    }
    length_ = run_length(run.max);
  }

  Interval interval(const KeyPath& path) {
    Interval result;
    const auto text = get<std::string>(path);
    if (!text) return result;
    report([&] {
      const std::string place = place_of(path);
      result = parse_interval(*text, place);
      require_measurable(result, measures_, place);
      result = resolve_percent(result, length_, place);
    });
    return result;
  }

  template <class Action>
  void report(Action action) {
    try {
      action();
    } catch (const Error& error) {
      problems_.add(error.what());
    }
  }

  std::string place_of(const KeyPath& path) const { return format("{}: {}", host_.origin(path).text, key_text(path)); }

  void read_data(DataConfig& data) {
    if (const json* threads = host_.find({"data", "threads"}); threads && threads->is_number()) data.threads = threads->get<int>();
    if (const auto memory = get<std::string>({"data", "memory"})) report([&] { data.memory_bytes = parse_byte_size(*memory, place_of({"data", "memory"})); });
    if (const auto limit = time({"data", "stall_timeout"})) data.stall_seconds = limit->base_amount();
    take({"data", "prefetch"}, data.prefetch);
    take({"data", "shuffle"}, data.shuffle);
    take({"data", "shuffle_blocks"}, data.shuffle_blocks);
    take({"data", "decorators"}, data.decorators);
    for (const std::string& name : names({"data", "mixture"})) {
      const KeyPath table{"data", "mixture", name};
      MixturePartConfig part{name, 1, ""};
      take(below(table, "weight"), part.weight);
      take(below(table, "source"), part.source);
      data.mixture.push_back(part);
    }
    if (data.mixture.size() > 256) problems_.add(format("{}: {} parts, at most 256 make a mixture", host_.origin({"data", "mixture"}).text, data.mixture.size()));
  }

  void read_checkpoint(CheckpointConfig& checkpoint) {
    checkpoint.uris = texts({"checkpoint", "uri"});
    checkpoint.is_automatic = get<std::string>({"checkpoint", "every"}) == "auto";
    if (!checkpoint.is_automatic) checkpoint.every = interval({"checkpoint", "every"});
    read_hazard(checkpoint);
    take({"checkpoint", "mode"}, checkpoint.mode);
    take({"checkpoint", "keep_last"}, checkpoint.keep_last);
    take({"checkpoint", "keep_every"}, checkpoint.keep_every);
    take({"checkpoint", "keep_best"}, checkpoint.keep_best);
    take({"checkpoint", "good_after"}, checkpoint.good_after);
    take({"checkpoint", "decorators"}, checkpoint.decorators);
  }

  void read_hazard(CheckpointConfig& checkpoint) {
    checkpoint.mean_time_between_interruptions = time({"checkpoint", "mean_time_between_interruptions"});
  }

  // Absent where the key is, or is no time, which is a problem then.
  std::optional<Interval> time(const KeyPath& path) {
    if (!get<std::string>(path)) return std::nullopt;
    const Interval read = interval(path);
    if (read.unit == Unit::kSecond || read.unit == Unit::kMinute || read.unit == Unit::kHour) return read;
    if (!read.text.empty()) problems_.add(format("{}: \"{}\" is no time; wanted s, min or h, such as 6h", place_of(path), read.text));
    return std::nullopt;
  }

  void read_sample(SampleConfig& sample) const {
    take({"sample", "prompt"}, sample.prompt);
    take({"sample", "length"}, sample.length);
    take({"sample", "temperature"}, sample.temperature);
    take({"sample", "top_k"}, sample.top_k);
  }

  ParameterGroup read_group(const std::string& label) const {
    const KeyPath table{"optimizer", "groups", label};
    ParameterGroup group;
    group.label = label;
    take(below(table, "pattern"), group.pattern);
    take(below(table, "rate_multiplier"), group.rate_multiplier);
    group.weight_decay = get<double>(below(table, "weight_decay"));
    return group;
  }

  EvaluationSet read_evaluation(const std::string& name) {
    const KeyPath table{"evaluation", name};
    EvaluationSet set;
    set.name = name;
    set.every = interval(below(table, "every"));
    take(below(table, "max_samples"), set.max_samples);
    take(below(table, "micro_batch_samples"), set.micro_batch_samples);
    return set;
  }

  static KeyPath below(KeyPath table, const char* key) {
    table.emplace_back(key);
    return table;
  }

  const ConfigTree& host_;
  Problems& problems_;
  Measures measures_;
  std::optional<Interval> length_;
};

}  // namespace

RunConfig read_run_config(const ConfigTree& host, const ResolveOptions& options, Problems& problems) { return Reader(host, options, problems).read(); }

}  // namespace trainhost

// `trainhost data bench`: what the source gives when nothing else is done, in the order of a run.
#include <algorithm>
#include <exception>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/table.h"
#include "commands/data_command.h"
#include "commands/training_data.h"
#include "data/stage_seconds.h"

namespace trainhost {
namespace {

using Json = nlohmann::ordered_json;

/// What some threads have read in some time.
struct Rate {
  unsigned threads = 0;
  uint64_t samples = 0, bytes = 0;
  double seconds = 0;
  StageSeconds stages;

  double samples_per_second() const { return static_cast<double>(samples) / seconds; }
};

/// Hands out micro-batches in the order of a run, epoch after epoch.
class BatchOrder {
 public:
  BatchOrder(TrainingData& data, uint64_t micro_batch_samples) : data_(data), micro_batch_samples_(micro_batch_samples) {}

  SampleList next() {
    const std::lock_guard lock(mutex_);
    SampleList samples = data_.samples_at(position_, micro_batch_samples_);
    position_ = advanced(position_, micro_batch_samples_, data_.source().info().num_samples);
    return samples;
  }

 private:
  TrainingData& data_;
  uint64_t micro_batch_samples_;
  std::mutex mutex_;
  Position position_;
};

void read_until(TrainingData& data, BatchOrder& order, double end, Rate& rate) {
  while (monotonic_seconds() < end) {
    const SampleList samples = order.next();
    const ReadBatch read = data.read(samples);
    rate.samples += samples.ids.size();
    for (const HostField& field : read.batch.fields) rate.bytes += field.bytes;
    rate.stages += read.seconds;
  }
}

Rate measure(TrainingData& data, BatchOrder& order, unsigned num_threads, double seconds) {
  std::vector<Rate> parts(num_threads);
  std::vector<std::exception_ptr> failures(num_threads);
  const double begun = monotonic_seconds();
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < num_threads; ++i)
      threads.emplace_back([&, i] {
        try {
          read_until(data, order, begun + seconds, parts[i]);
        } catch (...) {
          failures[i] = std::current_exception();
        }
      });
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  Rate rate;
  rate.threads = num_threads, rate.seconds = monotonic_seconds() - begun;
  for (const Rate& part : parts) {
    rate.samples += part.samples, rate.bytes += part.bytes;
    rate.stages += part.stages;
  }
  return rate;
}

Json as_json(const Rate& rate) {
  const auto per_sample = [&](double seconds) { return rate.samples > 0 ? seconds / static_cast<double>(rate.samples) : 0; };
  return {{"threads", rate.threads},
          {"samples_per_second", rate.samples_per_second()},
          {"bytes_per_second", static_cast<double>(rate.bytes) / rate.seconds},
          {"read_seconds_per_sample", per_sample(rate.stages.read)},
          {"decode_seconds_per_sample", per_sample(rate.stages.decode)},
          {"transform_seconds_per_sample", per_sample(rate.stages.transform)},
          {"copy_seconds_per_sample", per_sample(rate.stages.copy)}};
}

void print_rates(const Json& answer) {
  std::cout << format("{}: {} samples, micro-batches of {}; the first batch was there after {:.3g} s\n\n", answer["source"].get<std::string>(), answer["num_samples"].get<uint64_t>(),
                      answer["micro_batch_samples"].get<uint64_t>(), answer["seconds_to_first_batch"].get<double>());
  std::vector<std::vector<std::string>> rows{{"THREADS", "SAMPLES/S", "MB/S", "READ", "DECODE", "TRANSFORM", "COPY"}};
  const auto microseconds = [](const Json& seconds) { return format("{:.3g} us", seconds.get<double>() * 1e6); };
  for (const Json& rate : answer["rates"])
    rows.push_back({rate["threads"].dump(), format("{:.4g}", rate["samples_per_second"].get<double>()), format("{:.4g}", rate["bytes_per_second"].get<double>() / 1e6),
                    microseconds(rate["read_seconds_per_sample"]), microseconds(rate["decode_seconds_per_sample"]), microseconds(rate["transform_seconds_per_sample"]), microseconds(rate["copy_seconds_per_sample"])});
  std::cout << align_columns(rows, "rrrrrrr", 0)
            << format("\nread, decode, transform and copy: time of a thread for a sample. With all cores, a model that takes {:.3g} ms or more for a micro-batch never waits.\n",
                      answer["fed_micro_batch_seconds"].get<double>() * 1e3);
}

}  // namespace

ExitCode data_bench(const Request& request) {
  const double seconds = request.seconds.value_or(10);
  if (!(seconds > 0 && seconds <= 3600)) throw Error(ExitCode::kConfig, format("--seconds {}: wanted more than 0 and at most 3600", seconds));
  Request layers = request;
  layers.words.erase(layers.words.begin());
  const Job job = load_job(layers);
  const double begun = monotonic_seconds();
  TrainingData data(job);
  const uint64_t micro_batch_samples = data.window(1).micro_batches.front().ids.size();
  BatchOrder order(data, micro_batch_samples);
  (void)data.read(order.next());
  const double first_batch = monotonic_seconds() - begun;
  Json rates = Json::array();
  Rate best;
  for (const unsigned threads : {1u, std::max(std::thread::hardware_concurrency(), 1u)}) {
    if (threads == best.threads) continue;
    best = measure(data, order, threads, seconds);
    rates.push_back(as_json(best));
  }
  const Json answer = {{"source", data.source().name()},
                       {"num_samples", data.source().info().num_samples},
                       {"micro_batch_samples", micro_batch_samples},
                       {"seconds_to_first_batch", first_batch},
                       {"rates", rates},
                       {"fed_micro_batch_seconds", static_cast<double>(micro_batch_samples) / best.samples_per_second()}};
  if (request.is_json) std::cout << answer.dump() << "\n";
  else print_rates(answer);
  return ExitCode::kDone;
}

}  // namespace trainhost

// Sums, differences, and the formula of the header.
#include "loop/data_bill.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace trainhost {
namespace {

nlohmann::ordered_json number(double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr); }

double ratio(double part, double whole) { return whole > 0 ? part / whole : std::numeric_limits<double>::quiet_NaN(); }

std::optional<double> cost_of(double seconds, std::optional<double> price_per_hour) {
  return price_per_hour ? std::optional(seconds / 3600 * *price_per_hour) : std::nullopt;
}
nlohmann::ordered_json known(std::optional<double> value) { return value ? number(*value) : nlohmann::ordered_json(nullptr); }

// The device's lateness has the reasons of the host's.
StageSeconds split(const StageSeconds& host, double late, double copy) {
  StageSeconds stages = host.sum() > 0 ? host * (late / host.sum()) : StageSeconds{late, 0, 0, 0};
  stages.copy += copy;
  return stages;
}

double epochs_of(const PipelineReport::Part& part) { return static_cast<double>(part.samples) / static_cast<double>(part.samples_of_one_epoch); }

std::string stage_text(const StageSeconds& stages) {
  return format("read {}, decode {}, transform {}, copy {}", human_seconds(stages.read), human_seconds(stages.decode), human_seconds(stages.transform), human_seconds(stages.copy));
}

std::string money_text(double seconds, std::optional<double> price_per_hour, const std::string& currency) {
  const auto cost = cost_of(seconds, price_per_hour);
  return cost ? format(", {:.2g} {}", *cost, currency) : std::string();
}

}  // namespace

void DataBill::add(const WindowRow& row) {
  for (DeviceWaits* waits : {&all_, &fresh_}) {
    ++waits->windows;
    if (!std::isfinite(row.late_batch_seconds) || !std::isfinite(row.copy_wait_seconds)) continue;
    ++waits->measured;
    waits->late += row.late_batch_seconds;
    waits->copy += row.copy_wait_seconds;
  }
}

std::optional<nlohmann::ordered_json> DataBill::take_waits(const PipelineReport& now) {
  if (fresh_.windows == 0) return std::nullopt;
  const StageSeconds waited = now.waited - told_.waited;
  const bool is_measured = fresh_.measured == fresh_.windows;
  if (waited.sum() > 0) limiting_stage_ = waited.largest();
  nlohmann::ordered_json details = {{"windows", fresh_.windows},
                  {"host_seconds", waited.sum()},
                  {"device_seconds", is_measured ? number(fresh_.late + fresh_.copy) : number(NAN)},
                  {"device_copy_seconds", is_measured ? number(fresh_.copy) : number(NAN)},
                  {"read", waited.read},
                  {"decode", waited.decode},
                  {"transform", waited.transform},
                  {"copy", waited.copy},
                  {"threads", now.reading.threads},
                  {"busy_ratio", number(ratio(now.reading.busy.sum() - told_.reading.busy.sum(), now.reading.available_seconds - told_.reading.available_seconds))}};
  told_ = now;
  fresh_ = {};
  return details;
}

DataSummary DataBill::summary(const PipelineReport& now, double seconds) const {
  DataSummary summary;
  summary.seconds = std::max(0.0, seconds - began_ - left_out_);
  summary.is_of_device = all_.windows > 0 && all_.measured == all_.windows;
  summary.stages = summary.is_of_device ? split(now.waited, all_.late, all_.copy) : now.waited;
  summary.waited_seconds = std::min(summary.stages.sum(), summary.seconds);
  summary.threads = summary.better_threads = now.reading.threads;
  summary.most_threads = now.most_threads;
  summary.is_automatic = now.is_automatic;
  summary.peak_bytes = now.reading.peak_bytes;
  summary.parts = now.parts;
  summary.busy_ratio = ratio(now.reading.busy.sum(), now.reading.available_seconds);
  if (now.samples == 0 || now.reading.samples == 0) return summary;
  const auto samples = static_cast<double>(now.samples);
  summary.thread_seconds = now.reading.busy.sum() / static_cast<double>(now.reading.samples);
  summary.use_seconds = (summary.seconds - summary.waited_seconds) / samples;

  const double needed = summary.use_seconds > 0 ? std::ceil(summary.thread_seconds / summary.use_seconds) : static_cast<double>(now.most_threads);
  const auto better = static_cast<uint64_t>(std::min(needed, static_cast<double>(now.most_threads)));
  if (better <= summary.threads) return summary;
  const double left = samples * std::max(0.0, summary.thread_seconds / static_cast<double>(better) - summary.use_seconds);
  summary.better_threads = better;
  summary.saved_seconds = std::max(0.0, summary.waited_seconds - summary.stages.copy - left);
  return summary;
}

nlohmann::ordered_json to_json(const DataSummary& summary, std::optional<double> price_per_hour) {
  const StageSeconds& stages = summary.stages;
  nlohmann::ordered_json json = {{"seconds", summary.seconds},
          {"waited_seconds", summary.waited_seconds},
          {"waited_cost", known(cost_of(summary.waited_seconds, price_per_hour))},
          {"is_of_device", summary.is_of_device},
          {"limits", stages.largest()},
          {"read", stages.read},
          {"decode", stages.decode},
          {"transform", stages.transform},
          {"copy", stages.copy},
          {"threads", summary.threads},
          {"most_threads", summary.most_threads},
          {"is_automatic", summary.is_automatic},
          {"busy_ratio", number(summary.busy_ratio)},
          {"thread_seconds", number(summary.thread_seconds)},
          {"use_seconds", number(summary.use_seconds)},
          {"peak_bytes", summary.peak_bytes},
          {"better_threads", summary.better_threads},
          {"saved_seconds", summary.saved_seconds},
          {"saved_cost", known(cost_of(summary.saved_seconds, price_per_hour))}};
  for (const PipelineReport::Part& part : summary.parts) json["parts"][part.name] = {{"samples", part.samples}, {"epochs", epochs_of(part)}};
  return json;
}

std::string data_text(const DataSummary& summary, std::optional<double> price_per_hour, const std::string& currency) {
  std::string text = format("{} of {} waited ({:.1f} %{})", human_seconds(summary.waited_seconds), human_seconds(summary.seconds), 100 * summary.share(),
                            money_text(summary.waited_seconds, price_per_hour, currency));
  if (const std::string limits = summary.stages.largest(); !limits.empty()) text += format(": {} limits ({})", limits, stage_text(summary.stages));
  text += format("; {} thread{}{}", summary.threads, summary.threads == 1 ? "" : "s", summary.is_automatic ? " (auto)" : "");
  if (std::isfinite(summary.busy_ratio)) text += format(", {:.0f} % busy", 100 * summary.busy_ratio);
  if (summary.saved_seconds > 0)
    text += format("; {} threads would save {}{}", summary.better_threads, human_seconds(summary.saved_seconds), money_text(summary.saved_seconds, price_per_hour, currency));
  else
    text += format("; more threads would save nothing");
  for (size_t i = 0; i < summary.parts.size(); ++i)
    text += format("{} {}: {} samples, {:.2f} epochs", i == 0 ? "; mixture of" : ",", summary.parts[i].name, summary.parts[i].samples, epochs_of(summary.parts[i]));
  return text;
}

}  // namespace trainhost

// The documented list of events: docs/operations.md is made from it and tests hold logs against it.
#include "telemetry/event.h"

#include <algorithm>

#include <trainhost/format.hpp>

namespace trainhost {
namespace {

const EventField kStep{"step", "integer", "applied updates so far"};
const EventField kWindow{"window", "integer", "windows tried so far, skipped ones included"};
const EventField kKey{"key", "string", "the checkpoint's key in its backend"};

const std::vector<EventKind> kKinds{
    {"run_start",
     "a process begins to work on the run",
     {{"run_id", "string", "unique to the run, the same after a resume"},
      {"name", "string", "name of the run"},
      {"attempt", "integer", "1 for the first process of the run, 2 after the first resume"},
      {"version", "string", "of trainhost"},
      {"device", "string", "what it computes on"},
      {"trajectory_hash", "string", "hash over the keys that change the numbers"},
      {"plugins", "array", "of objects {plugin, version, file, sha256}"}}},
    {"restored",
     "state was read from a checkpoint",
     {kStep,
      kWindow,
      kKey,
      {"seconds", "number?", "how long it took, with all that a run needs beside it"},
      {"read_seconds", "number", "until it was found, read and checked; LibTorch and the device were readied meanwhile"},
      {"engine_seconds", "number", "that these took longer"},
      {"build_seconds", "number", "data opened, model and optimizer made"},
      {"copy_seconds", "number", "of its bytes to the device"}}},
    {"plan",
     "what the run is going to do, known before its first window",
     {{"parameters", "integer", "of the model"},
      {"trainable", "integer", "parameters that are trained"},
      {"tokens_per_window", "number?", "expected targets that count"},
      {"micro_batches", "integer", "a window"},
      {"memory_bytes", "number?", "expected peak on the device"},
      {"expected_seconds", "number?", "until the first limit"},
      {"expected_cost", "number?", "in the ledger's currency"},
      {"checkpoint_seconds", "number?", "between saves"},
      {"loss_seconds_per_hour", "number?", "expected loss to saves and interruptions"},
      {"loss_cost_per_hour", "number?", "the same in the ledger's currency"}}},
    {"step",
     "at the cadence telemetry.every; values are those of the newest observed window",
     {kStep,
      kWindow,
      {"skipped", "integer", "windows that were no step, so far"},
      {"loss", "number?", "per target"},
      {"learning_rate", "number?", "base rate times the schedule's factor"},
      {"gradient_norm", "number?", "of the mean gradient, before clipping"},
      {"loss_scale", "number?", "of the precision policy"},
      {"tokens_per_second", "number?", "over the last seconds"},
      {"data_wait_ratio", "number?", "share of the last seconds in which the device waited for data"},
      {"tokens", "integer", "targets that counted, so far"},
      {"samples", "integer", "consumed so far"},
      {"epoch", "integer", "passes over the training set begun"},
      {"seconds", "number?", "wall time of all attempts"},
      {"cost", "number?", "in the ledger's currency"},
      {"metrics", "object", "training metrics of the model, by name", false}}},
    {"data_wait",
     "waiting for training data since the last of these, beside each step",
     {kStep,
      {"windows", "integer", "windows that it tells of"},
      {"host_seconds", "number", "the training thread waited for batches"},
      {"device_seconds", "number?", "the device stood still for them"},
      {"device_copy_seconds", "number?", "of these while a batch was copied to it"},
      {"read", "number", "of host_seconds: bytes were fetched, and all that the source does not say more of"},
      {"decode", "number", "of host_seconds: bytes were decoded"},
      {"transform", "number", "of host_seconds: decoded values were changed"},
      {"copy", "number", "of host_seconds: a batch was put together and handed to the device"},
      {"threads", "integer", "that read now"},
      {"busy_ratio", "number?", "share of their time in which they worked"}}},
    {"data_threads",
     "data.threads = \"auto\" has changed the number of reading threads",
     {{"set", "string", "\"train\" or the evaluation set"},
      {"threads", "integer", "from now on"},
      {"before", "integer", "until now"},
      {"thread_seconds", "number", "of a reading thread that a sample takes"},
      {"use_seconds", "number", "of the run that a sample takes, without waiting"},
      {"most", "integer", "threads that the cores allow"}}},
    {"data_report",
     "at the end of training: what waiting for data has cost in this process",
     {{"seconds", "number", "of training, without evaluations and saves"},
      {"waited_seconds", "number", "of these for data"},
      {"waited_cost", "number?", "in the ledger's currency"},
      {"is_of_device", "boolean", "the device's stillness was measured; else the host's waiting counts"},
      {"limits", "string", "stage that most of it is for; empty: there was no waiting"},
      {"read", "number", "of waited_seconds, as in data_wait"},
      {"decode", "number", "of waited_seconds"},
      {"transform", "number", "of waited_seconds"},
      {"copy", "number", "of waited_seconds"},
      {"threads", "integer", "that read at the end"},
      {"most_threads", "integer", "that the cores allow"},
      {"is_automatic", "boolean", "data.threads was \"auto\""},
      {"busy_ratio", "number?", "share of the threads' time in which they worked"},
      {"thread_seconds", "number?", "s: of a reading thread that a sample takes"},
      {"use_seconds", "number?", "c: of the run that a sample takes, without waiting"},
      {"peak_bytes", "integer", "most memory that batches held at once"},
      {"better_threads", "integer", "m: threads that would save most, the smallest number"},
      {"saved_seconds", "number", "by m threads, over N samples: the wait that is above N max(0, s / m - c)"},
      {"saved_cost", "number?", "in the ledger's currency"},
      {"parts", "object", "of a mixture: part -> {samples, epochs} of it that the run has used, earlier attempts included", false}}},
    {"evaluation",
     "one metric of one evaluation set",
     {kStep,
      kWindow,
      {"set", "string", "name of the evaluation set"},
      {"metric", "string", "\"loss\" or a metric of the model"},
      {"value", "number?", "mean over the set"},
      {"standard_error", "number?", "of the value; null = unknown"}}},
    {"first_window", "the device is through with the first window of this process", {kWindow, {"seconds", "number", "since the process began"}}},
    {"checkpoint_saved",
     "all bytes of a checkpoint were written",
     {kStep,
      kWindow,
      kKey,
      {"bytes", "integer", "of all its objects"},
      {"seconds", "number?", "how long training stood still for it"},
      {"copy_seconds", "number", "from the device to host memory, while training went on; 0: written from where it was"},
      {"write_seconds", "number", "until all bytes were durable"},
      {"commit_seconds", "number", "of the commit record"},
      {"window_p50_during", "number?", "median seconds of the windows while it was saved"},
      {"window_p99_during", "number?", "99th percentile of the same"},
      {"window_p50_outside", "number?", "median of the windows before it, since the last save"},
      {"window_p99_outside", "number?", "99th percentile of the same"}}},
    {"checkpoint_verified", "it was read back: checksums right, all values finite", {kStep, kKey, {"seconds", "number?", "how long it took"}}},
    {"checkpoint_good", "verified, and healthy windows followed", {kStep, kKey}},
    {"rolled_back",
     "the run went back to a good checkpoint",
     {kStep, kWindow, {"to_step", "integer", "step of the checkpoint"}, {"reason", "string", "what was wrong"}}},
    {"skipped",
     "a window was no step: its values were not finite, or nothing in it counted",
     {kStep, kWindow, {"reason", "string", "what was wrong"}, {"in_a_row", "integer", "skipped windows without a step between"}}},
    {"stalled", "no window ended for a long time", {kStep, {"seconds", "number", "since the last one ended"}, {"reason", "string", "what the run was doing"}}},
    {"slow_call",
     "a call into a plugin let training wait for a second or more; said again of the same plugin when it takes twice as long",
     {{"plugin", "string", "\"kind/name\""},
      {"function", "string", "of the plugin's interface"},
      {"seconds", "number", "how long it took"}}},
    {"out_of_memory",
     "a window is tried again in smaller pieces",
     {kStep, kWindow, {"micro_batch_samples", "integer", "of the next try"}, {"attempt", "integer", "tries of this window that failed"}}},
    {"preempted", "a signal asked the run to save and leave", {kStep, {"signal", "string", "\"SIGTERM\""}}},
    {"stop", "why the run ends", {kStep, {"rule", "string", "plugin, \"max\" or \"signal\""}, {"reason", "string", "one sentence with numbers"}}},
    {"ledger",
     "where time and money went, over all attempts",
     {{"seconds", "number", "wall time; the seconds of parts and plugins together"},
      {"cost", "number?", "in the currency"},
      {"currency", "string", "of all costs"},
      {"price_per_hour", "number?", "of the whole machine"},
      {"attempts", "integer", "processes that worked on the run"},
      {"interruptions", "integer", "of them that ended without notice"},
      {"parts", "object", "activity -> {seconds, cost}: start_up, compute, data_wait, checkpoint, evaluation, idle"},
      {"plugins", "object", "\"kind/name\" -> {seconds, cost, calls} on the training thread"},
      {"background", "object", "\"kind/name\" -> {seconds, calls} on other threads, not part of the wall time"},
      {"state", "object", "from which a resume goes on", false}}},
    {"plugin",
     "numbers that a plugin tells",
     {{"plugin", "string", "\"kind/name\""}, {"topic", "string", "what they are about"}, {"values", "object", "name -> number, null = not measured"}}},
    {"run_end",
     "the last line of a process that ended by itself",
     {kStep, {"reason", "string", "as in stop, or the error"}, {"exit_code", "integer", "of the process"}}},
};

bool has_type(const nlohmann::json& value, std::string_view type) {
  if (type.ends_with('?')) return value.is_null() || has_type(value, type.substr(0, type.size() - 1));
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return value.is_object();
}

}  // namespace

std::span<const EventKind> event_kinds() { return kKinds; }

std::string event_list_markdown() {
  std::string text = "| event | field | type | meaning |\n|---|---|---|---|\n";
  for (const EventKind& kind : kKinds) {
    text += format("| `{}` | | | {} |\n", kind.name, kind.meaning);
    for (const EventField& field : kind.fields)
      text += format("| | `{}` | {} | {}{} |\n", field.name, field.type, field.meaning, field.is_required ? "" : " (may be absent)");
  }
  return text;
}

std::string check_log_line(const nlohmann::json& line) {
  static const std::vector<EventField> kHead{{"v", "integer", ""}, {"seq", "integer", ""}, {"time", "string", ""}, {"event", "string", ""}};
  if (!line.is_object()) return "a line is one JSON object";
  const std::string name = line.contains("event") && line["event"].is_string() ? line["event"].get<std::string>() : "";
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const EventKind& candidate) { return candidate.name == name; });
  if (kind == kKinds.end()) return format("event \"{}\" is not in the documented list", name);

  std::vector<EventField> fields = kHead;
  fields.insert(fields.end(), kind->fields.begin(), kind->fields.end());
  for (const EventField& field : fields) {
    const auto value = line.find(std::string(field.name));
    if (value == line.end() && field.is_required) return format("event \"{}\" lacks the field \"{}\"", name, field.name);
    if (value != line.end() && !has_type(*value, field.type))
      return format("event \"{}\": field \"{}\" is {}, wanted {}", name, field.name, value->dump(), field.type);
  }
  for (const auto& [key, value] : line.items())
    if (std::none_of(fields.begin(), fields.end(), [&key = key](const EventField& field) { return field.name == key; }))
      return format("event \"{}\": field \"{}\" is not in the documented list", name, key);
  return "";
}

}  // namespace trainhost

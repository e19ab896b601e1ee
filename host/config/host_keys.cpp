// Every key of the host: name, rules, meaning. Keys that change no number of a run carry "x-trajectory": false.
#include "config/host_keys.h"

#include "base/error.h"
#include "config/resolve.h"
#include "config/schema_value.h"
#include "config/writer.h"

namespace trainhost {
namespace {

using nlohmann::json;

struct HostKey {
  const char *path, *rules, *meaning;  // "*" in the path stands for a name of the user's
};

constexpr HostKey kKeys[] = {
    {"include", R"({"type":["string","array"],"items":{"type":"string"},"x-trajectory":false})",
     "Files that are read before this one, relative to it; later ones win, this one wins over all."},
    {"name", R"({"type":"string","minLength":1,"pattern":"^[A-Za-z0-9_][A-Za-z0-9_.-]*$","x-trajectory":false})",
     "Name of the run, made of letters, digits, _ . and -; its folder is runs/<name>. Default: the stem of the config file."},
    {"seed", R"({"type":"integer","minimum":0,"default":1})", "Start of every random stream of the run."},
    {"max", R"({"type":["string","array"],"format":"interval","items":{"type":"string","format":"interval"},"default":[],"x-trajectory":false})",
     "Where the run ends: one interval or a list, of which the first that is reached counts. Exit 0 for windows, steps, samples, tokens and epochs, 10 for "
     "time, money and energy."},
    {"device", R"({"type":"string","pattern":"^(auto|cpu|cuda|cuda:[0-9]+)$","default":"auto","x-trajectory":false})",
     "auto, cpu, cuda or cuda:N; auto takes the first GPU where there is one."},
    {"plugins", R"({"type":"array","items":{"type":"string","minLength":1},"default":[],"x-trajectory":false})",
     "What the run is made of: names, kind/name, or paths of plugin files (with a slash; relative to the file that says them)."},
    {"plugin_path", R"({"type":"array","items":{"type":"string","minLength":1},"default":[],"x-trajectory":false})",
     "More folders to look for plugin files in, relative to the file that says them."},
    {"allow_writable_plugins", R"({"type":"boolean","default":false,"x-trajectory":false})",
     "Load plugin files that other users may write to: world-writable ones, those in world-writable folders, and those that belong to another user."},
    {"plugins_lock", R"({"type":"string","minLength":1,"x-trajectory":false})",
     "The lock that the plugin files must match, relative to the file that says it. Default: plugins.lock beside the config, if it is there."},
    {"price_per_hour", R"({"type":"number","exclusiveMinimum":0,"x-trajectory":false})", "Price of the whole machine; absent: cost is not measured."},
    {"currency", R"({"type":"string","pattern":"^[a-z]{3}$","default":"usd","x-trajectory":false})",
     "Currency of the price, three lower-case letters; also the unit of intervals in money."},
    {"clip_norm", R"({"type":"number","minimum":0,"default":0})", "Largest 2-norm of the gradient; longer ones are scaled down to it. 0: off."},
    {"max_skips", R"({"type":"integer","minimum":1,"default":8,"x-trajectory":false})",
     "So many windows in a row without a finite gradient end the run with exit 11."},
    {"require_smoke", R"({"type":"boolean","default":false,"x-trajectory":false})",
     "Refuse to start without a fresh pass of `trainhost smoke` with the same config."},

    {"data.threads", R"({"type":["integer","string"],"minimum":1,"maximum":1024,"pattern":"^auto$","default":"auto","x-trajectory":false})",
     "Threads that read samples, of each set; any number gives the same batches. auto: as many as the run needs, by what a sample costs them and how fast it is used, "
     "while one core, and of many an eighth, is left for the thread that trains."},
    {"data.prefetch", R"({"type":"integer","minimum":1,"maximum":4096,"default":4,"x-trajectory":false})",
     "Batches that are kept ready ahead of the loop; at least one a thread are."},
    {"data.memory", R"({"type":"string","minLength":1,"default":"2GiB","x-trajectory":false})",
     "Host memory for batches that are read ahead, of each set: a number and B, KiB, MiB, GiB or TiB. Where it is short fewer are read ahead, at least one."},
    {"data.stall_timeout", R"({"type":"string","format":"interval","default":"5min","x-trajectory":false})",
     "A read that has not moved for so long while the run waits for it ends the run, exit 12: s, min or h."},
    {"data.shuffle", R"({"type":"boolean","default":true})", "Mix the samples of each epoch anew; false: in the order of their ids."},
    {"data.shuffle_blocks", R"({"type":"integer","minimum":1,"default":16})", "Blocks of the source (files, shards) whose samples are mixed at a time."},
    {"data.mixture.*.weight", R"({"type":"number","exclusiveMinimum":0})",
     "Share of the samples that this part gives, beside the weights of the others."},
    {"data.mixture.*.source", R"({"type":"string","default":""})", "Data source that reads this part: its name. Empty: that of `plugins`."},
    {"data.decorators", R"({"type":"array","items":{"type":"string","minLength":1},"default":[],"x-trajectory":false})",
     "Plugins that wrap the data source, innermost first."},

    {"checkpoint.uri", R"({"type":["string","array"],"items":{"type":"string","minLength":1},"x-trajectory":false})",
     "Where checkpoints go; the scheme chooses among the backends in `plugins`. A list where a decorator takes several. Default: file:<run "
     "folder>/checkpoints."},
    {"checkpoint.every", R"({"type":"string","format":"interval_or_auto","default":"10min","x-trajectory":false})",
     "How often a checkpoint is saved; one is always saved at the end. auto: where the time that saves cost and the work that interruptions lose balance."},
    {"checkpoint.mean_time_between_interruptions", R"({"type":"string","format":"interval","x-trajectory":false})",
     "How long this machine lasts between interruptions that come without notice, in s, min or h. Absent: from those that the run has seen, and one a day."},
    {"checkpoint.mode", R"({"type":"string","enum":["overlap","wait","sync"],"default":"overlap","x-trajectory":false})",
     "overlap: training goes on while the state is copied and written, which takes host memory for one more copy of it. wait: it waits for the copy. "
     "sync: it waits for all of it."},
    {"checkpoint.keep_last", R"({"type":"integer","minimum":1,"default":2,"x-trajectory":false})", "Newest verified checkpoints that are kept."},
    {"checkpoint.keep_every", R"({"type":"integer","minimum":0,"default":0,"x-trajectory":false})",
     "Steps: of every so many the first checkpoint is kept beside the newest, for good. 0: none."},
    {"checkpoint.keep_best", R"({"type":"integer","minimum":0,"default":1,"x-trajectory":false})",
     "Checkpoints with the best evaluation that are kept beside the newest."},
    {"checkpoint.good_after", R"({"type":"integer","minimum":0,"default":50,"x-trajectory":false})", "Healthy windows after a checkpoint that make it good."},
    {"checkpoint.decorators", R"({"type":"array","items":{"type":"string","minLength":1},"default":[],"x-trajectory":false})",
     "Plugins that wrap the checkpoint backend, innermost first."},

    {"execution.cuda_graph", R"({"type":"string","enum":["auto","on","off"],"default":"auto","x-trajectory":false})",
     "auto: passes and updates become CUDA graphs where that can be, else the log says why not; on: or the run does not start; off: never. The numbers are the same."},
    {"execution.threads", R"({"type":"integer","minimum":0,"maximum":4096,"default":0,"x-trajectory":false})",
     "Threads of the kernels on the CPU. 0: all cores."},
    {"telemetry.every", R"({"type":"string","format":"interval","default":"10step","x-trajectory":false})", "How often a step event is logged."},

    {"model.fields", R"({"type":"object","additionalProperties":{"type":"string","minLength":1}})",
     "Input of the model = field of the source, where their names differ."},
    {"model.recompute", R"({"type":"string","enum":["none","blocks"],"default":"none","x-trajectory":false})",
     "Activations that are computed again in the backward pass instead of being kept: none, or those inside of the model's blocks. Less memory, about a "
     "quarter more time, the same numbers."},
    {"model.init_from", R"({"type":"string","default":""})",
     "Weights that a new run starts from: a safetensors file, a folder of Hugging Face, a run folder, a checkpoint or its URI; paths are relative to the "
     "file that says them. Empty: random ones."},
    {"model.freeze", R"({"type":"array","items":{"type":"string","minLength":1},"default":[]})",
     "Parameters that are not trained: globs over their names, with * and ?."},
    {"op_pack.order", R"({"type":"array","items":{"type":"string","minLength":1}})",
     "Names of op packs: where two of them replace the same kernel, the later one wins. Without it that is an error."},
    {"optimizer.groups.*.pattern", R"({"type":"string","minLength":1})", "Names of the parameters in the group: a glob with * and ?."},
    {"optimizer.groups.*.rate_multiplier", R"({"type":"number","minimum":0,"default":1})", "Factor on the learning rate of the group."},
    {"optimizer.groups.*.weight_decay", R"({"type":"number","minimum":0})", "Weight decay of the group; absent: the optimizer's own."},

    {"evaluation.*.every", R"({"type":"string","format":"interval","default":"100step","x-trajectory":false})",
     "How often the set is evaluated; always at the end."},
    {"evaluation.*.max_samples", R"({"type":"integer","minimum":0,"default":0,"x-trajectory":false})",
     "Samples that are evaluated, the same each time. 0: the whole set."},
    {"evaluation.*.micro_batch_samples", R"({"type":"integer","minimum":0,"default":0,"x-trajectory":false})",
     "Samples of one forward pass. 0: as in training."},

    {"sample.prompt", R"({"type":"string","default":"","x-trajectory":false})", "Start of the text that is sampled at the end of a run."},
    {"sample.length", R"({"type":"integer","minimum":0,"default":200,"x-trajectory":false})", "Tokens that are sampled at the end of a run. 0: none."},
    {"sample.temperature", R"({"type":"number","minimum":0,"default":0.8,"x-trajectory":false})", "Spread of the sampling. 0: always the likeliest token."},
    {"sample.top_k", R"({"type":"integer","minimum":0,"default":0,"x-trajectory":false})", "Sample from the k likeliest tokens. 0: from all."},
};

json& table_for(json& schema, const std::string& part) {
  if (part == "*") {
    json& table = schema["additionalProperties"];
    if (!table.is_object()) table = {{"type", "object"}, {"additionalProperties", false}};
    return table;
  }
  json& table = schema["properties"][part];
  if (table.is_null()) table = {{"type", "object"}, {"additionalProperties", false}};
  return table;
}

json build() {
  json schema = {{"type", "object"}, {"additionalProperties", false}};
  for (const HostKey& key : kKeys) {
    json* table = &schema;
    std::string path = key.path;
    for (size_t dot; (dot = path.find('.')) != std::string::npos; path.erase(0, dot + 1)) table = &table_for(*table, path.substr(0, dot));
    json rules = json::parse(key.rules);
    rules["description"] = key.meaning;
    (*table)["properties"][path] = std::move(rules);
    if (table->contains("properties") && (path == "pattern" || path == "weight")) (*table)["required"] = {path};
  }
  schema["properties"]["evaluation"]["x-trajectory"] = false;  // looking at a model does not change it
  return schema;
}

}  // namespace

const json& host_schema() {
  static const json schema = build();
  return schema;
}

std::vector<std::string> host_key_paths() {
  std::vector<std::string> paths;
  for (const HostKey& key : kKeys) paths.emplace_back(key.path);
  return paths;
}

std::string host_keys_help() {
  std::string text = "Keys of the host. Every plugin has a table of its own: `trainhost plugins info NAME` lists its keys.\n";
  for (const HostKey& key : kKeys) {
    const json rules = json::parse(key.rules);
    std::string path = key.path;
    if (const size_t star = path.find('*'); star != std::string::npos) path.replace(star, 1, "<name>");
    const std::string value = rules.contains("default") ? ", default " + toml_value(rules["default"]) : std::string();
    text += format("\n{} ({}{})\n    {}\n", path, type_text(rules), value, key.meaning);
  }
  return text;
}

}  // namespace trainhost

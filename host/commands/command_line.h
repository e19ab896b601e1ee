// From argv to a checked request: which sub-command, with which options. No sub-command's work is done here.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trainhost {

/// What `run`, `smoke`, `config`, `sample` and `evaluate` take in common. Members that a sub-command does not accept keep their defaults.
struct Request {
  std::string command;                    // "run", "smoke", "sample", "evaluate", "ckpt", "data", "plugins", "model", "config", "help", "completion", "version"
  std::vector<std::string> arguments;     // all of them, as they were typed
  std::vector<std::string> words;         // positional arguments that are no overrides: CONFIG, RUN, "list", "info NAME", a topic ...
  std::vector<std::string> overrides;     // a.b=c  +a.b=c  ~a.b, in order, from words and --set
  std::vector<std::string> plugin_edits;  // --plugins, split at commas: "amp", "-csvlog", "kind/name", "path/x.so"
  std::optional<std::string> name;
  std::string out = "runs";               // plugins new: "."
  std::optional<std::string> out_file;    // plugins lock: what --out says
  std::string resume = "auto";            // auto | never | URI
  std::vector<std::string> resume_without;
  std::optional<std::string> device;      // smoke, sample, evaluate, plugins check, model check
  std::optional<std::string> prompt;      // sample
  std::optional<uint64_t> length, top_k, seed;  // sample
  std::optional<double> temperature;      // sample
  std::optional<std::string> checkpoint;  // sample, evaluate: an id of the run's checkpoints
  std::string language = "cpp";           // plugins new
  bool wants_instance = false;            // plugins explain
  bool is_dry_run = false, is_json = false, is_quiet = false, wants_origins = false, wants_help = false;
  int verbosity = 0;

  // ckpt
  std::optional<uint64_t> keep_last, keep_every, keep_best;  // prune
  std::optional<std::string> metric;                         // prune, list: "set/metric"
  std::string format = "safetensors";                        // export

  std::optional<std::string> config_file;  // plugins check, ckpt

  // data
  std::optional<std::string> dir, limit;  // cache: the folder, and how much may stay in it
  std::optional<uint64_t> step;           // show
  std::optional<double> seconds;          // bench

  // plugins check
  std::vector<std::string> fields;        // files with the fields that a model is built for, one set each
  std::vector<std::string> only;          // beginnings of the ids of questions; empty = all
  std::optional<uint64_t> reproduce;      // the seed
  double time_limit_s = 30;               // of one question
  bool is_in_process = false;
  std::optional<std::string> ask_folder;  // the child's: asks the one question of `only` and leaves the answer here
  std::string ask_of;                     // the child's: of this plugin

  /// The URI of --resume; empty for auto and never.
  std::string initial_uri() const { return resume == "auto" || resume == "never" ? "" : resume; }
};

/// The sub-commands in the order of the help text.
const std::vector<std::string>& command_names();

/// Throws Error(kConfig) with the nearest option or sub-command for what is not known.
Request parse_command_line(const std::vector<std::string>& arguments);

/// The text of `trainhost --help`, or of `trainhost COMMAND --help`.
std::string help_text(const std::string& command);

/// One line a sub-command and option, for the completion script: "run --plugins --set ...".
std::string completion_words();

}  // namespace trainhost

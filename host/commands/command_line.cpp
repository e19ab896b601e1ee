// Boost.Program_options behind the request.
#include "commands/command_line.h"

#include <boost/program_options.hpp>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/nearest.h"

namespace trainhost {
namespace {

namespace po = boost::program_options;

struct Command {
  std::string name, usage, summary, options;  // options: letters of the groups below
};

// Groups: c config and plugins, p plugins check, n plugins explain, new and lock, r run folder, d dry run, v device, s sampling, k checkpoint choice, j json,
// o origins, q verbosity, m other plugins to load, C backend of ckpt, K ckpt, D data.
const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      {"run", "[run] [CONFIG] [key=value ...]", "train; without CONFIG the default job", "crdjq"},
      {"smoke", "smoke [CONFIG] [key=value ...]", "take a run's own config through every phase on a few batches, before the expensive run", "cvjq"},
      {"sample", "sample RUN", "continue a prompt with the model of a run", "svkjq"},
      {"evaluate", "evaluate RUN", "evaluate the model of a run on its evaluation sets", "vkjq"},
      {"ckpt", "ckpt list | inspect | verify PLACE | diff A B | prune PLACE --keep-last N ... | export PLACE DEST",
       "PLACE is a run folder, a checkpoint or a folder of them, or a URI such as s3://BUCKET/PREFIX; where one checkpoint is wanted, the newest verified one\n"
       "list, inspect: what lies there, what is in it; verify: reads all of it back, exit code 14 for damage; diff: what differs between two checkpoints\n"
       "prune: removes old ones, never the two newest good ones; export: weights as one safetensors file, or as a Hugging Face folder",
       "CKjq"},
      {"data", "data show CONFIG --step N | bench CONFIG | cache ls | gc | verify",
       "show: the very batch that a run of CONFIG trains on at a step: ids, fields, values, text, and a hash that is the same on every machine\n"
       "bench: samples a second with one thread and with all cores, and the model that they could feed\n"
       "cache: what plugins keep of data between runs; ls: of which source, how much, when it was used; gc: removes what was not used for longest\n"
       "verify: reads all of it back, exit code 12 for damage",
       "cDj"},
      {"plugins", "plugins list | info NAME|FILE | explain NAME|FILE | check NAME|FILE [key=value ...] | lock [CONFIG] | new KIND NAME",
       "list, info, explain: what is installed, what a plugin's keys mean, why one would load or not; these run no plugin code\n"
       "check: asks a plugin file what its kind promises, exit code 13 when it does not hold\n"
       "lock: writes down which plugin files a config uses; new: writes the folder of a new plugin",
       "cpnvj"},
      {"model", "model info FILE | check FILE", "a model's file: what is in it; whether it computes here what it computed where it was made (0 or 20)", "mvj"},
      {"config", "config show | check | schema [CONFIG] [key=value ...]", "the resolved config, its check, or its JSON Schema", "coj"},
      {"help", "help [TOPIC]", "explain a topic: config, intervals, overrides, plugins, resume, exit-codes, run-folder, events", ""},
      {"completion", "completion bash", "print a completion script for the shell", ""},
      {"version", "--version [--json]", "print versions", "j"},
  };
  return all;
}

const Command& find_command(const std::string& name) {
  return *std::find_if(commands().begin(), commands().end(), [&](const Command& command) { return command.name == name; });
}

void add_group(po::options_description& options, char group) {
  auto add = options.add_options();
  switch (group) {
    case 'c':
      add("plugins", po::value<std::vector<std::string>>()->composing(), "a,b,-c: use a (in place of the one of its kind), add b, leave out c");
      add("set", po::value<std::vector<std::string>>()->composing(), "key=value, the same as the bare word");
      return;
    case 'm': add("plugins", po::value<std::vector<std::string>>()->composing(), "a,b: load these plugins first, such as an op pack with operators of the model"); return;
    case 'p':
      add("config", po::value<std::string>(), "check: TOML file with the plugin's table, like its example.toml; {unique} in a value is another word for each question");
      add("fields", po::value<std::vector<std::string>>()->composing(), "check: TOML file with the fields that a model is built for, a table [[field]] each; again: another set");
      add("only", po::value<std::vector<std::string>>()->composing(), "check: questions whose id begins so, such as any/ or state/save");
      add("reproduce", po::value<uint64_t>(), "check: seed of what is random, as a failure prints it");
      add("time-limit", po::value<double>(), "check: seconds that one question may take (default: 30)");
      add("in-process", "check: all questions in this process, for a debugger; a crash ends it, and there is no time limit");
      return;
    case 'C':
      add("plugins", po::value<std::vector<std::string>>()->composing(), "the checkpoint backend, where several serve the scheme of PLACE");
      add("config", po::value<std::string>(), "TOML file with the backend's table; bare words NAME.KEY=VALUE set keys too");
      return;
    case 'K':
      add("keep-last", po::value<uint64_t>(), "prune: so many of the newest stay");
      add("keep-every", po::value<uint64_t>(), "prune: of every so many steps the first checkpoint stays");
      add("keep-best", po::value<uint64_t>(), "prune: so many with the lowest --metric stay");
      add("metric", po::value<std::string>(), "list, prune: SET/METRIC of the evaluations (default: the loss, where there is one set)");
      add("dry-run", "prune: show what would be removed, remove nothing");
      add("format", po::value<std::string>(), "export: safetensors (default; DEST is a file) or huggingface (DEST is a folder)");
      return;
    case 'D':
      add("step", po::value<uint64_t>(), "show: the update, counted from 1, of a run that skips none");
      add("out", po::value<std::string>(), "show: PNG file that gets the images of the batch");
      add("seconds", po::value<double>(), "bench: how long each number is measured (default: 10)");
      add("dir", po::value<std::string>(), "cache: the folder, where it is not the default");
      add("limit", po::value<std::string>(), "cache gc: how much may stay, such as 20GB (default: the plugin's own limit)");
      return;
    case 'r':
      add("name", po::value<std::string>(), "name of the run; its folder is DIR/NAME");
      add("out", po::value<std::string>(), "DIR that holds the run folders (default: runs)");
      add("resume", po::value<std::string>(), "auto: go on where the run of this name stopped; never: a new run; URI: from another run's checkpoints");
      add("resume-without", po::value<std::vector<std::string>>()->composing(), "accept this changed key, or leave this plugin's state out");
      return;
    case 'd': add("dry-run", "check everything, show the plan, train nothing, leave nothing behind"); return;
    case 'v': add("device", po::value<std::string>(), "auto, cpu, cuda or cuda:N, in place of the config's"); return;
    case 's':
      add("prompt", po::value<std::string>(), "text to continue");
      add("length", po::value<uint64_t>(), "tokens to add");
      add("temperature", po::value<double>(), "0: always the likeliest token");
      add("top-k", po::value<uint64_t>(), "draw from the likeliest tokens only, so many; 0: from all");
      add("seed", po::value<uint64_t>(), "of the sampling");
      return;
    case 'k': add("checkpoint", po::value<std::string>(), "id of the checkpoint (default: the run's result, else the newest verified)"); return;
    case 'n':
      add("create", "explain: also load the file, make an instance in a process of its own and ask which interfaces it offers");
      add("language", po::value<std::string>(), "new: cpp (default) or c");
      add("out", po::value<std::string>(), "new: DIR that gets the folder (default: the working folder); lock: FILE (default: plugins.lock beside CONFIG)");
      return;
    case 'j': add("json", "print the answer as JSON on stdout"); return;
    case 'o': add("origins", "say where each value comes from"); return;
    case 'q':
      add("quiet,q", "warnings and errors only");
      add("verbose,v", "say more");
      return;
    default: return;
  }
}

po::options_description options_of(const Command& command) {
  po::options_description options("options");
  for (const char group : command.options) add_group(options, group);
  options.add_options()("help,h", "print this help");
  return options;
}

bool is_override(const std::string& word) { return word.starts_with("~") || (word.find('=') != std::string::npos && !word.starts_with("-")); }

// The first word names the sub-command; anything else belongs to `run`.
std::string take_command(std::vector<std::string>& arguments) {
  if (arguments.empty()) return "run";
  const std::string first = arguments.front();
  if (first == "--version") {
    arguments.erase(arguments.begin());
    return "version";
  }
  const auto& names = command_names();
  if (std::find(names.begin(), names.end(), first) == names.end()) {
    const bool may_be_config = first.starts_with("-") || is_override(first) || std::filesystem::exists(first) || first.ends_with(".toml");
    if (may_be_config) return "run";
    throw Error(ExitCode::kConfig, format("command line: \"{}\" is neither a sub-command nor a config file that exists{}", first, did_you_mean(first, names)));
  }
  arguments.erase(arguments.begin());
  return first;
}

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

[[noreturn]] void refuse(const Command& command, const po::options_description& options, const po::error& problem) {
  std::string hint;
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&problem)) {
    std::vector<std::string> known;
    for (const auto& option : options.options()) known.push_back("--" + option->long_name());
    hint = did_you_mean(unknown->get_option_name(), known);
  }
  throw Error(ExitCode::kConfig, format("command line: {}{}; see `trainhost {} --help`", problem.what(), hint, command.name));
}

template <class T>
void take(const po::variables_map& values, const char* name, T& out) {
  if (values.count(name)) out = values[name].as<std::decay_t<T>>();
}

template <class T>
void take(const po::variables_map& values, const char* name, std::optional<T>& out) {
  if (values.count(name)) out = values[name].as<T>();
}

void take_values(const po::variables_map& values, Request& request) {
  std::vector<std::string> plugins, words;
  take(values, "plugins", plugins);
  for (const std::string& list : plugins)
    for (std::string& edit : split_commas(list)) request.plugin_edits.push_back(std::move(edit));
  take(values, "words", words);
  for (std::string& word : words) (is_override(word) ? request.overrides : request.words).push_back(std::move(word));
  std::vector<std::string> sets;
  take(values, "set", sets);
  request.overrides.insert(request.overrides.end(), sets.begin(), sets.end());
  take(values, "name", request.name);
  if (request.command == "plugins") request.out = ".";
  take(values, "out", request.out);
  take(values, "out", request.out_file);
  take(values, "language", request.language);
  request.wants_instance = values.count("create") > 0;
  take(values, "resume", request.resume);
  if (const std::string uri = request.initial_uri(); !uri.empty() && uri.find(':') == std::string::npos)
    throw Error(ExitCode::kConfig, format("command line: --resume {}: wanted auto, never, or the URI of a run's checkpoints, such as file:runs/NAME/checkpoints", uri));
  if (values.count("resume") && request.resume.empty()) throw Error(ExitCode::kConfig, "command line: --resume is empty; wanted auto, never or a URI");
  take(values, "resume-without", request.resume_without);
  take(values, "device", request.device);
  take(values, "prompt", request.prompt);
  take(values, "length", request.length);
  take(values, "seed", request.seed);
  take(values, "temperature", request.temperature);
  take(values, "top-k", request.top_k);
  take(values, "checkpoint", request.checkpoint);
  take(values, "keep-last", request.keep_last);
  take(values, "keep-every", request.keep_every);
  take(values, "keep-best", request.keep_best);
  take(values, "metric", request.metric);
  take(values, "format", request.format);
  take(values, "config", request.config_file);
  take(values, "step", request.step);
  take(values, "seconds", request.seconds);
  take(values, "dir", request.dir);
  take(values, "limit", request.limit);
  take(values, "fields", request.fields);
  take(values, "only", request.only);
  take(values, "reproduce", request.reproduce);
  take(values, "time-limit", request.time_limit_s);
  take(values, "ask", request.ask_folder);
  take(values, "of", request.ask_of);
  request.is_in_process = values.count("in-process") > 0;
  request.is_dry_run = values.count("dry-run") > 0;
  request.is_json = values.count("json") > 0;
  request.is_quiet = values.count("quiet") > 0;
  request.verbosity = values.count("verbose") > 0 ? 1 : 0;
  request.wants_origins = values.count("origins") > 0;
  request.wants_help = values.count("help") > 0;
}

}  // namespace

const std::vector<std::string>& command_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Command& command : commands()) all.push_back(command.name);
    return all;
  }();
  return names;
}

Request parse_command_line(const std::vector<std::string>& arguments) {
  std::vector<std::string> rest = arguments;
  Request request;
  request.arguments = arguments;
  const bool wants_overview = !rest.empty() && (rest.front() == "--help" || rest.front() == "-h");
  request.command = wants_overview ? "help" : take_command(rest);
  if (wants_overview) return request;

  const Command& command = find_command(request.command);
  po::options_description visible = options_of(command);
  po::options_description all;
  all.add(visible).add_options()("words", po::value<std::vector<std::string>>());
  if (request.command == "plugins")  // what `plugins check` tells the process that it starts for one question
    all.add_options()("ask", po::value<std::string>())("of", po::value<std::string>());
  po::positional_options_description positional;
  positional.add("words", -1);
  po::variables_map values;
  try {
    // Abbreviations are refused: a script must not change its meaning when an option is added.
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(rest).options(all).positional(positional).style(style).run(), values);
  } catch (const po::error& problem) {
    refuse(command, visible, problem);
  }
  take_values(values, request);
  return request;
}

std::string help_text(const std::string& name) {
  std::ostringstream out;
  if (name.empty()) {
    out << "trainhost trains a model; every technique is a plugin.\n\nusage:\n";
    for (const Command& command : commands()) {
      out << "  trainhost " << command.usage << "\n";
      std::istringstream lines(command.summary);
      for (std::string line; std::getline(lines, line);) out << "      " << line << "\n";
    }
    out << "\n" << options_of(find_command("run"))
        << "\nexit codes: 0 done, 1 failure, 2 usage or config, 10 budget reached, 11 diverged, 12 data, 13 plugin, 14 checkpoint unreadable, 15 out of device memory,\n"
           "16 checkpoint could not be written, 20 gate not met, 75 preempted (resume me), 130 aborted; `trainhost help exit-codes` says more.\n";
    return out.str();
  }
  const Command& command = find_command(name);
  out << "usage: trainhost " << command.usage << "\n\n" << command.summary << "\n\n" << options_of(command);
  return out.str();
}

std::string completion_words() {
  std::ostringstream out;
  for (const Command& command : commands()) {
    out << command.name;
    const po::options_description options = options_of(command);  // outlives the loop over its parts
    for (const auto& option : options.options()) out << " --" << option->long_name();
    out << "\n";
  }
  return out.str();
}

}  // namespace trainhost

// Topics, completion script and versions.
#include "commands/help_command.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/nearest.h"
#include "base/table.h"
#include "commands/ckpt_command.h"
#include "commands/data_command.h"
#include "commands/plugins_command.h"
#include "config/resolve.h"
#include "plugin/kind.h"
#include "plugin/metadata.h"
#include "telemetry/event.h"

namespace trainhost {
namespace {

constexpr const char* kIntervals = R"(An interval is a number and a unit: 100step, 2.5h, 40usd, 5%.
units  window   a window that was tried (exact)
       step     an applied update (exact)
       epoch    a pass over the training set; fractions allowed (exact)
       sample, token   samples consumed, targets that counted in the loss (exact)
       s, min, h       wall time of all attempts of the run
       usd, eur, ...   money; the currency must be the config's, and price_per_hour must be set
       kwh      energy; refused where there is no meter
       %        of the run's length: the first entry of `max` in windows, steps, samples, tokens or epochs
"every" counts from 0 and survives resumes. A limit in time or money ends a run with exit code 10, the others with 0.
)";

constexpr const char* kOverrides = R"(trainhost run CONFIG a.b=c      sets a key that exists or that a schema declares
trainhost run CONFIG +a.b=c     adds a new key, such as a new evaluation set's
trainhost run CONFIG '~a.b'     deletes a key
The right side is a TOML value, else a string. --set a.b=c is the same, for scripts.
Precedence: defaults < files named by `include` < the file < environment TRAINHOST__A__B=c < overrides < flags such as --name.
Keys that exclude each other (accum.micro_batches, .target_samples, .target_tokens): the one set at the higher precedence replaces the others.
`trainhost config show --origins` says where each value comes from.
)";

constexpr const char* kPlugins = R"(--plugins a,b,-c edits the list `plugins` of the config: a plugin replaces the one of its kind where a kind allows one, is added where it allows many,
wraps where it is a decorator; -c removes. Names: "amp", "precision_policy/amp", or the path of a plugin file.
Found in: PROGRAM/../plugins, PROGRAM/../lib/trainhost/plugins, TRAINHOST_PLUGIN_PATH (separated by colons), the key plugin_path = ["DIR"].
A word without a slash is a name, never a file of the working folder. A path in a config is relative to the file that says it, one that is typed to the
working folder; in the environment paths begin with /. Plugin files that others may write to are refused.
`trainhost plugins list` shows what is installed, `info NAME` the keys of one, `explain NAME` why it would load or not, `check FILE` asks whether it keeps
its promises, `new KIND NAME` writes the folder of a new one; `trainhost plugins lock CONFIG` writes plugins.lock beside the config, and from then on other
plugin files are refused.
)";

constexpr const char* kResume = R"(The same command goes on where its run stopped: same name, same values of the keys that change the numbers.
--resume auto    (default) goes on from the newest verified checkpoint; a damaged one is reported and the older used
--resume never   starts NAME-2 (and so on); nothing is overwritten, and a checkpoint.uri that holds a run of this name already is refused
--resume URI     starts a new run from the newest verified checkpoint of another one, e.g. file:/data/runs/a/checkpoints, or from the one that URI names
A finished run is left alone (NAME-2), unless `max` was raised: then it goes on.
Other values are refused with the keys that differ; --resume-without NAME accepts one key, or leaves one plugin's state out.
Ctrl-C or SIGTERM once: finishes the step, saves, exit 75. Twice: exit 130 at once, resuming from the last checkpoint.
)";

constexpr const char* kExitCodes = R"(0    done
1    failure
2    usage or config
10   budget in time, money or energy reached, checkpoint saved
11   diverged
12   data
13   plugin or ABI
14   checkpoint unreadable
15   out of device memory
16   checkpoint could not be written
20   gate not met (smoke, model check)
75   preempted: the same command resumes
130  aborted
)";

constexpr const char* kRunFolder = R"(DIR/NAME (runs/NAME unless --out says otherwise) holds
config.toml    the resolved config, each value with its origin
run.json       versions, host, device, argv, seed, plugins with their sha256, how it ended, result_checkpoint
log.jsonl      one event a line (`trainhost help events`), append-only
console.log    what people saw
crash.txt      only after a crash: the signal, the plugin call that it came from, the frames
checkpoints/   unless checkpoint.uri names another place
samples/       texts of the model
metrics.csv    with the observer csvlog
)";

std::string events_text() {
  std::ostringstream out;
  out << "log.jsonl holds one JSON object a line: v (1), seq, time, event, and the fields of the event.\n";
  for (const EventKind& kind : event_kinds()) {
    out << "\n" << kind.name << ": " << kind.meaning << "\n";
    std::vector<std::vector<std::string>> rows;
    for (const EventField& field : kind.fields) rows.push_back({std::string(field.name), std::string(field.type), std::string(field.meaning)});
    out << align_columns(rows, "lll");
  }
  return out.str();
}

std::string spaced(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const PluginKind& kind : plugin_kinds()) names.emplace_back(kind.name);
  return names;
}

}  // namespace

ExitCode help_command(const Request& request) {
  if (request.words.empty()) {
    std::cout << help_text("");
    return ExitCode::kDone;
  }
  const std::string& topic = request.words.front();
  static const std::vector<std::string> topics{"config", "intervals", "overrides", "plugins", "resume", "exit-codes", "run-folder", "events"};
  if (topic == "config") std::cout << host_keys_help();
  else if (topic == "intervals") std::cout << kIntervals;
  else if (topic == "overrides") std::cout << kOverrides;
  else if (topic == "plugins") std::cout << kPlugins;
  else if (topic == "resume") std::cout << kResume;
  else if (topic == "exit-codes") std::cout << kExitCodes;
  else if (topic == "run-folder") std::cout << kRunFolder;
  else if (topic == "events") std::cout << events_text();
  else {
    std::vector<std::string> known = topics;
    known.insert(known.end(), command_names().begin(), command_names().end());
    for (const std::string& name : command_names())
      if (name == topic) {
        std::cout << help_text(name);
        return ExitCode::kDone;
      }
    throw Error(ExitCode::kConfig, format("help: no topic \"{}\"{}", topic, did_you_mean(topic, known)));
  }
  return ExitCode::kDone;
}

ExitCode completion_command(const Request& request) {
  if (request.words != std::vector<std::string>{"bash"})
    throw Error(ExitCode::kConfig, "completion: wanted `trainhost completion bash`; other shells are not supported");
  std::string cases, run_options;
  std::istringstream lines(completion_words());
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (line.starts_with("run ")) run_options = line.substr(4);
    cases += format("    {}) options=\"{}\" ;;\n", line.substr(0, space), space == std::string::npos ? "" : line.substr(space + 1));
  }
  std::string names;
  for (const std::string& name : command_names())
    if (name != "version") names += (names.empty() ? "" : " ") + name;
  std::cout << "# bash completion of trainhost; load it with: source <(trainhost completion bash)\n"
               "_trainhost() {\n"
               "  local word=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\" options=\"\"\n"
               "  case \"$command\" in\n" << cases <<
               "    *) options=\"" << run_options << "\" ;;\n"  // no sub-command: run
               "  esac\n"
               "  if [[ \"$word\" == -* ]]; then\n"
               "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
               "  elif [[ $command == plugins && $COMP_CWORD -eq 2 ]]; then\n"
               "    COMPREPLY=($(compgen -W \"" << spaced(plugins_verbs()) << "\" -- \"$word\"))\n"
               "  elif [[ $command == ckpt && $COMP_CWORD -eq 2 ]]; then\n"
               "    COMPREPLY=($(compgen -W \"" << spaced(ckpt_verbs()) << "\" -- \"$word\"))\n"
               "  elif [[ $command == data && $COMP_CWORD -eq 2 ]]; then\n"
               "    COMPREPLY=($(compgen -W \"" << spaced(data_verbs()) << "\" -- \"$word\"))\n"
               "  elif [[ $command == data && ${COMP_WORDS[2]} == cache && $COMP_CWORD -eq 3 ]]; then\n"
               "    COMPREPLY=($(compgen -W \"" << spaced(data_cache_verbs()) << "\" -- \"$word\"))\n"
               "  elif [[ $command == plugins && ${COMP_WORDS[2]} == new && $COMP_CWORD -eq 3 ]]; then\n"
               "    COMPREPLY=($(compgen -W \"" << spaced(kind_names()) << "\" -- \"$word\"))\n"
               "  elif [[ $COMP_CWORD -eq 1 ]]; then\n"
               "    COMPREPLY=($(compgen -W \"" << names << "\" -- \"$word\") $(compgen -f -X '!*.toml' -- \"$word\"))\n"
               "  else\n"
               "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
               "  fi\n"
               "}\n"
               "complete -o filenames -F _trainhost trainhost\n";
  return ExitCode::kDone;
}

ExitCode version_command(const Request& request) {
  const HostAbi abi = host_abi();
  if (request.is_json)
    std::cout << nlohmann::json{{"trainhost", TRAINHOST_VERSION}, {"abi", {{"major", abi.major}, {"minor", abi.minor}}}, {"torch_build", abi.torch_build}, {"compiler", __VERSION__}}.dump() << "\n";
  else
    std::cout << format("trainhost {} (plugin ABI {}.{}; LibTorch build {}; g++ {})\n", TRAINHOST_VERSION, abi.major, abi.minor, abi.torch_build, __VERSION__);
  return ExitCode::kDone;
}

}  // namespace trainhost

// Asking one question after another, and printing.
#include "commands/check_command.h"

#include <ostream>

#include <nlohmann/json.hpp>

#include "commands/check_process.h"
#include "commands/check_subject.h"
#include "commands/temporary_folder.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

using conformance::Outcome;
using conformance::Subject;
using conformance::Verdict;
using nlohmann::json;

std::string quoted(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_of(" \t\n\"'\\$`*?[]{}()<>|&;!#~") == std::string::npos;
  return is_plain ? word : "'" + word + "'";
}

// The words behind "trainhost" that ask this question again.
std::vector<std::string> words_for(const Request& request, const Subject& subject, const Asked& asked) {
  std::vector<std::string> words{
      "plugins", "check", request.words.back(), "--only", std::string(asked.question->id), "--reproduce", std::to_string(subject.seed)};
  if (request.config_file) words.insert(words.end(), {"--config", *request.config_file});
  for (const std::string& file : request.fields) words.insert(words.end(), {"--fields", file});
  if (request.device) words.insert(words.end(), {"--device", *request.device});
  for (const std::string& text : request.overrides) words.insert(words.end(), {"--set", text});
  return words;
}

// "s3.secret_key=***" for a key that a schema of the file calls secret.
std::string without_secret(const std::string& word, const Subject& subject) {
  const size_t equals = word.find('='), dot = word.rfind('.', equals);
  if (equals == std::string::npos || dot == std::string::npos) return word;
  const std::string key = word.substr(dot + 1, equals - dot - 1);
  for (const conformance::Record& record : subject.records)
    if (record.schema.value("properties", json::object()).value(key, json::object()).value("x-secret", false)) return word.substr(0, equals) + "=***";
  return word;
}

std::string command_for(const Request& request, const Subject& subject, const Asked& asked) {
  std::string text = "trainhost";
  for (const std::string& word : words_for(request, subject, asked)) text += " " + quoted(without_secret(word, subject));
  return text;
}

Verdict ask(const Request& request, const Subject& file, const Asked& asked) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path(), "trainhost-check");
  if (request.is_in_process) {
    Subject subject = subject_of(request, file, asked.plugin_index);
    subject.scratch = folder.path();
    return asked.question->ask(subject);
  }
  std::vector<std::string> words = words_for(request, file, asked);
  words.insert(words.begin(), "trainhost");
  words.insert(words.end(), {"--ask", folder.path().string(), "--of", file.records[asked.plugin_index].full_name()});
  return ask_in_a_process(words, folder.path(), request.time_limit_s);
}

// The child: one question, whose verdict is left in a folder.
ExitCode answer_one(const Request& request) {
  const Subject file = load_subject(request);
  for (const Asked& asked : questions_for(request, file)) {
    if (asked.question->id != request.only.front() || file.records[asked.plugin_index].full_name() != request.ask_of) continue;
    Subject subject = subject_of(request, file, asked.plugin_index);
    subject.scratch = std::filesystem::path(*request.ask_folder) / "scratch";
    std::filesystem::create_directories(subject.scratch);
    answer_into(*request.ask_folder, *asked.question, subject);
    return ExitCode::kDone;
  }
  throw Error(ExitCode::kConfig, format("command line: --ask: no question {} for {}", request.only.front(), request.ask_of));
}

const char* word_of(Outcome outcome) { return outcome == Outcome::kOk ? "ok" : outcome == Outcome::kFail ? "fail" : "skipped"; }

struct Tally {
  size_t passed = 0, failed = 0, skipped = 0;
  void count(Outcome outcome) { ++(outcome == Outcome::kOk ? passed : outcome == Outcome::kFail ? failed : skipped); }
};

void print_line(std::ostream& out, const std::string& about, const Asked& asked, const Verdict& verdict, const std::string& command) {
  const std::string word = word_of(verdict.outcome);
  out << word << std::string(9 - word.size(), ' ') << about << "  " << asked.question->id << (verdict.reason.empty() ? "" : ": " + clean_text(verdict.reason))
      << "\n";
  if (verdict.outcome == Outcome::kFail) out << "         " << asked.question->sentence << ". Again: " << command << "\n";
  out.flush();
}

}  // namespace

ExitCode check_command(const Request& request, std::ostream& out) {
  if (request.ask_folder) return answer_one(request);
  const Subject file = load_subject(request);
  Tally tally;
  json answers = json::array();
  for (const Asked& asked : questions_for(request, file)) {
    const Verdict verdict = ask(request, file, asked);
    const std::string command = command_for(request, file, asked), about = asked.about(file);
    tally.count(verdict.outcome);
    if (!request.is_json) print_line(out, about, asked, verdict, command);
    answers.push_back({{"about", about},
                       {"question", asked.question->id},
                       {"sentence", asked.question->sentence},
                       {"outcome", word_of(verdict.outcome)},
                       {"reason", clean_text(verdict.reason)},
                       {"command", command}});
  }
  if (request.is_json)
    out << json{{"file", file.file.string()}, {"seed", file.seed},      {"answers", answers},
                {"passed", tally.passed},     {"failed", tally.failed}, {"skipped", tally.skipped}}
               .dump(2)
        << "\n";
  else
    out << format("{} passed, {} failed, {} skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed == 0 ? ExitCode::kDone : ExitCode::kPlugin;
}

}  // namespace trainhost

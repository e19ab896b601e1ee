// What `trainhost plugins check` asks of a plugin file: a list of questions, each a function over the subject that is asked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "trainhost/cpp/field.hpp"

namespace trainhost::conformance {

// What the file says of one of its plugins, without running any of it.
struct Record {
  std::string kind, name, version;
  std::string metadata;  // the record's very bytes
  nlohmann::json schema;
  std::vector<std::string> needs, schemes;
  std::uint32_t decorates = 0;
  bool is_stateful = false;
  bool is_tied_to_torch = false;  // T2

  std::string full_name() const { return kind + "/" + name; }
};

// What the host does with a schema, and its checksum: the questions know nothing else of the host.
struct HostTools {
  std::function<void(const nlohmann::json& schema)> check_schema;                                            // throws a std::exception with the complaint
  std::function<nlohmann::json(const nlohmann::json& schema, const nlohmann::json& settings)> apply_schema;  // with defaults; throws as well
  std::function<std::uint32_t(std::string_view bytes)> crc32c;
};

// Fields that a source could give, for a model to be built for.
struct FieldSet {
  std::string text;  // "tokens and targets", or the file that says them
  std::vector<Field> fields;
};

// What a question is asked of.
struct Subject {
  std::filesystem::path file;
  std::vector<Record> records;  // all plugins of the file
  std::size_t index = 0;        // the one that is meant
  nlohmann::json settings;      // what the user has given for it; an object
  HostTools host;
  std::uint64_t seed = 1;            // of everything random in the question
  std::filesystem::path scratch;     // an empty folder of this question's own
  std::string device = "cpu";        // for plugins tied to LibTorch: "cpu", "cuda" or "cuda:N"
  std::vector<FieldSet> field_sets;  // that a model takes, as its author says; empty: those of usual sources are tried

  const Record& record() const { return records.at(index); }
};

enum class Outcome { kOk, kFail, kSkipped };
struct Verdict {
  Outcome outcome = Outcome::kOk;
  std::string reason;  // of a failure or a skip: place, what, got, wanted
};

enum class Scope { kFile, kPlugin };  // asked once of the file, or of each plugin in it

// `ask` is an answer<body> of answer.h: it never throws.
struct Question {
  std::string_view id;        // "data_source/same_ids_same_bytes"
  std::string_view sentence;  // what a sound plugin does
  std::string_view kind;      // whom it is for; empty = every kind
  Scope scope;
  Verdict (*ask)(const Subject&);
};

// In the order in which they are asked; those of kinds that need LibTorch are not among them.
const std::vector<Question>& questions();

// Those of the kinds that need LibTorch, out of libtrainhost_conformance_torch.so. Throws std::runtime_error when it is not there.
const std::vector<Question>& torch_questions();

// From now on, a plugin that touches memory behind a struct of the questions ends this process with a verdict in `file_descriptor` (verdict_text).
void report_overruns_to(int file_descriptor);

// How a verdict crosses from one process to the other: "fail\nreason".
std::string verdict_text(const Verdict& verdict);
// nullopt: the text is not whole.
std::optional<Verdict> parse_verdict(std::string_view text);

}  // namespace trainhost::conformance

// Making instances, and what is wrong with error texts.
#include "conformance/specimen.h"

#include "conformance/config_values.h"

namespace trainhost::conformance {
namespace {

constexpr std::string_view kStatusNames[] = {"OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
                                             "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
                                             "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
                                             "DATA_LOSS"};

std::string status_name(trainhost_status status) {
  return status >= 0 && static_cast<std::size_t>(status) < std::size(kStatusNames) ? std::string(kStatusNames[status]) : format("status {}", status);
}

// nlohmann's writer knows what UTF-8 is.
bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

constexpr std::string_view kRemedy = "give it settings that work, with --config FILE.toml or key=value";

}  // namespace

std::string text_of(const Said& said) { return said.words.empty() ? status_name(said.status) : format("{} ({})", status_name(said.status), said.words); }

void expect_ok(std::string_view what, const Said& said) { require(said.is_ok(), "{}: {}", what, text_of(said)); }

Said ErrorText::said(std::string_view what, trainhost_status status) const {
  const trainhost_error& error = *placed_;
  require(error.struct_size == sizeof error, "{} has changed struct_size of its error", what);
  require(error.message_length <= sizeof error.message, "{}: message_length is {}, the buffer has {} bytes", what, error.message_length, sizeof error.message);
  if (status == TRAINHOST_OK) return {};
  Said said{status, std::string(error.message, error.message_length)};
  require(is_utf8(said.words), "{} failed with {} and words that are no UTF-8", what, status_name(status));
  require(!said.words.empty(), "{} failed with {} and no words; say place, what, got, wanted, next step", what, status_name(status));
  return said;
}

void fail_for_exception(std::string_view what) {
  try {
    throw;
  } catch (const std::exception& error) {
    fail("{} threw an exception ({}), which must not leave a plugin", what, error.what());
  } catch (...) {
    fail("{} threw an exception, which must not leave a plugin", what);
  }
}

Specimen::Specimen(const Subject& subject)
    : PluginUnderTest(subject.record().full_name(), subject.file.string()), subject_(subject), config_(usual_config(subject)) {
  for (const char* folder : {"run", "cache"}) std::filesystem::create_directories(subject.scratch / folder);
  host.run_folder = subject.scratch / "run", host.cache_folder = subject.scratch / "cache", host.currency = "usd";
  if (subject.record().kind == "accumulation_schedule") host.memory_probe = [](std::uint64_t samples) { return samples <= 64; };
  for (std::uint32_t i = 0; i < subject.record().decorates; ++i) {
    OwnedInstance upstream = make_upstream(subject.record().kind, host.c(), format("{}/{}", subject.scratch, i));
    if (!upstream) skip("it wraps another {}, and this check has none to give it", subject.record().kind);
    host.upstreams.push_back(upstream.get());
    upstreams_.push_back(std::move(upstream));
  }
}

Said Specimen::try_create(const nlohmann::json& config) {
  destroy();
  const std::string json = config.dump();
  trainhost_instance* made = nullptr;
  const Said said = ask("create", file().entry().create, host.c(), &descriptor(), c_string(json), &made);
  require(said.is_ok() == (made != nullptr), said.is_ok() ? "create returned OK without an instance" : "create failed, but has set its answer");
  if (!made) return said;
  adopt(made);
  require(made->struct_size >= sizeof *made && made->get_interface && made->destroy,
          "create made an instance that is too small, or without get_interface or destroy");
  return said;
}

void Specimen::create() {
  const Said said = try_create(config_);
  require(said.is_ok(), "create({}): {}; {}", shown(subject_.record().schema, config_), text_of(said), kRemedy);
}

void Specimen::start() {
  try {
    PluginUnderTest::start();
  } catch (const PluginError& error) {
    fail("start: {}; {}", text_of({error.status, error.message}), kRemedy);
  }
}

Specimen& Specimen::begin() {
  create();
  start();
  return *this;
}

const void* Specimen::interface(const char* id) const {
  try {
    return c()->get_interface(c(), id);
  } catch (...) {
    fail_for_exception(format("get_interface(\"{}\")", id));
  }
}

}  // namespace trainhost::conformance

// An instance of the plugin that is asked, made and called as the host does, with a host that notices what it does wrong.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "conformance/answer.h"
#include "conformance/guard_page.h"
#include "conformance/upstreams.h"
#include "trainhost/testing/plugin.hpp"

namespace trainhost::conformance {

// What a call into the plugin answered.
struct Said {
  trainhost_status status = TRAINHOST_OK;
  std::string words;  // empty unless it failed

  bool is_ok() const { return status == TRAINHOST_OK; }
};

// "INVALID_ARGUMENT (k must be odd)", for reasons.
std::string text_of(const Said& said);

// A place for error text in front of a guard page, and what the plugin has left there.
class ErrorText {
 public:
  ErrorText() : placed_({sizeof(trainhost_error), 0, {}}, "trainhost_error") {}
  trainhost_error* get() const { return placed_.get(); }
  // Fails the question for a message that does not stay inside, is no UTF-8, or is missing after a failure.
  Said said(std::string_view what, trainhost_status status) const;

 private:
  Placed<trainhost_error> placed_;
};

[[noreturn]] void fail_for_exception(std::string_view what);

// Calls a function of the C ABI whose last parameter is the error. `what` names it in reasons: "data_source.read".
template <class... Parameters, class... Arguments>
Said ask(std::string_view what, trainhost_status (*function)(Parameters...), Arguments&&... arguments) {
  require(function != nullptr, "{} is NULL", what);
  const ErrorText error;
  trainhost_status status = TRAINHOST_UNKNOWN;
  try {
    status = function(std::forward<Arguments>(arguments)..., error.get());
  } catch (...) {
    fail_for_exception(what);
  }
  return error.said(what, status);
}

// Fails the question unless the call went well.
void expect_ok(std::string_view what, const Said& said);

// The same for a call that has to work.
template <class... Parameters, class... Arguments>
void expect(std::string_view what, trainhost_status (*function)(Parameters...), Arguments&&... arguments) {
  expect_ok(what, ask(what, function, std::forward<Arguments>(arguments)...));
}

// PluginUnderTest over a subject: a host with a run, a cache folder and a currency, and upstreams for decorators.
class Specimen : public testing::PluginUnderTest {
 public:
  // Nothing is created yet. Throws Failed for settings that the host refuses.
  explicit Specimen(const Subject& subject);
  ~Specimen() { destroy(); }  // before what it wraps

  const nlohmann::json& config() const { return config_; }
  // With the subject's own config; fails the question with what to do when the plugin refuses it.
  void create();
  void start();
  // Both.
  Specimen& begin();
  // With another config: what the plugin answered. An instance is there only when it is OK.
  Said try_create(const nlohmann::json& config);

  const void* interface(const char* id) const;
  // NULL when it has none.
  template <class Table>
  const Table* find(const char* id) const {
    return static_cast<const Table*>(interface(id));
  }
  // Fails the question when it has none.
  template <class Table>
  const Table& need(const char* id) const {
    const Table* found = find<Table>(id);
    require(found != nullptr, "it has no interface {}", id);
    return *found;
  }

 private:
  const Subject& subject_;
  nlohmann::json config_;
  std::vector<OwnedInstance> upstreams_;
};

}  // namespace trainhost::conformance

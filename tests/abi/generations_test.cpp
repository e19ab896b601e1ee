// Who was built with which SDK, for which oldest host, and runs in which host: each cell of docs/abi.md, and what it answers or how it is refused.
#include <boost/test/data/test_case.hpp>

#include "generations.h"
#include "plugin/stopping_rule.h"

namespace trainhost {
namespace {

struct Cell {
  const char *file, *rule;   // what was built with which SDK, for which oldest host
  const char* in_this_host;  // the rule's reason; nullptr: it is refused
  const char* in_next_host;
};
std::ostream& operator<<(std::ostream& out, const Cell& cell) { return out << cell.file << " " << cell.rule; }

const Cell kCells[] = {
    {"1.0/frozen.so", "frozen_rule", "was asked 1 times", "was asked 1 times"},
    {"next_0/frozen.so", "frozen_rule", "was asked 1 times", "was asked 1 times"},
    {"next_0/next.so", "next_rule", "nothing new is declared", "nothing new is declared"},
    {"next_1/next.so", "next_rule", nullptr, "progress 42, service 7"},
    {"next_both/next.so", "next_rule", "progress 0, service 0", "progress 42, service 7"},
    {"next_0/rule.so", "next_cpp_rule", "nothing new is declared", "nothing new is declared"},
    {"next_1/rule.so", "next_cpp_rule", nullptr, "progress 42"},
};

std::string reason_of(const Cell& cell) {
  const std::string_view rule = cell.rule;
  const std::string config = rule == "next_rule" ? format(R"({{"expect":{}}})", kPretended) : rule == "frozen_rule" ? R"({"windows":1})" : "{}";
  const auto instance = Instance::create(generation_record(cell.file, cell.rule), config);
  return StoppingRule(*instance).check(given<trainhost_progress>(), {}).reason;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(generations_test)

BOOST_DATA_TEST_CASE(every_cell_answers_or_is_refused, boost::unit_test::data::make(kCells), cell) {
  const char* wanted = kIsNext ? cell.in_next_host : cell.in_this_host;
  if (wanted) {
    BOOST_TEST(reason_of(cell) == wanted);
    return;
  }
  const std::string complaint = format("needs host ABI {}.{}, this host has {}.{}; update trainhost or rebuild the plugin with TRAINHOST_TARGET_MINOR={}",
                                       TRAINHOST_ABI_MAJOR, TRAINHOST_ABI_MINOR + 1, TRAINHOST_ABI_MAJOR, TRAINHOST_ABI_MINOR, TRAINHOST_ABI_MINOR);
  expect_error(ExitCode::kPlugin, {cell.file, complaint}, [&] { reason_of(cell); });
}

// A new reason to stop counts as "done" where it is not known; a new interface is there for those who ask.
BOOST_AUTO_TEST_CASE(new_values_and_interfaces_disturb_nobody) {
  const auto instance = Instance::create(generation_record("next_both/next.so", "next_rule"), format(R"({{"expect":{}}})", kPretended));
  BOOST_TEST(StoppingRule(*instance).check(given<trainhost_progress>(), {}).stop == TRAINHOST_STOP_DONE);
  BOOST_TEST(instance->interface("trainhost.pretended_rule/1") != nullptr);
  const auto frozen = Instance::create(generation_record("1.0/frozen.so", "frozen_rule"), "{}");
  BOOST_TEST(frozen->interface("trainhost.pretended_rule/1") == nullptr);
}

// The C++ glue checks once more, for hosts that do not.
BOOST_AUTO_TEST_CASE(the_glue_refuses_an_older_host_too) {
  const std::vector<PluginRecord> records = read_records(generation_file("next_1/rule.so"));
  BOOST_TEST(records.front().min_host_minor == TRAINHOST_ABI_MINOR + (kIsNext ? 0 : 1));
  const auto create = [&] { return Instance::create(records.front(), "{}"); };
  if (kIsNext)
    BOOST_TEST(create()->interface(TRAINHOST_STOPPING_RULE) != nullptr);
  else
    expect_error(ExitCode::kPlugin, {"create: FAILED_PRECONDITION: needs a host of ABI"}, create);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost

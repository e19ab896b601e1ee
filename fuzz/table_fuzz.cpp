// Fuzzes the readers of csv and JSON lines: they refuse with a place, or every row can be taken apart or refused with one.
#include "fuzz.h"
#include "memory_file.h"
#include "rows.h"
#include "table_file.h"

#include <regex>

using namespace trainhost;

namespace {

void expect_place(const PluginError& error) {
  static const std::regex place("/proc/self/fd/[0-9]+:[1-9][0-9]*:[1-9][0-9]*: [^]*");
  fuzz::promise(std::regex_match(error.message, place) || error.message.find("holds no row") != std::string::npos, "a refusal names file, line and column");
}

}  // namespace

// What begins like JSON is lines of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool is_json = size > 0 && data[0] == '{';
  static const std::vector<TableField> fields{TableField("x float64 1"), TableField("t bytes 2 length=100")};
  TableFile file(std::make_unique<InputFile>(fuzz::memory_file(data, size)), {is_json, ',', false});
  try {
    file.scan(OffsetStore({}), [] {});
  } catch (const PluginError& error) {
    expect_place(error);
    return 0;
  }
  const auto reader = is_json ? json_reader(file) : csv_reader(file, fields, ',');
  for (uint64_t number = 0; number < file.num_rows(); ++number) {
    const std::string text = file.read(number);
    fuzz::promise(!text.empty(), "a row is not empty");
    try {
      const auto row = reader->take_apart(number, text);
      for (size_t f = 0; f < fields.size(); ++f) {
        for (const Value& value : row->values(fields[f], f)) fuzz::promise(value.offset <= text.size(), "a value begins in its row");
      }
    } catch (const PluginError& error) {
      expect_place(error);
    }
  }
  return 0;
}

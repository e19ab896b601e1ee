#include <limits>

#include <nlohmann/json.hpp>

#include "rows.h"

namespace trainhost {
namespace {

using Json = nlohmann::json;

Value value_of(const Json& json, std::string_view column) {
  Value value{Value::Kind::kMissing, {}, 0, 0, 0, column};
  if (json.is_null()) return value;
  if (json.is_string()) return value.kind = Value::Kind::kText, value.text = json.get<std::string>(), value;
  value.text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const bool is_beyond = json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (json.is_boolean()) value.kind = Value::Kind::kWhole, value.whole = json.get<bool>();
  else if (json.is_number_integer() && !is_beyond) value.kind = Value::Kind::kWhole, value.whole = json.get<int64_t>();
  else if (json.is_number()) value.kind = Value::Kind::kReal, value.real = json.get<double>();
  else value.kind = Value::Kind::kOther;  // an object, or an array in an array
  return value;
}

class JsonRow final : public Row {
 public:
  explicit JsonRow(Json json) : json_(std::move(json)) {}

  std::vector<Value> values(const TableField& field, size_t) const override {
    std::vector<Value> out;
    for (const std::string& column : field.columns()) {
      const auto found = json_.find(column);
      if (found == json_.end()) out.push_back(value_of(nullptr, column));
      else if (!found->is_array()) out.push_back(value_of(*found, column));
      else
        for (const Json& one : *found) out.push_back(value_of(one, column));
    }
    return out;
  }

 private:
  Json json_;
};

class JsonReader final : public RowReader {
 public:
  explicit JsonReader(const TableFile& file) : file_(file) {}

  std::unique_ptr<Row> take_apart(uint64_t row, const std::string& text) const override {
    Json json;
    try {
      json = Json::parse(text);
    } catch (const Json::parse_error& error) {
      throw file_.wrong(row, error.byte > 0 ? error.byte - 1 : 0, "no JSON; each line must be one object");
    } catch (const Json::exception& error) {  // a number beyond all formats
      throw file_.wrong(row, 0, format("a value that cannot be kept ({})", error.what()));
    }
    if (!json.is_object()) throw file_.wrong(row, 0, "JSON, but no object; each line must be one");
    return std::make_unique<JsonRow>(std::move(json));
  }

 private:
  const TableFile& file_;
};

}  // namespace

std::unique_ptr<RowReader> json_reader(const TableFile& file) { return std::make_unique<JsonReader>(file); }

}  // namespace trainhost
